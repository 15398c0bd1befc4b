"""LiteLLM's fallbacks and retries: what follows when a group cannot answer a request.

Within a group the router itself goes from one deployment to the next; this is about other groups, and about asking the
same group once more.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import litellm
from litellm.exceptions import ContentPolicyViolationError, ContextWindowExceededError, InternalServerError

from router_config.routing.request import label
from router_config.transport.endpoints import spellings
from router_config.transport.messages.contents import is_filtered

MOST: Final = 5
"""Groups that a request falls back to one after another, where `max_fallbacks` says nothing: LiteLLM's default."""

WORTH_A_RETRY: Final = frozenset({408, 409, 429})

MOCKED: Final[Mapping[str, Callable[..., Exception]]] = {
    "mock_testing_fallbacks": InternalServerError,
    "mock_testing_context_fallbacks": ContextWindowExceededError,
    "mock_testing_content_policy_fallbacks": ContentPolicyViolationError,
}
"""Arguments of a call that have its first group fail, to test the fallbacks."""

Serve = Callable[[dict[str, Any]], Awaitable[Any]]
"""Answers a request, given by its arguments."""


def fail_if_mocked(asked: Mapping[str, Any]) -> None:
    """Raise the error that a test of fallbacks asks for."""
    for name, error in MOCKED.items():
        if asked.get(name):
            raise error(message=f"this is a mock error: {name}", model=asked["model"], llm_provider="")


async def instead(
    reply: Any, failure: Exception | None, serve: Serve, asked: dict[str, Any], settings: Mapping[str, Any]
) -> Any:
    """The answer to a request that its group failed, or whose answer (`reply`) a filter took.

    settings: litellm.Router's. Raises the group's error where nobody else answers.
    """
    model, given = asked["model"], {**settings, **{name: each for name, each in asked.items() if each is not None}}
    after = given
    if failure is not None and not any(asked.get(name) for name in MOCKED):
        try:
            reply, failure = await _retried(serve, asked, given, failure), None
        except Exception as error:
            failure = error
    if failure is None:
        if not is_filtered(reply):
            return reply
        told = "the answer's finish_reason is content_filter"
        failure = ContentPolicyViolationError(message=told, model=model, llm_provider="")
        after = given if given.get("content_policy_fallbacks") else {**given, "fallbacks": None}
    waiting = list(_after(model, failure, after))
    if reply is not None and not waiting:
        return reply
    if getattr(reply, "was_filtered", False) is True:
        async for _ in reply:  # To its end, which settles it.
            pass
    most = given.get("max_fallbacks") or MOST
    tried = [model]
    while waiting and len(tried) <= most:
        target = waiting.pop(0)
        change = {"model": target} if isinstance(target, str) else dict(target)
        if change.get("model") in tried:
            continue
        tried.append(change.get("model"))
        try:
            reply = await _retried(serve, {**asked, **change}, given)
            label(getattr(reply, "_hidden_params", None), model, len(tried) - 1)
            return reply
        except Exception as error:
            waiting += _after(str(change.get("model")), error, given)
    raise failure


async def _retried(
    serve: Serve, asked: dict[str, Any], given: Mapping[str, Any], failure: Exception | None = None
) -> Any:
    """The answer, after retries where they may help. failure: of the first attempt, where that is over."""
    left = given.get("num_retries") or 0
    while True:
        if failure is None:
            try:
                return await serve(asked)
            except Exception as error:
                failure = error
        status = getattr(failure, "status_code", None)
        if left <= 0 or not isinstance(status, int) or (status < 500 and status not in WORTH_A_RETRY):
            raise failure
        left, failure = left - 1, None
        await asyncio.sleep(given.get("retry_after") or 0)


def _after(group: str, error: Exception, given: Mapping[str, Any]) -> Sequence[str | Mapping[str, Any]]:
    """The groups that are asked after a group's failure."""
    if given.get("disable_fallbacks"):
        return ()
    named = "fallbacks"
    if isinstance(error, ContextWindowExceededError) and given.get("context_window_fallbacks"):
        named = "context_window_fallbacks"
    elif isinstance(error, ContentPolicyViolationError) and given.get("content_policy_fallbacks"):
        named = "content_policy_fallbacks"
    listed = given.get(named) or ()
    if listed and all(isinstance(each, str) or "model" in each for each in listed):
        return list(listed)  # The short form, of a call: groups, or requests with a model of their own.
    for wanted in (*spellings(group), "*") if listed else ():
        for each in listed:
            if isinstance(each, Mapping) and wanted in each:
                return _listed(each[wanted])
    default = given.get("default_fallbacks") or getattr(litellm, "default_fallbacks", None)
    return _listed(default or ()) if named == "fallbacks" else ()


def _listed(groups: Any) -> Sequence[str | Mapping[str, Any]]:
    return [groups] if isinstance(groups, str) else list(groups)
