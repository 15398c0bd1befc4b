"""A small deployment to reserve at, and the steps of a request in one call each."""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from router_config.ledger.interfaces import Store
from router_config.ledger.rules.choice import Choice
from router_config.ledger.rules.classes.keeps import Keep, Release
from router_config.ledger.rules.gates import Candidate, Need, Tier
from router_config.ledger.rules.meters import Amount, Limit, Meter, Part, Spending, SplitAmount
from router_config.ledger.rules.windows import ROLLING_DAY, Calendar, CalendarDay, Window
from router_config.ledger.values import Lease, Settlement

T = TypeVar("T")
START = 1_795_435_200.0


@dataclass(frozen=True)
class Place:
    """A candidate with the limits of its account."""

    id: str
    limits: tuple[Limit, ...] = ()
    tier: Tier = "free"
    own: tuple[Limit, ...] = ()
    day: Window = ROLLING_DAY
    more: tuple[tuple[Window, tuple[Limit, ...]], ...] = ()
    price: float = 0.0
    parts: tuple[tuple[Part, tuple[Limit, ...]], ...] = ()
    pace: bool = False
    """Whether its account's limits of calendar windows are paced, and those of others beside them."""

    @property
    def meters(self) -> tuple[Meter, ...]:
        account, model = f"account:{self.id}", f"model:{self.id}"
        more = (Meter(f"{account} per {place}", limits, window) for place, (window, limits) in enumerate(self.more))
        parts = (Meter(f"{account} of {part}", limits, self.day, part) for part, limits in self.parts)
        made = (Meter(account, self.limits, self.day), Meter(model, self.own, self.day), *more, *parts)
        return tuple(_paced(made)) if self.pace else made

    @property
    def scopes(self) -> tuple[str, ...]:
        return (f"provider:{self.id}", f"account:{self.id}", f"key:{self.id}", f"model:{self.id}")

    def need(self, tokens: int, prompt_tokens: int) -> Spending:
        whole = Amount(1, tokens, tokens * self.price)
        return SplitAmount.of(*whole, prompt_tokens, tokens - prompt_tokens) if self.parts else whole


@dataclass(frozen=True)
class Seen:
    """A place as a class of agents sees it. reserves: what is kept for each class, by name; share: its own, at most."""

    place: Place
    name: str
    reserves: tuple[tuple[str, float], ...] = ()
    share: float = 1.0
    release: Release = 3600.0
    leftover: bool = False

    @property
    def id(self) -> str:
        return f"{self.place.id} for {self.name}"

    @property
    def tier(self) -> Tier:
        return self.place.tier

    @property
    def scopes(self) -> tuple[str, ...]:
        return self.place.scopes

    @cached_property
    def meters(self) -> tuple[Meter, ...]:
        limited = [each for each in self.place.meters if each.limits and each.pace != "beside"]
        seen = {each.scope: replace(each, keeps=self._keeps(each), leftover=self._leftover(each)) for each in limited}
        own = (
            Meter(f"{each.scope} of class {self.name}", self._shares(each), each.long, each.part, of_class=self.name)
            for each in limited
        )
        return (*(seen.get(each.scope, each) for each in self.place.meters), *own)

    def need(self, tokens: int, prompt_tokens: int) -> Spending:
        return self.place.need(tokens, prompt_tokens)

    def _keeps(self, meter: Meter) -> tuple[Keep, ...]:
        others = ((name, share) for name, share in self.reserves if name != self.name)
        return tuple(Keep(f"{meter.scope} of class {name}", name, share, self.release) for name, share in others)

    def _leftover(self, meter: Meter) -> str:
        return f"{meter.scope} of class {self.name}" if self.leftover else ""

    def _shares(self, meter: Meter) -> tuple[Limit, ...]:
        return tuple(Limit(each.name, each.value * self.share) for each in meter.limits) if self.share < 1 else ()


def _paced(meters: tuple[Meter, ...]) -> Iterator[Meter]:
    for meter in meters:
        calendar = isinstance(meter.long, Calendar)
        yield replace(meter, pace="even") if calendar else meter
        days = tuple(limit for limit in meter.limits if limit.kind.unit == "day")
        if days and not calendar:
            beside = tuple(Limit(limit.name, limit.value) for limit in days)
            yield Meter(f"{meter.scope} paced day", beside, CalendarDay("Asia/Kolkata"), meter.part, "beside")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def reserve(
    store: Store, *places: Candidate, tokens: int = 100, prompt: int = 10, most: int = 0, at: float = START
) -> tuple[Choice, Lease | None]:
    return run(store.reserve(places, Need(tokens, prompt, most), at, 600.0))


def taken(
    store: Store, *places: Place, tokens: int = 100, prompt: int = 10, most: int = 0, at: float = START
) -> Lease | None:
    return reserve(store, *places, tokens=tokens, prompt=prompt, most=most, at=at)[1]


def spend(store: Store, lease: Lease, tokens: int = 100, at: float = START, usd: float = 0.0) -> None:
    run(store.settle(lease, Settlement(Amount(1, tokens, usd), at, at, alive=True), at))


def used(store: Store, place: Place, at: float = START) -> tuple[Amount, Amount]:
    """Open and counted in the day."""
    counts = run(store.snapshot(place.meters, {}, at)).counts[place.meters[0].scope]
    return counts.open, counts.long
