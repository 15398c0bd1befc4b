"""Watching the router: the status endpoint, the page, `router-config serve`, and the demo.

    from router_config import monitoring

    app = FastAPI()
    app.include_router(monitoring.router_for(router))     # or with prefix="/llm"
    app.mount("/llm", monitoring.sub_app_for(router))     # any ASGI app; a token may guard it

FastAPI is imported at the first use, so that a command can say something before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router_config.status.source import ConfiguredSource, StatusSource

    from .api import router_for, sub_app_for

__all__ = ["ConfiguredSource", "StatusSource", "router_for", "sub_app_for"]

_HOMES = {
    "ConfiguredSource": "router_config.status.source",
    "StatusSource": "router_config.status.source",
    "router_for": f"{__name__}.api",
    "sub_app_for": f"{__name__}.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
