"""A plan that a page asks for: of what, for how many days; and whether it is small enough to be made there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from router_config.config.grammar.quantities import parse_duration
from router_config.config.loads import Load
from router_config.config.models import Config
from router_config.ledger.interfaces import Store, StoreError
from router_config.planner.assumptions.latencies import LATENCY, Latencies
from router_config.planner.assumptions.own_history import replay_of
from router_config.planner.assumptions.what_if import NO_KEYS, not_planned, usable
from router_config.planner.assumptions.workload import DAY, MONTH, even_load, per_day
from router_config.planner.wording import rounded

MOST_REQUESTS: Final = 3_000_000
"""Of a plan that a page asks for. They take two minutes or three; on the command line there is no such bound."""

MOST_DAYS: Final = 366
SHORTEST: Final = 3600.0
"""Seconds of a history that is asked again."""


@dataclass(frozen=True, slots=True)
class Question:
    """A plan to be made.

    now: when it is asked for, epoch seconds. asked: the workload in words. amount: the same as a number, such as
    `1M tokens a day`, where somebody gave one. days: how many, of `timezone`. latency: how long answers take.
    simulated: whether the providers are the simulator's. remarks: what is to be said beside the plan.
    """

    config: Config
    loads: tuple[Load, ...]
    now: float
    asked: str
    amount: str | None
    days: int
    timezone: str = "UTC"
    latency: float | Latencies = LATENCY
    simulated: bool = False
    remarks: tuple[str, ...] = ()


class Asked(NamedTuple):
    """A workload, in words as well, and what is to be said of it. amount: in words, where somebody gave one."""

    loads: tuple[Load, ...]
    words: str
    amount: str | None = None
    remarks: tuple[str, ...] = ()


def even(*, tokens_per_day: float | None, requests_per_hour: float | None, tokens: int) -> Asked | None:
    """A workload that comes at all hours; None where there is none. tokens: of one request. Raises ValueError."""
    if tokens_per_day is not None and requests_per_hour is not None:
        raise ValueError("ask for tokens_per_day or for requests_per_hour, not for both")
    if tokens_per_day is not None:
        amount = f"{rounded(tokens_per_day)} tokens a day"
        return Asked((even_load(tokens_per_day=tokens_per_day, tokens=tokens),), amount, amount)
    if requests_per_hour is not None:
        amount = f"{rounded(requests_per_hour)} requests an hour of {rounded(tokens)} tokens"
        return Asked((even_load(requests_per_hour=requests_per_hour, tokens=tokens),), amount, amount)
    return None


async def again(store: Store, config: Config, replay: str, now: float) -> Asked:
    """What was asked of the router in the time before, such as `7d`. now: epoch seconds. Raises ValueError."""
    seconds = parse_duration(replay)
    if seconds < SHORTEST:
        raise ValueError(f"replay: {replay} is too short; write 1h or more, such as 7d")
    if store.degraded is not None:
        raise StoreError(f"the requests to replay cannot be read: {store.degraded.reason}")
    try:
        found, told = await replay_of(store, config, seconds, now)
    except ValueError as nothing:
        hint = "ask for tokens_per_day, or write `workload:` into the file"
        raise ValueError(f"there is no workload, and {nothing}: {hint}") from None
    return Asked(found.loads, "what was asked before", remarks=(told,))


def question_of(
    config: Config,
    asked: Asked,
    now: float,
    *,
    days: int = 90,
    timezone: str = "UTC",
    latency: float | Latencies = LATENCY,
    simulated: bool = False,
) -> Question:
    """The question for a workload. now: epoch seconds. latency: how long answers take.

    Raises ValueError, with what to ask instead, for one that is too large for a page, and for a timezone that is none.
    """
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"days: from 1 to {MOST_DAYS}")
    if not _is_timezone(timezone):
        raise ValueError(f"timezone: there is no {timezone!r}; write one such as Europe/Zurich")
    expected = requests_in(asked.loads, days)
    if expected > MOST_REQUESTS:
        raise ValueError(
            f"about {rounded(expected)} requests, and a plan here has {rounded(MOST_REQUESTS)} at most: ask for fewer "
            "days or larger requests, or let `router-config plan` compute it"
        )
    ready = usable(config)
    remarks = (*asked.remarks, *_remarks(config, ready))
    return Question(ready, asked.loads, now, asked.words, asked.amount, days, timezone, latency, simulated, remarks)


def requests_in(loads: Sequence[Load], days: int) -> float:
    """Requests of a workload in so many days, at most about: as if it came on each day."""
    months = days * DAY / MONTH
    return days * sum(per_day(load)[0] * max(1.0, float((1 + load.growth) ** months)) for load in loads)


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, KeyError, ValueError):
        return False
    return True


def _remarks(config: Config, ready: Config) -> Iterator[str]:
    if ready is not config:
        yield NO_KEYS
    yield from not_planned(config)
