"""Redirects: followed within the host, scheme and port that the user named, never elsewhere.

A key and a prompt are for the host in the configuration. Whoever may answer in its place, a captive portal or a gateway
that was taken over, must not be able to send them on.
"""

from typing import Final

import httpx

MOST: Final = 2
"""Redirects that one request follows."""

_FOLLOWED: Final = frozenset({301, 302, 307, 308})
_PORTS: Final = {"http": 80, "https": 443}


def leads_elsewhere(request: httpx.Request, response: httpx.Response) -> bool:
    """Whether an answer sends the request to another host, port or scheme, or to no address at all."""
    target = _target(request, response)
    return target is None or _origin(target) != _origin(request.url)


def onward(request: httpx.Request, response: httpx.Response) -> httpx.Request | None:
    """The same request to where an answer sends it, on the same host; None where it is not followed.

    Method and body stay, also for 301 and 302: a browser would ask with GET, which answers no prompt.
    """
    target = _target(request, response)
    if response.status_code not in _FOLLOWED or target is None or leads_elsewhere(request, response):
        return None
    return httpx.Request(
        request.method, target, headers=request.headers, content=request.content, extensions=dict(request.extensions)
    )


def _target(request: httpx.Request, response: httpx.Response) -> httpx.URL | None:
    try:
        target = httpx.URL(str(request.url)).join(response.headers["location"])
    except (KeyError, ValueError, httpx.InvalidURL):
        return None
    return target.copy_with(fragment=None) if target.host else None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or _PORTS.get(url.scheme)
