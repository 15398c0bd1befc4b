"""What became of a workload, by day and provider: the observer of a simulation that a plan is made of."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import nextafter
from typing import Final

from router_config.deployments.catalog import Group
from router_config.deployments.deployment import Deployment
from router_config.ledger.rules.choice import binding_limit
from router_config.ledger.rules.windows import CalendarDay
from router_config.planner.assumptions.workload import Arrival
from router_config.planner.class_record import ClassDay, ClassRecorder
from router_config.planner.virtual.observer import Decided, Observer, Served

NOBODY: Final = ""
"""Stands for a provider where nobody serves."""


@dataclass(slots=True)
class ProviderDay:
    """What a provider did on a day.

    full_since: when it first had no room. full: seconds for which requests found it so. binding: how often each limit
    was seen to keep requests out. failed: attempts in vain.
    """

    requests: int = 0
    failed: int = 0
    tokens: int = 0
    usd: float = 0.0
    full: float = 0.0
    full_since: float | None = None
    binding: Counter[str] = field(default_factory=Counter)

    @property
    def most_binding(self) -> str | None:
        """The limit that was most often in the way."""
        return self.binding.most_common(1)[0][0] if self.binding else None

    def add(self, other: "ProviderDay") -> None:
        """What it did on another day, a later one."""
        self.requests += other.requests
        self.failed += other.failed
        self.tokens += other.tokens
        self.usd += other.usd
        self.full += other.full
        self.full_since = other.full_since if self.full_since is None else self.full_since
        self.binding += other.binding


@dataclass(slots=True)
class DayRecord:
    """A day: what was asked and served, by provider. nobody: when and for how long no provider had room.

    needless_failures: requests that were not served though somebody could have. requests_by_hour, unserved_by_hour:
    since it began; a day on which clocks go back has 25 of them. loops_begun: tool loops. loops_moved: their calls that
    changed the model.
    """

    begins: float
    requests: int = 0
    tokens: int = 0
    unserved_requests: int = 0
    unserved_tokens: int = 0
    needless_failures: int = 0
    requests_by_hour: list[int] = field(default_factory=lambda: [0] * 25)
    unserved_by_hour: list[int] = field(default_factory=lambda: [0] * 25)
    loops_begun: int = 0
    loops_moved: int = 0
    nobody: ProviderDay = field(default_factory=ProviderDay)
    providers: dict[str, ProviderDay] = field(default_factory=dict)
    classes: dict[str, ClassDay] = field(default_factory=dict)

    @property
    def unserved_since(self) -> float | None:
        """When nobody had room first, or none that a class may use."""
        moments = (self.nobody.full_since, *(each.unserved_since for each in self.classes.values()))
        return min((each for each in moments if each is not None), default=None)

    def of(self, provider: str) -> ProviderDay:
        found = self.providers.get(provider)
        if found is None:
            found = self.providers[provider] = ProviderDay()
        return found


class Recorder(Observer):
    """Adds up what a simulation tells, by the days of a timezone, from a midnight on. Call `close` at its end.

    ends: of the last day, epoch seconds: what is asked before and served only after it counts as if it were that day's.
    classes: of agents, that of each load of the workload; empty where there are none.
    """

    def __init__(self, timezone: str, begins: float, ends: float, classes: Sequence[str] = ()) -> None:
        self._last = nextafter(ends, 0.0)
        self._classes = ClassRecorder(classes) if classes else None
        self.days: list[DayRecord] = []
        self.unserved_tokens = self.unserved_prompts = 0
        """Tokens that nobody served, and how many of them are prompts'."""
        self.waits = Counter[float]()
        """Requests that waited before they were served, by tenths of a second."""
        self._calendar = CalendarDay(timezone)
        self._ends = 0.0
        self._present = DayRecord(0.0)
        self._full: defaultdict[str, dict[str, float]] = defaultdict(dict)
        """By group and provider, since when it has no room."""
        self._closed: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        """By group and provider, the classes that find no room there."""
        self._sees: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        """By group and provider, the classes that may ask it; of nobody, all that ask."""
        self._asked = set[tuple[str, str]]()
        """Groups that were asked today, each with the class that did."""
        self._examined: set[tuple[str, str, str]] = set()
        """Groups, the classes that see them, and providers of which the limit in the way was looked up today."""
        self._turn(begins)

    def decided(self, found: Decided) -> None:
        group, _, skipped, opened, now, _ = found
        if now >= self._ends:
            now = self._turn(now)
        name, seen_by, turned = group.name, group.seen_by, opened.turned(skipped)
        if self._classes is not None:
            self._classes.decided(found)
        if (name, seen_by) not in self._asked:
            self._asked.add((name, seen_by))
            for provider in (NOBODY, *opened.by_provider):
                self._sees[name, provider].add(seen_by)
            self._note_bindings(opened.closed, found)
            turned = [(provider, provider in opened.closed) for provider in opened.by_provider]
        elif not turned:
            return
        else:
            self._note_bindings([provider for provider, closed in turned if closed], found)
        for provider, is_closed in (*turned, (NOBODY, opened.nobody)):
            theirs = self._closed[name, provider]
            (theirs.add if is_closed else theirs.discard)(seen_by)
            self._note_full(self._full[name], provider, now, closed=theirs >= self._sees[name, provider])

    def served(self, request: Served) -> None:
        spent, day = request[4], self._present
        tokens = spent[1]
        provider = day.of(request[1].provider)
        provider.requests += 1
        provider.tokens += tokens
        provider.usd += spent[2]
        day.requests += 1
        day.tokens += tokens
        day.requests_by_hour[int(((request[2] if request[2] < self._ends else self._last) - day.begins) // 3600)] += 1
        if self._classes is not None:
            self._classes.served(request[0], tokens, day.classes)
        if request[2] > request[0][0]:
            self.waits[round(request[2] - request[0][0], 1)] += 1

    def failed(self, deployment: Deployment, now: float) -> None:
        self._day_at(now).of(deployment.provider).failed += 1

    def loop_begun(self, now: float) -> None:
        self._day_at(now).loops_begun += 1

    def loop_moved(self, now: float) -> None:
        self._day_at(now).loops_moved += 1

    def unserved(self, arrival: Arrival, group: Group, now: float, *, needlessly: bool) -> None:
        now = min(now, self._last)
        day, tokens = self._present, arrival.prompt + arrival.answer
        day.requests += 1
        day.tokens += tokens
        day.unserved_requests += 1
        day.unserved_tokens += tokens
        day.needless_failures += needlessly
        self.unserved_tokens += tokens
        self.unserved_prompts += arrival.prompt
        hour = int((now - day.begins) // 3600)
        day.requests_by_hour[hour] += 1
        day.unserved_by_hour[hour] += 1
        if self._classes is not None:
            self._classes.unserved(arrival, now, day.classes)

    def wait(self, share: float) -> float:
        """Seconds that this share of the requests that were served waited at most."""
        served = sum(day.requests - day.unserved_requests for day in self.days)
        left = served * (1 - share)
        for seconds in sorted(self.waits, reverse=True):
            left -= self.waits[seconds]
            if left < 0:
                return seconds
        return 0.0

    def close(self, now: float) -> None:
        """Nothing more comes."""
        if now >= self._ends:
            self._end_days(now)
            self.days.pop()  # The one that would begin now.

    def _day_at(self, now: float) -> DayRecord:
        if now >= self._ends:
            self._turn(now)
        return self._present

    def _turn(self, now: float) -> float:
        """The days before a moment end, save the last, on which the moment is at most its last one. Returns it."""
        now = min(now, self._last)
        self._end_days(now)
        return now

    def _end_days(self, now: float) -> None:
        """Days that have ended take what went on until their midnight; a new one begins."""
        while now >= self._ends:
            full_on = list[str]()
            if self._ends:
                for since in self._full.values():
                    for provider, began in since.items():
                        self._of(provider).full += max(0.0, self._ends - began)
                        since[provider] = self._ends
                        full_on.append(provider)
            begins = self._ends or self._calendar.began(now)
            self._ends = self._calendar.frees(begins)
            self._present = DayRecord(begins)
            self.days.append(self._present)
            for provider in full_on:
                self._of(provider).full_since = begins
            self._examined.clear()
            self._asked.clear()

    def _of(self, provider: str) -> ProviderDay:
        return self._present.nobody if provider == NOBODY else self._present.of(provider)

    def _note_full(self, since: dict[str, float], provider: str, now: float, *, closed: bool) -> None:
        """Whether a provider has no room from now on, or some again."""
        if closed and provider not in since:
            since[provider] = now
            day = self._of(provider)
            day.full_since = now if day.full_since is None else day.full_since
        elif not closed and provider in since:
            self._of(provider).full += now - since.pop(provider)

    def _note_bindings(self, providers: Iterable[str], found: Decided) -> None:
        """Which limits are in the way of each, once a day."""
        for provider in providers:
            key = found.group.name, found.group.seen_by, provider
            if key in self._examined:
                continue
            self._examined.add(key)
            binding = self._present.of(provider).binding
            for each in found.open.by_provider[provider]:
                limit = binding_limit(each, found.need, found.book, found.now)
                if limit is not None:
                    binding[limit] += 1
