"""Whether an address is on this machine or in a network of one's own."""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

_OWN_DOMAINS: Final = (".local", ".localhost", ".internal", ".lan", ".home", ".home.arpa", ".test", ".svc")


def is_local(url: str) -> bool:
    """Whether the host of an http address is this machine, a private address, or a name that is not public."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(_OWN_DOMAINS)
