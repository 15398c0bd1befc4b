"""A plan that a page asks for: of what, for how many days; and whether it is small enough to be made there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from router_config.config.loads import Load
from router_config.config.models import Config
from router_config.planner.what_if import NO_KEYS, usable
from router_config.planner.wording import rounded
from router_config.planner.workload import DAY, MONTH, even_load, per_day

MOST_REQUESTS: Final = 3_000_000
"""Of a plan that a page asks for. They take two minutes or three; on the command line there is no such bound."""

MOST_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class Question:
    """A plan to be made.

    now: when it is asked for, epoch seconds. asked: the workload in words, such as `1M tokens a day`. days: how many,
    of `timezone`. simulated: whether the providers are the simulator's. remarks: what is to be said beside the plan.
    """

    config: Config
    loads: tuple[Load, ...]
    now: float
    asked: str
    days: int
    timezone: str = "UTC"
    simulated: bool = False
    remarks: tuple[str, ...] = ()


def question_of(
    config: Config,
    now: float,
    *,
    tokens_per_day: float | None = None,
    requests_per_hour: float | None = None,
    tokens: int = 1000,
    days: int = 90,
    timezone: str = "UTC",
    simulated: bool = False,
) -> Question:
    """The question for a workload that comes at all hours; where none is given, for that of the file.

    now: epoch seconds. tokens: of one request. Raises ValueError, with what to ask instead, where there is no workload,
    or one that is too large for a page.
    """
    if tokens_per_day is not None and requests_per_hour is not None:
        raise ValueError("ask for tokens_per_day or for requests_per_hour, not for both")
    if tokens_per_day is not None:
        loads: tuple[Load, ...] = (even_load(tokens_per_day=tokens_per_day, tokens=tokens),)
        asked = f"{rounded(tokens_per_day)} tokens a day"
    elif requests_per_hour is not None:
        loads = (even_load(requests_per_hour=requests_per_hour, tokens=tokens),)
        asked = f"{rounded(requests_per_hour)} requests an hour of {rounded(tokens)} tokens"
    else:
        loads, asked = config.workload, "the file's workload"
    if not loads:
        raise ValueError("there is no workload: ask for tokens_per_day, or write `workload:` into the file")
    if not 1 <= days <= MOST_DAYS:
        raise ValueError(f"days: from 1 to {MOST_DAYS}")
    if not _is_timezone(timezone):
        raise ValueError(f"timezone: there is no {timezone!r}; write one such as Europe/Zurich")
    expected = requests_in(loads, days)
    if expected > MOST_REQUESTS:
        raise ValueError(
            f"about {rounded(expected)} requests, and a plan here has {rounded(MOST_REQUESTS)} at most: ask for fewer "
            "days or larger requests, or let `router-config plan` compute it"
        )
    ready = usable(config)
    return Question(ready, loads, now, asked, days, timezone, simulated, tuple(_remarks(config, ready)))


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
