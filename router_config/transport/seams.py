"""The places where the door leans on private names of LiteLLM, httpx or aiohttp: seams, each with a probe.

A seam whose probe fails is off: what it serves goes the public way, and nothing is raised. `router-config doctor` and
`check --verbose` list them, with the reason where one is off.
"""

import threading
from dataclasses import dataclass

from router_config.forks import taken_for_forks


@dataclass(frozen=True, slots=True)
class Seam:
    """name: what it serves. off: why it is off; None while it is in use."""

    name: str
    off: str | None


_KNOWN: dict[str, Seam] = {}
_LOCK = taken_for_forks(threading.Lock())


def note(name: str, off: str | None) -> bool:
    """Note what a probe found, for the process. Returns whether the seam is in use."""
    with _LOCK:
        _KNOWN[name] = Seam(name, off)
    return off is None


def all_probed() -> tuple[Seam, ...]:
    """Every seam that was probed in this process, by name."""
    return tuple(_KNOWN[name] for name in sorted(_KNOWN))
