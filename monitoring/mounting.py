"""The page and its API as an ASGI app of their own, to be mounted under a path of any other."""

from starlette.types import ASGIApp

from monitoring.api import router_for
from monitoring.server import app_for
from monitoring.source import StatusSource


def sub_app_for(source: StatusSource, *, token: str | None = None) -> ASGIApp:
    """What `router_for` serves, for apps that are not FastAPI's, or that want it behind a token.

        app.mount("/llm", monitoring.sub_app_for(router, token=os.environ["ROUTER_STATUS_TOKEN"]))

    token: what a caller must bring, as bearer or as the password of any user; None leaves it to the outer app. Under
    which names it may be asked for is the outer app's business, too.
    """
    return app_for([router_for(source)], host="", token=token, insecure=True)
