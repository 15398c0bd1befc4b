"""How much of a limit a class of agents may use beside what is kept for others. Pure logic over counts."""

from functools import lru_cache
from math import floor
from typing import Final, NamedTuple, Protocol

from router_config.ledger.rules.classes.keeps import Keep, spare_of
from router_config.ledger.rules.meters import Counts, Limit, Meter
from router_config.ledger.rules.pacing import Expected
from router_config.ledger.rules.windows import Calendar, CalendarDay, Window

MOST_RELEASED: Final = 0.25
"""The last part of a window, at most, in which what is kept is released."""

_ROUNDING: Final = 1e-9
_UTC_DAY: Final = CalendarDay("UTC")


class Pages(Protocol):
    """The counts of a store at one moment."""

    @property
    def expected(self) -> Expected: ...

    def counts(self, meter: Meter) -> Counts | None: ...


class Kept(NamedTuple):
    """What of a limit is kept for others, and for whom.

    most: what may be used and reserved of it in all. idle: what a single request may take where nothing is used.
    gone: the share of what is left over that may be used by now. spare: what is left free for whoever comes.
    """

    amount: float
    names: tuple[str, ...]
    most: float
    idle: float
    gone: float = 1.0
    spare: float = 0.0


def kept_of(meter: Meter, limit: Limit, held: float, pages: Pages, now: float) -> Kept:
    """held: what is used and reserved of the limit, by all classes."""
    amount, names = 0.0, []
    for keep in meter.keeps:
        theirs = _share(limit, keep.share)
        theirs -= _held(keep.scope, limit, pages)
        if limit.period == "long":
            theirs = min(theirs, _share(limit, keep.share) * unreleased(keep, meter.long, pages.expected, now))
        if limit.metric == "requests":
            theirs = floor(theirs + _ROUNDING)
        if theirs > 0:
            amount += theirs
            names.append(keep.name)
    most = limit.value - amount
    idle = limit.value - sum(_share(limit, keep.share) for keep in meter.keeps)
    if not meter.leftover:
        return Kept(amount, tuple(names), most, idle)
    if not limit.exhausts:
        spare = spare_of(limit.value, whole=limit.metric == "requests")
        return Kept(amount, tuple(names), most - spare, idle - spare, spare=spare)
    gone = pages.expected.share(window_of(meter.long), now)
    others = max(0.0, held - _held(meter.leftover, limit, pages))
    return Kept(amount, tuple(names), others + gone * max(0.0, most - others), idle, gone)


def leftover_grows(meter: Meter, limit: Limit, held: float, needed: float, pages: Pages, now: float) -> float | None:
    """When (epoch seconds) so much more is left over, as the window goes; None: not before it ends."""
    kept = kept_of(meter, limit, held, pages, now)
    others = max(0.0, held - _held(meter.leftover, limit, pages))
    room = limit.value - kept.amount - others
    wanted = held - others + needed
    if room <= 0 or wanted > room:
        return None
    return pages.expected.reached(window_of(meter.long), wanted / room, now)


def window_of(window: Window) -> Window:
    """The window by which it is said how much of a limit nobody needs any more: one that rolls has no end."""
    return window if isinstance(window, Calendar) else _UTC_DAY


def released_at(meter: Meter, limit: Limit, now: float) -> float | None:
    """When (epoch seconds) something that is kept now will be released; None: never."""
    if not isinstance(meter.long, Calendar) or limit.period != "long":
        return None
    ends, begins = meter.long.frees(now), meter.long.began(now)
    spans = [each.release for each in meter.keeps if isinstance(each.release, float | int) and each.release > 0]
    moments = [ends - min(each, MOST_RELEASED * (ends - begins)) for each in spans]
    return min(moments, default=None)


_meter: Final = lru_cache(4096)(Meter)
"""By its scope alone: so much is needed to read its counts. Each is read for every limit of every request."""


def _share(limit: Limit, share: float) -> float:
    value = limit.value * share
    return floor(value + _ROUNDING) if limit.metric == "requests" else value


def _held(scope: str, limit: Limit, pages: Pages) -> float:
    counts = pages.counts(_meter(scope))
    return 0.0 if counts is None else counts.used(limit) + counts.open[limit.place]


def unreleased(keep: Keep, window: Window, expected: Expected, now: float) -> float:
    """The part of what is kept of a long window that is not released."""
    if keep.release == "never" or not isinstance(window, Calendar):
        return 1.0
    if keep.release == "forecast":
        return 1.0 - expected.share(window, now)
    ends, begins = window.frees(now), window.began(now)
    return 0.0 if now >= ends - min(keep.release, MOST_RELEASED * (ends - begins)) else 1.0
