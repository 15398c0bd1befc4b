"""Where the server listens, and who may ask there."""

import errno
import ipaddress
import os
import socket
from typing import Final

from router_config.config.models import ConfigError

TOKEN_VARIABLE: Final = "ROUTER_STATUS_TOKEN"


class AddressError(Exception):
    """The server cannot listen there; the message says why and what to do."""


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def token_for(host: str, *, insecure: bool) -> str | None:
    """The token that guards the page. Raises ConfigError for an open address without one, unless that is `insecure`."""
    token = os.environ.get(TOKEN_VARIABLE, "").strip() or None
    if token is None and not insecure and not is_loopback(host):
        raise ConfigError(
            f"--host {host} would show the status to the network\n"
            f"  Set {TOKEN_VARIABLE} to a secret of your choice, which the page then asks for, or add --insecure."
        )
    return token


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises AddressError."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind)
    except (OSError, OverflowError) as error:
        raise AddressError(_refusal(host, port, error)) from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(128)  # only listening tells a busy port for sure
    except (OSError, OverflowError) as error:
        bound.close()
        raise AddressError(_refusal(host, port, error)) from None
    return bound


def address_of(bound: socket.socket, host: str) -> str:
    """The URL to open in a browser on this machine."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{bound.getsockname()[1]}"


def _refusal(host: str, port: int, error: OSError | OverflowError) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        another = port + 1 if port < 65535 else 8888
        return f"Port {port} of {host} is in use. Stop what runs there, or take another port: --port {another}"
    reason = str(getattr(error, "strerror", None) or error)
    return f"Cannot listen on {host} port {port}: {reason}. Try another --host or --port."
