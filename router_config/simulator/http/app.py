"""The ASGI application: five providers side by side, and the controls."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from router_config.simulator.dialects import DIALECTS
from router_config.simulator.http.connection import Connection
from router_config.simulator.http.control import control_app
from router_config.simulator.lists.list_handler import answer_list
from router_config.simulator.lists.listed_models import SERVICES
from router_config.simulator.messages import Response
from router_config.simulator.quotas.limits import PROVIDERS
from router_config.simulator.request_handler import NO_SUCH_PATH, RequestHandler
from router_config.simulator.state import SimulatorState


def create_app(state: SimulatorState, on_change: Callable[[], Awaitable[None]] | None = None) -> ASGIApp:
    """The application that serves `state`. `on_change` is awaited after every change made over HTTP."""
    control = control_app(state, on_change)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # No router of Starlette's stands before the providers: they take the load of the load tests.
        if scope["type"] == "http":
            _, provider, path = (scope["path"] + "/").split("/", 2)
            if provider in PROVIDERS:
                connection = Connection(scope, receive, send, state.clock.now)
                await _answer(state, provider, "/" + path.rstrip("/"), scope, connection)
                return
            if provider in SERVICES:
                connection = Connection(scope, receive, send, state.clock.now)
                await _answer_service(state, provider, "/" + path.rstrip("/"), scope, connection)
                return
        await control(scope, receive, send)

    return app


async def _answer(state: SimulatorState, provider: str, path: str, scope: Scope, connection: Connection) -> None:
    """Answer one request as `provider` would."""
    dialect = DIALECTS[provider]
    endpoint = dialect.endpoint(path)
    query = scope.get("query_string", b"").decode("latin-1")
    key = dialect.key(dict(scope["headers"]), query)
    if endpoint in ("models", "account"):
        await connection.read()
        await answer_list(state, provider, connection, key, query, of_key=endpoint == "account")
    elif endpoint is None and not state.faults.for_other_paths():
        await connection.send(dialect.error(404, f"Unknown request URL: {path}. {NO_SUCH_PATH}"))
    else:
        body = _json(await connection.read())
        await RequestHandler(state, dialect, connection, key).run(path, body)


async def _answer_service(state: SimulatorState, name: str, path: str, scope: Scope, connection: Connection) -> None:
    """Answer one request to a service that has nothing but a list."""
    service = SERVICES[name]
    if path != service.path:
        await connection.send(
            Response(404, {"error": {"message": f"{name} has no {path}; its list is {service.path}"}})
        )
        return
    told = dict(scope["headers"]).get((service.header or "").encode(), b"").decode("latin-1")
    await connection.read()
    query = scope.get("query_string", b"").decode("latin-1")
    await answer_list(state, name, connection, told.removeprefix("Bearer ") or None, query)


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
