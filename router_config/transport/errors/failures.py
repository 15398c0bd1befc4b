"""A failed attempt as the provider's reply: from the wire where it was seen, else from LiteLLM's exception."""

import errno
import json
import os
import re
import socket
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

import aiohttp
import httpx
import openai
from litellm.exceptions import (
    APIConnectionError,
    BadRequestError,
    LiteLLMUnknownProvider,
    UnprocessableEntityError,
)

from router_config.signals import Reply, without
from router_config.transport.errors.error_chain import causes, first_cause
from router_config.transport.errors.pickled_errors import picklable
from router_config.transport.exchange import Exchange
from router_config.transport.messages.contents import REASONS_FOR_NOTHING, EmptyAnswer
from router_config.transport.streams import LATE, CutStream, EmptyStream

CUT: Final = (
    httpx.TransportError,
    aiohttp.ClientConnectionError,
    aiohttp.ClientPayloadError,
    ConnectionError,
    CutStream,
    EmptyStream,
)
ELSEWHERE: Final = frozenset({"content", "output", "data", "results", "text", "embedding", "embeddings", "error"})
"""Where other wire formats than those of chats hold an answer."""

OF_OURSELVES: Final = (TypeError, AttributeError, ImportError)
"""A wrong argument, a missing package: no provider is at fault."""

NOT_TO_BE_SENT: Final = frozenset({TypeError, ValueError, UnicodeEncodeError, RuntimeError})
"""What arguments cause of which no request can be made: a lone surrogate, an object that is no JSON."""

CLIENTS: Final = frozenset({"httpx", "httpx2", "httpcore", "aiohttp", "anyio"})

LACKING: Final = re.compile(r"Missing [A-Za-z0-9_ .-]{1,80}")
"""How LiteLLM begins to say that a setting is not there: an account's id, a region, a key."""

CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""All but tabs and line ends."""

SHORT_OF: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What the machine or this process has no more of: descriptors, memory."""

BROKEN: Final = (
    httpx.TransportError,
    aiohttp.ClientError,
    ConnectionError,
    openai.APIConnectionError,
    APIConnectionError,
)


def reply_of(exchange: Exchange, error: BaseException) -> Reply | None:
    """What came back for this attempt; None when the error is not the provider's (a wrong argument, say)."""
    if exchange.status is not None and exchange.status >= 300:
        return Reply(exchange.status, exchange.headers, exchange.body)
    led = tuple(causes(error))
    lacking = exchange.body is None and any(isinstance(each, ImportError) for each in led)
    if lacking and not any(isinstance(each, CUT + LATE) for each in led):
        return None  # LiteLLM imports a package that it does not ask for, even after the answer has come.
    if exchange.status is None and not exchange.written and _is_ours(led):
        return None
    if _never_asked(exchange, led) or _is_of_the_arguments(exchange, error):
        return None
    if exchange.status is not None:
        if exchange.body is not None:
            return Reply(exchange.status, exchange.headers, exchange.body)
        if any("{" in str(cause) for cause in led if not isinstance(cause, BROKEN + LATE)):
            told = next(str(cause) for cause in led if "{" in str(cause))
            return Reply(exchange.status, exchange.headers, told[told.index("{") :], failure="disconnected")
        return Reply(None, failure="timeout" if any(isinstance(each, LATE) for each in led) else "disconnected")
    if _unreached(led) and not any(isinstance(each, LATE) for each in led):
        return Reply(None, failure="refused")
    if any(isinstance(each, LATE) for each in led):
        return Reply(None, failure="timeout")
    if (exchange.sent is False or exchange.own_client) and any(isinstance(each, OF_OURSELVES) for each in led):
        return None
    if exchange.sent:  # The wire was watched, and no answer came over it.
        return Reply(None, failure="disconnected")
    if exchange.sent is False:  # LiteLLM stopped before it sent anything, or took a way around the client it was given.
        reply = _told(led)
        return reply if reply is not None and reply.status not in (None, 400, 422) else None
    return _told(led)


def is_empty_answer(exchange: Exchange, error: BaseException) -> bool:
    """Whether the attempt failed because a complete 2xx holds no answer, as LiteLLM or we found it."""
    return any(isinstance(each, EmptyAnswer) for each in causes(error)) or _whole_answer(exchange) is False


def is_unread_answer(exchange: Exchange) -> bool:
    """Whether a complete 2xx of a failed attempt holds an answer: only LiteLLM could not read it."""
    return _whole_answer(exchange) is True


def missed_field(error: BaseException) -> str:
    """The field that LiteLLM looked for in an answer and did not find; empty where it failed for another reason."""
    for each in causes(error):
        field = each.name if isinstance(each, AttributeError) else each.args[0] if isinstance(each, KeyError) else None
        if isinstance(field, str):
            return field
    return ""


def _whole_answer(exchange: Exchange) -> bool | None:
    """Whether a complete 2xx in JSON holds an answer; None where there is no such one."""
    if exchange.body is not None or exchange.answer is None:
        return None
    try:
        return _holds_answer(json.loads(exchange.answer))
    except (ValueError, RecursionError):
        return None


def _holds_answer(document: Any) -> bool:
    if not isinstance(document, Mapping):
        return bool(document)
    for choice in document.get("choices") or ():
        message = choice.get("message") if isinstance(choice, Mapping) else None
        if isinstance(message, Mapping) and any(value for name, value in message.items() if name != "role"):
            return True
        if isinstance(choice, Mapping) and (choice.get("text") or choice.get("finish_reason") in REASONS_FOR_NOTHING):
            return True
    for candidate in document.get("candidates") or ():
        content = candidate.get("content") if isinstance(candidate, Mapping) else None
        if isinstance(content, Mapping) and content.get("parts"):
            return True
    return any(value for name, value in document.items() if name in ELSEWHERE)


def why_unsent(error: BaseException) -> str:
    """Why LiteLLM sent nothing: what it lacks, where it says so, else its exception's name.

    No more of the text is told, for it may quote the request.
    """
    for each in causes(error):
        if isinstance(each, ImportError) and each.name:
            return f"the Python package {each.name} is not installed"
        lacking = LACKING.match(str(each).removeprefix("litellm.APIConnectionError: "))
        if lacking is not None:
            return f"LiteLLM says: {lacking[0].rstrip(' .-')}"
    return type(error).__name__


def refused_unsent(exchange: Exchange, error: BaseException) -> bool:
    """Whether LiteLLM itself refuses the request for this model, such as a parameter that the model does not take."""
    if exchange.sent is False and isinstance(error, BadRequestError | UnprocessableEntityError):
        return True
    led = tuple(causes(error))
    ours = isinstance(error, OF_OURSELVES) or (
        exchange.sent is False and any(isinstance(each, OF_OURSELVES) for each in led)
    )
    return not ours and _never_asked(exchange, led)


def _never_asked(exchange: Exchange, causes: tuple[BaseException, ...]) -> bool:
    """Whether no request could be made of the arguments, as far as can be told: no error of a network is involved."""
    if exchange.status is not None or exchange.written or exchange.sent:
        return False
    if any(isinstance(each, OSError) or type(each).__module__.partition(".")[0] in CLIENTS for each in causes):
        return False
    status = getattr(causes[0], "status_code", None)
    return status in (None, 400, 422, 500) and any(type(each) in NOT_TO_BE_SENT for each in causes)


def _is_of_the_arguments(exchange: Exchange, error: BaseException) -> bool:
    """Whether the request could not be written to its end, since an argument is of a wrong kind: a file that is none.

    The first of all errors tells, whatever connection broke after it. Before anything was written, more is known.
    """
    if exchange.status is not None:
        return False
    first = first_cause(error)
    if type(first) in (TypeError, AttributeError):
        return True
    unwritable = type(first) in NOT_TO_BE_SENT or type(first).__name__ == "LocalProtocolError"
    return unwritable and exchange.sent is True and not exchange.written


def reached(exchange: Exchange, error: BaseException) -> bool:
    """Whether the provider may have seen this attempt, and so counts it."""
    if exchange.status is not None or exchange.written:
        return True
    if isinstance(error, LiteLLMUnknownProvider):  # It does not know how to ask this provider at this endpoint.
        return False
    return exchange.sent is not False and not _unreached(tuple(causes(error)))


def _unreached(causes: tuple[BaseException, ...]) -> bool:
    """Whether no connection came about. LiteLLM also calls a connection reset by the provider a ConnectError."""
    told = [each for each in causes if isinstance(each, aiohttp.ClientError)]
    if told:
        return any(isinstance(each, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)) for each in told)
    return any(isinstance(each, (httpx.ConnectError, httpx.ConnectTimeout, ConnectionRefusedError)) for each in causes)


def _is_ours(causes: tuple[BaseException, ...]) -> bool:
    """Whether no connection came about because this process has no descriptor left, or the machine no memory."""
    failed = [each for each in causes if isinstance(each, OSError)]
    if any(each.errno in SHORT_OF for each in failed):
        return True
    if not any(isinstance(each, socket.gaierror) or each.errno is None for each in failed):
        return False
    try:  # A name that is not found may be a file that could not be opened.
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in SHORT_OF
    return False


def made_presentable(error: BaseException, key: object) -> None:
    """Take what nobody should see out of the texts of an error and of everything that led to it, and let it be pickled.

    That is the key, whole or in part, since providers echo keys that they refuse; and control characters, since a
    terminal obeys them.
    """
    for each in causes(error):
        message, body = getattr(each, "message", None), str(getattr(each, "body", None))
        if isinstance(message, str) and (told := _presentable(message, key)) != message:
            each.message = told  # type: ignore[attr-defined]
        each.args = tuple(_presentable(arg, key) if isinstance(arg, str) else arg for arg in each.args)
        if _is_secret(key) and without(body, key) != body:
            each.body = None  # type: ignore[attr-defined]
    picklable(error)


def _is_secret(key: object) -> TypeGuard[str]:
    return isinstance(key, str) and len(key) >= 4


def _presentable(text: str, key: object) -> str:
    if not text.isprintable():
        text = CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
    return without(text, key) if _is_secret(key) else text


def _told(causes: tuple[BaseException, ...]) -> Reply | None:
    """The reply as LiteLLM's exception tells it, where the wire is not watched."""
    if any(isinstance(each, CUT) for each in causes):
        return Reply(None, failure="disconnected")
    for cause in causes:
        status = getattr(cause, "status_code", None)
        if isinstance(status, int) and not isinstance(cause, BROKEN):
            return Reply(status, getattr(cause, "litellm_response_headers", None) or {}, str(cause))
    return Reply(None, failure="disconnected") if any(isinstance(each, BROKEN) for each in causes) else None
