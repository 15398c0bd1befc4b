"""What is the same for every request, before it is known who asks: HEAD, and how long a body may be."""

import contextlib
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .problems import problem

LONGEST_BODY: Final = 1_000_000
"""Bytes. All that anybody sends is a question of a few words."""


class Limits:
    """Answers HEAD as GET without its body, and refuses a body that is too long, unread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        length = Headers(scope=scope).get("content-length", "0")
        if not length.isdigit() or int(length) > LONGEST_BODY:
            return await _too_long(scope, receive, send)
        if scope["method"] == "HEAD":
            return await self._head(scope, receive, send)
        came, answering = 0, False

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > LONGEST_BODY:
                raise _TooLong
            return message

        async def sent(message: Message) -> None:
            nonlocal answering
            if answering or came <= LONGEST_BODY:
                answering = True
                await send(message)

        with contextlib.suppress(_TooLong):
            await self._app(scope, counted, sent)
        if not answering:
            await _too_long(scope, receive, send)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def headers_only(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                raise _Answered

        with contextlib.suppress(_Answered):
            await self._app({**scope, "method": "GET"}, receive, headers_only)


async def _too_long(scope: Scope, receive: Receive, send: Send) -> None:
    told = f"A request's body is at most {LONGEST_BODY:,} bytes long here."
    refused = problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, told)
    refused.headers["Connection"] = "close"
    await refused(scope, receive, send)


class _TooLong(Exception):
    pass


class _Answered(Exception):
    pass
