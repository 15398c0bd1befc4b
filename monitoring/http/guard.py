"""Who may see the page: everybody on this machine, or whoever has the token."""

import base64
import hmac
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .address import TOKEN_VARIABLE, is_loopback
from .limits import Limits
from .problems import problem

OPEN_PATHS: Final = frozenset({"/healthz"})


class Guard:
    """Lets in a caller who brings the token, as bearer or, for browsers, as the password of any user.

    Without a token and with `local_only` it lets in who asked for a host name of this machine. That keeps out the pages
    of other sites whose name was made to point here (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, *, token: str | None, local_only: bool) -> None:
        self._app = app
        self._token = token.encode() if token else None
        self._local_only = local_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or _path_of(scope) in OPEN_PATHS:
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        if self._token is not None:
            if not hmac.compare_digest(_token_in(headers.get("authorization", "")), self._token):
                refused = problem(HTTPStatus.UNAUTHORIZED, f"This page wants the token in {TOKEN_VARIABLE}.")
                refused.headers.append("WWW-Authenticate", "Bearer")
                refused.headers.append("WWW-Authenticate", 'Basic realm="the token is the password"')
                return await refused(scope, receive, send)
        elif self._local_only and not is_loopback(_name_in(headers.get("host", ""))):
            refused = problem(HTTPStatus.FORBIDDEN, "This page is for this machine: ask for localhost or 127.0.0.1.")
            return await refused(scope, receive, send)
        return await self._app(scope, receive, send)


def is_cross_site(headers: Mapping[str, str]) -> bool:
    """Whether a page of another site sends the request: what changes something is not done for it."""
    origin = headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != headers.get("host", "")
    return foreign or headers.get("sec-fetch-site", "none") not in ("same-origin", "none")


def app_for(routers: Iterable[APIRouter], *, host: str, token: str | None, insecure: bool) -> ASGIApp:
    """These routes in an app of their own, behind the guard that its host calls for.

    host: where the app will listen. insecure: let the network in without a token.
    """
    # FastAPI's own documentation pages would load scripts from another host.
    app = FastAPI(title="LLM providers", docs_url=None, redoc_url=None)
    for router in routers:
        app.include_router(router)
    return Limits(Guard(app, token=token, local_only=is_loopback(host) and not insecure))


def _path_of(scope: Scope) -> str:
    """The path below the place at which the app is mounted."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _name_in(host: str) -> str:
    """The name without its port; an IPv6 address stands in brackets."""
    if host.startswith("["):
        return host.partition("]")[0]
    return host.partition(":")[0]


def _token_in(authorization: str) -> bytes:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("latin-1")  # The bytes as they came.
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).partition(b":")[2]
        except ValueError:
            return b""
    return b""
