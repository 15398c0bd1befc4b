"""What a provider's end is best forecast from: the tokens of all, walked through the providers in order, or its own.

    python -m benchmarks.forecast_order

Two providers have a third of a usual day each, anew at midnight, and others take the rest. At midnight and at 8:00 it
is asked when each is used up.
"""

from collections.abc import Sequence
from math import inf

from benchmarks.forecast_loads import BEGINS, KINDS, Kind, recorded_load
from router_config.cli.text import table
from router_config.forecast.backtest import ends_of
from router_config.forecast.model import DAY, Model
from router_config.forecast.profile import Curve, Profile
from router_config.forecast.ratios import quantile
from router_config.forecast.series import HOUR, Series

WEEKS, WARM, SEEDS = 6, 14, 3
SHARES = (0.35, 0.3)
"""Of a usual day, the rooms of the first and the second."""
MOST = 5.0
"""Errors are no larger than this, or a forecast of no end would have none."""


class Providers:
    """What each took of a load, and when it was used up: by day and provider, hours since the load began."""

    def __init__(self, hours: Sequence[float]) -> None:
        self.rooms = tuple(share * sum(hours) / len(hours) * DAY for share in SHARES)
        self.taken: tuple[list[float], ...] = tuple([] for _ in SHARES)
        self.ends: dict[tuple[int, int], float] = {}
        for hour, amount in enumerate(hours):
            if hour % DAY == 0:
                left = list(self.rooms)
            reaches = amount
            for place in range(len(SHARES)):
                taken = min(left[place], reaches)
                left[place] -= taken
                reaches -= taken
                self.taken[place].append(taken)
                if left[place] <= 0:
                    self.ends.setdefault((hour // DAY, place), hour + 1 - reaches / amount if amount else hour)

    def used(self, place: int, since: int, until: int) -> float:
        return sum(self.taken[place][since:until])


def errors(kind: Kind, seed: int) -> list[tuple[int, float, float]]:
    """Of each question: which provider, and the error by order and by its own history, as shares of the time left."""
    load = recorded_load(kind, seed, WEEKS)
    hours = load.hours(load.minutes)
    providers, found = Providers(hours), list[tuple[int, float, float]]()
    for day in range(WARM, WEEKS * 7):
        for asked in (day * DAY, day * DAY + 8):
            left = [room - providers.used(place, day * DAY, asked) for place, room in enumerate(providers.rooms)]
            together = _curve(hours[:asked])
            for place in range(len(SHARES)):
                end = providers.ends.get((day, place), inf)
                if asked < end < inf:
                    by_order = _error(together, sum(left[: place + 1]), asked, end)
                    by_own = _error(_curve(providers.taken[place][:asked]), left[place], asked, end)
                    found.append((place, by_order, by_own))
    return found


def _curve(hours: Sequence[float]) -> Curve:
    model = Model(Series(BEGINS, tuple(hours)))
    now = float((BEGINS + len(hours)) * HOUR)
    return Profile(model.weights, "profile", len(hours) / DAY, model).curve(now, now + 3 * DAY * HOUR)


def _error(curve: Curve, room: float, asked: int, end: float) -> float:
    moment = ends_of(curve, room).p50
    hours = inf if moment is None else moment / HOUR - BEGINS
    return min(MOST, abs(hours - end) / (end - asked))


def main() -> None:
    rows = []
    for kind in KINDS:
        found = [each for seed in range(SEEDS) for each in errors(kind, seed)]
        for place in range(len(SHARES)):
            theirs = [each for each in found if each[0] == place]
            medians = (quantile(sorted(each[by] for each in theirs), 0.5) for by in (1, 2))
            rows.append((kind, ("first", "second")[place], len(theirs), *(f"{each:.1%}" for each in medians)))
    print(table(("KIND", "PROVIDER", "QUESTIONS", "BY ORDER", "BY ITS OWN HISTORY"), rows))


if __name__ == "__main__":
    main()
