"""Will it last? A plan: what the providers of a configuration serve of a workload, day by day."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from math import inf
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from router_config.config.loads import Load
from router_config.config.models import Config
from router_config.forecast.workload_hours import midnight
from router_config.planner.assumptions.faults import Fault, Faults, Loss
from router_config.planner.assumptions.latencies import LATENCY, Latencies
from router_config.planner.assumptions.what_if import left_out
from router_config.planner.assumptions.workload import DAY, MONTH, arrivals
from router_config.planner.class_record import ClassDay, Obstacle
from router_config.planner.fallback import Fallback
from router_config.planner.record import DayRecord, Recorder
from router_config.planner.virtual.requests import class_of_load
from router_config.planner.virtual.simulation import Simulation

ENOUGH: Final = 0.999
"""Share of the tokens that must be served for a yes."""

Progress = Callable[[float], None]
"""Is told how much of a plan is made, from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a provider serves in some time.

    share: of all tokens that were asked for. usd: dollars. full_seconds: for which requests found no room there.
    full_since: when they first did, epoch seconds. binding: the limit that was most often in the way then. failed:
    attempts at it that were in vain, after which requests went on to others.
    """

    provider: str
    share: float
    requests: int
    tokens: int
    usd: float
    full_seconds: float
    full_since: float | None
    binding: str | None
    failed: int = 0


@dataclass(frozen=True, slots=True)
class ClassServed:
    """What becomes of the requests of a class of agents in some time.

    requests, tokens: asked for. unserved_since: when its first request was not served, epoch seconds. obstacle: what
    was most often in the way of those that nobody served.
    """

    name: str
    requests: int
    tokens: int
    unserved_requests: int
    unserved_tokens: int
    unserved_since: float | None
    obstacle: Obstacle | None

    @property
    def served(self) -> float:
        """Share of the tokens."""
        return 1 - self.unserved_tokens / self.tokens if self.tokens else 1.0


@dataclass(frozen=True, slots=True)
class PlanDay:
    """A day of a plan.

    begins: epoch seconds. requests, tokens: asked for. dark_seconds: for which nobody had room. unserved_since: when
    the first request of the day was not served. needless_failures: requests that were not served though somebody could
    have, whom a cooldown kept away. requests_by_hour, unserved_by_hour: requests by hour since it began.
    """

    begins: float
    requests: int
    tokens: int
    unserved_requests: int
    unserved_tokens: int
    dark_seconds: float
    unserved_since: float | None
    requests_by_hour: tuple[int, ...]
    unserved_by_hour: tuple[int, ...]
    providers: tuple[Served, ...]
    needless_failures: int = 0
    classes: tuple[ClassServed, ...] = ()

    @property
    def served(self) -> float:
        """Share of the tokens."""
        return 1 - self.unserved_tokens / self.tokens if self.tokens else 1.0


class WorstHour(NamedTuple):
    """When an hour begins (epoch seconds), and how many of its requests nobody served."""

    begins: float
    unserved: int
    requests: int


class LoopsPlanned(NamedTuple):
    """Tool loops of a plan: so many were begun, and so many of their calls changed the model."""

    begun: int
    moved: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a workload, as `plan` finds it.

    served: share of the tokens, from 0 to 1. days: one by one. providers: over all days, in the order in which they are
    asked. binding: the limit that keeps requests out, as (provider, limit); None where all are served. tokens_per_day:
    asked for on a day, in the mean. usd_per_month: what the paid providers cost. wait_p50, wait_p95: seconds for which
    half, and 95 %, of those served waited for room at most. timezone: in which days are told.
    left_out: the providers that cannot be asked, each with the reason. advice: what would help, the best first.
    unserved_prompts: tokens of the prompts that nobody served. fallback: who would serve the rest for dollars.
    classes: the same by class of agents, in the order of the file; none where it has no classes. loops: None where no
    load has any.
    """

    served: float
    days: tuple[PlanDay, ...]
    binding: tuple[str, str] | None
    advice: tuple[str, ...]
    providers: tuple[Served, ...]
    requests: int
    tokens: int
    usd_per_month: float
    wait_p50: float
    wait_p95: float
    timezone: str
    left_out: Mapping[str, str] = field(default_factory=dict)
    unserved_prompts: int = 0
    fallback: Fallback | None = None
    classes: tuple[ClassServed, ...] = ()
    loops: LoopsPlanned | None = None

    def __bool__(self) -> bool:
        """Whether it is served as good as whole."""
        return self.served >= ENOUGH

    @property
    def tokens_per_day(self) -> float:
        """Asked for, in the mean."""
        return self.tokens / len(self.days)

    @property
    def unserved_since(self) -> float | None:
        """When the first request was not served, epoch seconds."""
        return next((day.unserved_since for day in self.days if day.unserved_since is not None), None)

    @property
    def wasted_attempts(self) -> int:
        """Calls of failing providers, after each of which the request went on to another."""
        return sum(each.failed for each in self.providers)

    @property
    def needless_failures(self) -> int:
        """Requests that were not served though somebody could have, whom a cooldown kept away."""
        return sum(day.needless_failures for day in self.days)

    @property
    def dark_seconds(self) -> float:
        """For which nobody served."""
        return sum(day.dark_seconds for day in self.days)

    @property
    def unserved_tokens(self) -> int:
        """Asked for in vain."""
        return sum(day.unserved_tokens for day in self.days)

    @property
    def worst_hour(self) -> WorstHour | None:
        """The hour in which the most requests were not served, the first of such; None: all were served."""
        worst: WorstHour | None = None
        for day in self.days:
            for hour, unserved in enumerate(day.unserved_by_hour):
                if unserved > (worst.unserved if worst else 0):
                    worst = WorstHour(day.begins + 3600 * hour, unserved, day.requests_by_hour[hour])
        return worst

    @property
    def worst(self) -> PlanDay:
        """The day with the smallest share served, the first of such."""
        return min(self.days, key=lambda day: day.served)


def planned(
    config: Config,
    loads: Sequence[Load],
    days: int,
    *,
    begins: date,
    timezone: str = "UTC",
    latency: float | Latencies = LATENCY,
    max_wait: float | None = None,
    seed: int = 0,
    faults: Sequence[Fault] = (),
    losses: Sequence[Loss] = (),
    warm_up: int = 0,
    unserved: float = inf,
    progress: Progress = lambda share: None,
) -> Plan:
    """The plan without advice; the arguments are those of `plan`.

    warm_up: days before the first that are not counted, so that it does not begin with nothing used. unserved: tokens
    past which it ends early.
    """
    zone = ZoneInfo(timezone)
    begins, days = begins - timedelta(days=warm_up), days + warm_up
    losses = [replace(each, day=each.day + warm_up) for each in losses]
    first, ends = midnight(begins, zone), midnight(begins + timedelta(days=days), zone)
    whose = [each.name for load in loads if (each := class_of_load(load, config.classes)) is not None]
    recorder = Recorder(timezone, first, ends, whose)
    failing = Faults(config, faults, losses, begins=first, timezone=timezone, seed=seed)
    simulation = Simulation(config, loads, recorder, latency=latency, max_wait=max_wait, seed=seed, faults=failing)
    next_word = first
    for moment in simulation.run(arrivals(loads, first, ends, seed)):
        if moment >= next_word:
            progress((moment - first) / (ends - first))
            next_word = moment + DAY / 4
            if recorder.unserved_tokens > unserved:
                ends = moment
                break
    recorder.close(ends)
    del recorder.days[:warm_up]
    made = _made(config, recorder, timezone)
    if not any(load.calls_per_loop for load in loads):
        return made
    begun, moved = (sum(getattr(day, name) for day in recorder.days) for name in ("loops_begun", "loops_moved"))
    return replace(made, loops=LoopsPlanned(begun, moved))


def _made(config: Config, recorder: Recorder, timezone: str) -> Plan:
    records = recorder.days
    names = [each.name for each in config.by_priority]
    classes = [each.name for each in config.classes]
    days = tuple(_day(each, names, classes) for each in records)
    tokens = sum(day.tokens for day in days)
    total = _total(records)
    unserved = sum(day.unserved_tokens for day in days)
    usd = sum(each.usd for each in total.providers.values())
    return Plan(
        served=1 - unserved / tokens if tokens else 1.0,
        days=days,
        binding=_binding(records) if unserved else None,
        advice=(),
        providers=_served(total, names),
        requests=sum(day.requests for day in days),
        tokens=tokens,
        usd_per_month=usd / max(1, len(days)) * MONTH / DAY,
        wait_p50=recorder.wait(0.5),
        wait_p95=recorder.wait(0.95),
        timezone=timezone,
        left_out=left_out(config),
        unserved_prompts=recorder.unserved_prompts,
        classes=_by_class(total, classes),
    )


def _day(record: DayRecord, names: Iterable[str], classes: Iterable[str]) -> PlanDay:
    return PlanDay(
        record.begins,
        record.requests,
        record.tokens,
        record.unserved_requests,
        record.unserved_tokens,
        record.nobody.full,
        record.unserved_since,
        tuple(record.requests_by_hour),
        tuple(record.unserved_by_hour),
        _served(record, names),
        record.needless_failures,
        _by_class(record, classes),
    )


def _by_class(record: DayRecord, names: Iterable[str]) -> tuple[ClassServed, ...]:
    return tuple(
        ClassServed(
            name,
            each.requests,
            each.tokens,
            each.unserved_requests,
            each.unserved_tokens,
            each.unserved_since,
            each.most_in_the_way,
        )
        for name in names
        if (each := record.classes.get(name)) is not None
    )


def _served(record: DayRecord, names: Iterable[str]) -> tuple[Served, ...]:
    return tuple(
        Served(
            name,
            each.tokens / record.tokens if record.tokens else 0.0,
            each.requests,
            each.tokens,
            each.usd,
            each.full,
            each.full_since,
            each.most_binding,
            each.failed,
        )
        for name in names
        if (each := record.providers.get(name)) is not None
    )


def _total(records: Sequence[DayRecord]) -> DayRecord:
    """All days as one."""
    total = DayRecord(records[0].begins if records else 0.0)
    for record in records:
        total.tokens += record.tokens
        for name, each in record.providers.items():
            total.of(name).add(each)
        for name, theirs in record.classes.items():
            total.classes.setdefault(name, ClassDay()).add(theirs)
    return total


def _binding(records: Sequence[DayRecord]) -> tuple[str, str] | None:
    """The limit that is in the way of the provider that serves most, on the days on which requests are not served."""
    total = _total([each for each in records if each.unserved_requests])
    bound = {name: each for name, each in total.providers.items() if each.binding}
    if not bound:
        return None
    name = max(bound, key=lambda each: bound[each].tokens)
    limit = bound[name].most_binding
    return None if limit is None else (name, limit)
