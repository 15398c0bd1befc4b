"""The one router of a process, which agents without a router of their own share."""

import asyncio
import atexit
import os
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from router_config import Router

VARIABLE: Final = "ROUTER_CONFIG"
"""The environment variable that names another file than `litellm.yaml`."""

_making = threading.Lock()
_shared: "Router | None" = None


def use_router(router: "Router | None") -> "Router | None":
    """Make `router` the one that agents without a router of their own ask; None: that of `litellm.yaml` again.

    Returns the router in use before, None if none was, so that a test can put it back. Closing `router` stays with
    the caller.
    """
    global _shared
    with _making:
        before, _shared = _shared, router
    return before


def shared_router() -> "Router":
    """The process's router, made from `litellm.yaml` or the file that ROUTER_CONFIG names when it is first needed.

    One that was made here is closed at the interpreter's exit.

    Raises ConfigError when the file cannot be used; the next call tries again.
    """
    global _shared
    if _shared is not None:
        return _shared
    with _making:
        if _shared is None:
            from router_config import Router

            _shared = Router.from_yaml(os.environ.get(VARIABLE) or "litellm.yaml")
            atexit.register(_shared.close)
        return _shared


async def ashared_router() -> "Router":
    """`shared_router()` for callers on an event loop, which goes on while LiteLLM is being imported."""
    if _shared is not None:
        return _shared
    router = await asyncio.to_thread(shared_router)
    from router_config.config.file_watch import listen_for_sighup

    listen_for_sighup()  # Only the main thread may, where event loops mostly run.
    return router
