"""The ASGI application: five providers side by side, and the controls."""

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from router_config.simulator.http.connection import Connection
from router_config.simulator.http.control import control_app
from router_config.simulator.provider import serve
from router_config.simulator.quotas.limits import PROVIDERS
from router_config.simulator.world import World

# Where each provider's own API begins, below the simulator's address; what LiteLLM takes as api_base.
BASES = {
    "groq": "/groq/openai/v1",
    "gemini": "/gemini/v1beta",
    "openrouter": "/openrouter/api/v1",
    "together": "/together/v1",
    "openai": "/openai/v1",
}


def create_app(world: World, on_change: Callable[[], Awaitable[None]] | None = None) -> ASGIApp:
    """The application that plays `world`. `on_change` is awaited after every change made over HTTP."""
    control = control_app(world, on_change)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # Providers are dispatched by hand: they take the load of the load tests.
        if scope["type"] == "http":
            _, provider, rest = (scope["path"] + "/").split("/", 2)
            if provider in PROVIDERS:
                connection = Connection(scope, receive, send)
                query = scope.get("query_string", b"").decode("latin-1")
                await serve(world, provider, "/" + rest.rstrip("/"), query, connection, dict(scope["headers"]))
                return
        await control(scope, receive, send)

    return app
