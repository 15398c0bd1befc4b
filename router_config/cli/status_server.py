"""The status page's API of another process, asked over HTTP."""

import json
import os
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any, Final

from router_config.config.models import ConfigError
from router_config.config.store_url import without_password

_PATIENCE: Final = 30.0
_LARGEST: Final = 16 * 2**20
_BELOW: Final = "/api/llm-providers"
_TOKEN: Final = "ROUTER_STATUS_TOKEN"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token goes nowhere else."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def get(url: str, what: str) -> dict[str, Any]:
    """The JSON of GET /api/llm-providers/`what` of the server at a URL. No proxy is asked, and no redirect followed.

    Raises ConfigError, with what to do, when nobody answers there or the answer is an error.
    """
    shown = without_password(url)
    token = os.environ.get(_TOKEN, "").strip()
    try:
        address = f"{url.rstrip('/')}{_BELOW}/{what}"
        if not address.startswith(("http://", "https://")):
            raise ConfigError(f"--url {shown}: this is no address\n  Write it as http://HOST:PORT.")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"} if token else {})
        with opener.open(request, timeout=_PATIENCE) as answer:
            document = json.loads(answer.read(_LARGEST))
    except urllib.error.HTTPError as error:
        raise ConfigError(_refusal(shown, error)) from None
    except urllib.error.URLError as error:
        raise ConfigError(_silence(shown, error.reason)) from None
    except OSError as error:
        raise ConfigError(_silence(shown, error)) from None
    except (ValueError, HTTPException):
        raise ConfigError(_stranger(shown)) from None
    if not isinstance(document, dict):
        raise ConfigError(_stranger(shown))
    return document


def _silence(url: str, reason: object) -> str:
    why = getattr(reason, "strerror", None) or reason
    return (
        f"{url}: nobody answers ({why})\n"
        "  Start `router-config serve`, or name where your app serves the status: --url http://HOST:PORT."
    )


def _stranger(url: str) -> str:
    return f"{url}: this is no status page of a router\n  Name where it is served, with its prefix: --url URL."


def _refusal(url: str, error: urllib.error.HTTPError) -> str:
    if error.code == 401:
        return f"{url}: it wants a token\n  Set {_TOKEN} to the one that it was started with."
    try:
        told = json.loads(error.read(_LARGEST))["detail"]
    except (OSError, ValueError, LookupError, TypeError):
        told = None
    if error.code == 422 and isinstance(told, str):
        return told
    if error.code == 404 or not isinstance(told, str):
        return f"{_stranger(url)} ({error.code})"
    return f"{url}: {told}"
