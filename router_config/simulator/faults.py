"""Scripted faults: what goes wrong at which provider, and for how many requests."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from router_config.simulator.fixtures import fixtures
from router_config.simulator.messages import Request
from router_config.simulator.quotas.limits import PROVIDERS, provider_name
from router_config.simulator.scripted_answers import read_parts

EVERY = "*"


class FaultError(ValueError):
    """A fault that makes no sense; the message says why."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One scripted fault. At most one of the endings; the other fields go with any of them.

    Refusals (`status`, `fixture`, `refused`, `reset`, `closed`) come before the quotas are asked. The other endings
    happen to an admitted request.
    """

    provider: str = EVERY
    """one of the five, or `*`"""

    # endings
    status: int | None = None
    """answer with this HTTP status, in the provider's own error shape"""
    fixture: str | None = None
    """answer with the recorded response of this name"""
    refused: bool = False
    """nobody listens on the provider's own port; as `reset` on the common port, or for some requests only"""
    reset: bool = False
    """the connection is reset without an answer"""
    timeout: bool = False
    """no answer until the client goes away or the fault is cleared"""
    cut: int | None = None
    """break the connection off after so many chunks of a stream (a whole answer: midway in its body)"""
    error_event: int | None = None
    """after so many chunks of a stream, an error event ends it (a whole answer: status 500)"""
    error_body: bool = False
    """HTTP 200 with an error for its body"""
    malformed: bool = False
    """HTTP 200 with broken JSON"""
    closed: bool = False
    """the connection is closed without an answer, as a server does with one that was idle too long"""
    parts: Sequence[Any] | None = None
    """HTTP 200 with an answer made of these: raw texts, and objects with the fields of `Part` (scripted_answers.py)"""
    gzip_mb: float | None = None
    """HTTP 200 with the usual answer as gzip, behind so many megabytes of blanks"""

    # with any ending, or alone
    headers: Mapping[str, str | int] | None = None
    """sent besides the usual ones with an answer; a number is a value of so many bytes"""
    body: Any = None
    """sent instead of the usual one with `status`: JSON, or a string as it is"""
    latency_ms: float | None = None
    """wait before the answer, milliseconds"""
    chunk_delay_ms: float | None = None
    """wait before each chunk of a stream, milliseconds"""
    answer: str | None = None
    """the answer's text"""
    tool_call: bool | Mapping[str, Any] | None = None
    """answer with a call of the first tool offered, or of `{"name": ..., "arguments": {...}}`"""

    usage: Any = None
    """what a success says of its usage: see `with_usage` (scripted_answers.py)"""

    # to whom, how often
    text: str | None = None
    """requests with this text in their JSON"""
    kind: str | None = None
    """`chat`, `embedding` or `models` (the list); `other`: a path that the simulator answers by this fault alone"""
    stream: bool | None = None
    """requests for a stream, or the others"""
    reused: bool = False
    """requests on a connection that has carried another before"""
    model: str | None = None
    key: str | None = None
    """label of a key, such as `groq#1`"""
    times: int | None = None
    """for so many requests; None: until cleared"""
    share: float = 1.0
    """the part of the requests that it happens to, chosen by a seeded generator"""

    @property
    def ending(self) -> str | None:
        """The name of the ending that is set."""
        return next(iter(self.endings), None)

    @property
    def endings(self) -> list[str]:
        """The names of all endings that are set; a checked fault has one at most."""
        # 0 is a number of chunks, and equal to False.
        return [name for name in ENDINGS if (value := getattr(self, name)) is not None and value is not False]

    @property
    def refuses(self) -> bool:
        return self.ending in ("status", "fixture", "refused", "reset", "closed")


ENDINGS = (
    "status",
    "fixture",
    "refused",
    "reset",
    "timeout",
    "cut",
    "error_event",
    "error_body",
    "malformed",
    "closed",
    "parts",
    "gzip_mb",
)
_FOR_SOME = ("text", "kind", "stream", "reused", "model", "key", "times", "share")
NO_FAULT = Fault()
_NAMES = frozenset(f.name for f in fields(Fault))


def make_fault(provider: str, **what: Any) -> Fault:
    """A checked Fault. Raises FaultError, or LimitsError for an unknown provider."""
    if unknown := sorted(set(what) - _NAMES):
        raise FaultError(f"unknown {', '.join(unknown)}; known are {', '.join(sorted(_NAMES))}")
    fault = Fault(provider=EVERY if provider == EVERY else provider_name(provider), **what)
    if fault.refused and any(getattr(fault, name) != getattr(NO_FAULT, name) for name in _FOR_SOME):
        # A port is closed to all; for some requests only, the connection is reset instead.
        fault = replace(fault, refused=False, reset=True)
    if len(fault.endings) > 1:
        raise FaultError(f"{' and '.join(fault.endings)} cannot both end the same request")
    if fault.status is not None and not (isinstance(fault.status, int) and 200 <= fault.status <= 599):
        raise FaultError(f"status must be 200 to 599, not {fault.status!r}")
    for name in ("cut", "error_event"):
        if (count := getattr(fault, name)) is not None and (type(count) is not int or count < 0):
            raise FaultError(f"{name} is a number of chunks, not {count!r}")
    if fault.times is not None and (type(fault.times) is not int or fault.times < 1):
        raise FaultError(f"times must be a whole number from 1, not {fault.times!r}")
    if fault.kind not in (None, "chat", "embedding", "models", "other"):
        raise FaultError(f"kind is chat, embedding, models or other, not {fault.kind!r}")
    if fault.parts is not None:
        try:
            read_parts(fault.parts)
        except (TypeError, ValueError) as error:
            raise FaultError(str(error)) from None
    if fault.fixture is not None:
        _check_fixture(fault.provider, fault.fixture)
    return fault


def _check_fixture(provider: str, name: str) -> None:
    if provider == EVERY:
        raise FaultError("a fixture belongs to one provider: name it")
    if name not in fixtures(provider):
        raise FaultError(f"{provider} has no fixture {name!r}; it has {', '.join(sorted(fixtures(provider)))}")


class Faults:
    """The faults in force, in the order in which they were set."""

    def __init__(self, seed: int = 0) -> None:
        self._faults: dict[int, Fault] = {}
        self._next = 1
        self._random = random.Random(seed)

    def add(self, fault: Fault) -> int:
        """Put `fault` in force; returns its number."""
        number = self._next
        self._next += 1
        self._faults[number] = fault
        return number

    def clear(self, provider: str | None = None, number: int | None = None) -> int:
        """End the fault of this number, all of a provider, or all. Returns how many."""
        gone = [
            n
            for n, fault in self._faults.items()
            if (number is None or n == number) and (provider is None or fault.provider == provider)
        ]
        for n in gone:
            del self._faults[n]
        return len(gone)

    def listing(self) -> dict[int, Fault]:
        return dict(self._faults)

    def refusing(self) -> frozenset[str]:
        """Providers whose ports are to be closed."""
        refusing = {fault.provider for fault in self._faults.values() if fault.refused}
        return frozenset(PROVIDERS if EVERY in refusing else refusing)

    def for_other_paths(self) -> bool:
        """Whether a fault may answer a path that the simulator has no answer for."""
        return any(fault.kind == "other" for fault in self._faults.values())

    def take(self, provider: str, request: Request, key: str | None, *, reused: bool = False) -> Fault:
        """The fault for a request: the first ending that fits it, with every other field that fits.

        reused: whether its connection has carried another request before.
        """
        if not self._faults:
            return NO_FAULT
        taken = NO_FAULT
        for number, fault in list(self._faults.items()):
            if not self._fits(fault, provider, request, key, reused) or (fault.ending and taken.ending):
                continue
            taken = _merged(taken, fault)
            if fault.times == 1:
                del self._faults[number]
            elif fault.times is not None:
                self._faults[number] = replace(fault, times=fault.times - 1)
        return taken

    def _fits(self, fault: Fault, provider: str, request: Request, key: str | None, reused: bool) -> bool:
        return (
            fault.provider in (provider, EVERY)
            and fault.model in (None, request.model)
            and fault.key in (None, key)
            and fault.kind in (None, request.kind)
            and fault.stream in (None, request.stream)
            and (reused or not fault.reused)
            and (fault.text is None or fault.text in json.dumps(request.body, ensure_ascii=False))
            and (fault.share >= 1.0 or self._random.random() < fault.share)
        )


def _merged(first: Fault, second: Fault) -> Fault:
    changes = {
        f.name: value
        for f in fields(Fault)
        if (value := getattr(second, f.name)) != f.default and getattr(first, f.name) == f.default
    }
    return replace(first, **changes)


def plain_fault(fault: Fault) -> dict[str, Any]:
    """A fault as JSON: what is set, and nothing else."""
    return {
        f.name: getattr(fault, f.name)
        for f in fields(Fault)
        if f.name == "provider" or getattr(fault, f.name) != f.default
    }
