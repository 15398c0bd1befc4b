"""What goes wrong in a plan: providers that fail now and then, and those that are gone from a day on."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from random import Random
from typing import Final, Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

from router_config.config.grammar.quantities import BadValue, parse_duration
from router_config.config.models import Config, ConfigError
from router_config.deployments.deployment import Deployment
from router_config.forecast.workload_hours import midnight
from router_config.signals import Reply

FaultKind = Literal["down", "429s", "timeouts"]

ALL: Final = "all"
"""Stands for every provider, as where the network is away."""

ANSWERS_AFTER: Final = 0.2
"""Seconds after which a provider that fails says so."""

_FAULT: Final = re.compile(r"(?P<of>\S+)\s+(?P<kind>\S+)\s+(?:for\s+)?(?P<lasts>.+?)\s+every\s+(?P<every>.+)")
_FAULT_HINT: Final = 'Write "groq down 2h every 3d": who, down or 429s or timeouts, for how long, and how often.'
_LOSS: Final = re.compile(r"(?P<of>.+)@day\s?(?P<day>\d{1,4})")
_LOSS_HINT: Final = "Write gemini@day30, or gemini/gemini-2.5-flash@day30; day 1 is the first."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A provider, or a model of it, that fails now and then: once in each stretch of time, at a moment by the seed.

        Fault(of="groq", lasts=2 * 3600, every=3 * 86400)  # "groq down 2h every 3d"

    of: a provider, `provider/model`, or `all`. kind: `down`: a 503 is the answer to every request; `429s`: a 429 that
    does not say until when; `timeouts`: nothing comes. lasts: seconds; of several, one of them each time. every:
    seconds of a stretch. Raises ValueError where it lasts longer than that.
    """

    of: str
    kind: FaultKind = "down"
    lasts: float | tuple[float, ...]
    every: float

    def __post_init__(self) -> None:
        if not 0 < min(self.lengths) <= max(self.lengths) <= self.every < inf:
            raise ValueError("a fault lasts longer than nothing, and no longer than it is until the next")

    @property
    def lengths(self) -> tuple[float, ...]:
        """Seconds that it may last."""
        return self.lasts if isinstance(self.lasts, tuple) else (self.lasts,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A provider, or a model of it, that is gone from the midnight of a day on; 1 is the first day of the plan.

    Loss(of="gemini", day=30)  # "gemini@day30"
    """

    of: str
    day: int


class Failure(NamedTuple):
    """What a deployment answers that fails, and after how many seconds. lasts: whether it never serves again."""

    reply: Reply
    seconds: float
    lasts: bool = False


def fault_of(text: str) -> Fault:
    """The fault that a person writes: `groq down 2h every 3d`. Raises BadValue."""
    match = _FAULT.fullmatch(text.strip())
    if match is None:
        raise BadValue(f'"{text[:60]}" is no fault', _FAULT_HINT)
    kind = match["kind"].lower()
    if kind not in get_args(FaultKind):
        raise BadValue(f'"{match["kind"][:24]}" is nothing that a plan lets happen to a provider', _FAULT_HINT)
    lasts, every = parse_duration(match["lasts"]), parse_duration(match["every"])
    try:
        return Fault(of=match["of"], kind=kind, lasts=lasts, every=every)  # type: ignore[arg-type]
    except ValueError as bad:
        raise BadValue(str(bad), _FAULT_HINT) from None


def loss_of(text: str) -> Loss:
    """The loss that a person writes: `gemini@day30`. Raises BadValue."""
    match = _LOSS.fullmatch(text.strip())
    if match is None or int(match["day"]) < 1:
        raise BadValue(f'"{text[:60]}" does not say who is gone from which day on', _LOSS_HINT)
    return Loss(of=match["of"], day=int(match["day"]))


def outages(fault: Fault, begins: float, seed: int) -> Iterator[tuple[float, float]]:
    """From when until when it fails, epoch seconds, without end. begins: of the first stretch."""
    chance = Random(f"{seed}/{fault.of}/{fault.kind}/{fault.every}")
    while True:
        lasts = fault.lengths[0] if len(fault.lengths) == 1 else chance.choice(fault.lengths)
        since = begins + chance.random() * (fault.every - lasts)
        yield since, since + lasts
        begins += fault.every


class Faults:
    """Which deployments fail at a moment; the moments that are asked about only go forward.

    begins: of the plan, epoch seconds. timezone: of its days. timeout: seconds that an answer is waited for.
    Raises ConfigError for a fault of somebody whom the configuration does not have.
    """

    def __init__(
        self,
        config: Config,
        faults: Sequence[Fault],
        losses: Sequence[Loss],
        *,
        begins: float,
        timezone: str,
        seed: int,
    ) -> None:
        zone = ZoneInfo(timezone)
        first = datetime.fromtimestamp(begins, zone).date()
        self._timelines: list[_Timeline] = []
        for loss in losses:
            since = midnight(first + timedelta(days=loss.day - 1), zone)
            self._timelines.append(_Timeline(_known(loss.of, config), iter([(since, inf)]), _GONE))
        for fault in faults:
            failure = _failure(fault.kind, config.defaults.timeout)
            self._timelines.append(_Timeline(_known(fault.of, config), outages(fault, begins, seed), failure))
        self._of: dict[str, tuple[_Timeline, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._timelines)

    def failure(self, deployment: Deployment, now: float) -> Failure | None:
        """What it answers now that fails; None: it serves."""
        theirs = self._of.get(deployment.id)
        if theirs is None:
            found = (each for each in self._timelines if each.is_about(deployment))
            theirs = self._of[deployment.id] = tuple(found)
        for timeline in theirs:
            if timeline.covers(now):
                return timeline.failure
        return None


class _Timeline:
    """When something fails."""

    def __init__(self, of: str, outages: Iterator[tuple[float, float]], failure: Failure) -> None:
        self.failure = failure
        self._of, self._outages = of, outages
        self._present = next(outages)

    def is_about(self, deployment: Deployment) -> bool:
        return self._of in (ALL, deployment.provider, f"{deployment.provider}/{deployment.model}")

    def covers(self, now: float) -> bool:
        while self._present[1] <= now:
            self._present = next(self._outages)
        return self._present[0] <= now


_GONE: Final = Failure(
    Reply(404, body={"error": {"code": "model_not_found", "message": "This model has been decommissioned."}}),
    ANSWERS_AFTER,
    lasts=True,
)


def _failure(kind: FaultKind, timeout: float) -> Failure:
    if kind == "timeouts":
        return Failure(Reply(None, failure="timeout"), timeout)
    if kind == "429s":
        return Failure(Reply(429, body={"error": {"message": "Too many requests."}}), ANSWERS_AFTER)
    return Failure(Reply(503, body={"error": {"message": "The service is unavailable."}}), ANSWERS_AFTER)


def _known(of: str, config: Config) -> str:
    """Raises ConfigError unless the configuration has such a provider or model."""
    names = [each.name for each in config.providers]
    if of in (ALL, *names):
        return of
    provider = next((each for each in config.providers if of.startswith(f"{each.name}/")), None)
    if provider is None:
        raise ConfigError(f'no provider is called "{of[:60]}", so it cannot fail\n  There are: {", ".join(names)}.')
    models = [each.name for each in provider.models]
    if of.removeprefix(f"{provider.name}/") not in models:
        what = f'{provider.name} has no model "{of.removeprefix(f"{provider.name}/")[:60]}", so it cannot fail'
        raise ConfigError(f"{what}\n  There are: {', '.join(models)}.")
    return of
