"""A small deployment to reserve at, and the steps of a request in one call each."""

import asyncio
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from router_config.ledger.interfaces import Store
from router_config.ledger.rules.choice import Choice
from router_config.ledger.rules.gates import Need, Tier
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
    store: Store, *places: Place, tokens: int = 100, prompt: int = 10, most: int = 0, at: float = START
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
