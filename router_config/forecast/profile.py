"""What the hours that come are expected to use, from the usage of up to 60 days."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from router_config.forecast.model import DAY, Model
from router_config.forecast.ratios import SURE, Band
from router_config.forecast.series import HOUR, amount_of, series_of
from router_config.forecast.week import HOURS, hour_of_week
from router_config.ledger.rules.meters import Metric
from router_config.ledger.values import Usage

Basis = Literal["profile", "last_hour"]


@dataclass(frozen=True, slots=True)
class Curve:
    """What is expected to be used from `moments[0]` on until each of the moments (epoch seconds), as a band."""

    moments: tuple[float, ...]
    used: tuple[Band, ...]

    def until(self, moment: float) -> Band:
        """What is expected to be used until a moment between the first and the last."""
        place = bisect_left(self.moments, moment)
        if place == 0:
            return self.used[0]
        if place == len(self.moments):
            return self.used[-1]
        begins, ends = self.moments[place - 1], self.moments[place]
        share = (moment - begins) / (ends - begins)
        pairs = zip(self.used[place - 1], self.used[place], strict=True)
        return Band(*(before + share * (after - before) for before, after in pairs))


@dataclass(frozen=True, slots=True)
class Profile:
    """What the hours to come are expected to use.

    weights: tokens (requests, dollars) expected in each hour of a week, place 0 for Monday 00:00 to 01:00 UTC. basis:
    `last_hour` under a day of history, where all hours are expected to be as the last one was: a guess, without a band.
    history_days: how long the history is.
    """

    weights: tuple[float, ...]
    basis: Basis
    history_days: float
    _model: Model | None = None

    def curve(self, now: float, until: float, present: float = 0.0) -> Curve:
        """What is expected to be used from now on: by the hour for two days, by six for six more, then by twelve.

        now, until: epoch seconds; `now` is in the hour after the last one that the profile was made of. present: what
        the hour that runs has used so far.
        """
        number = int(now // HOUR)
        moments, used = [now], [Band(0.0, 0.0, 0.0)]
        total, expected = 0.0, self._expected(now, until, present)
        for ahead, amount in enumerate(expected, 1):
            total += amount
            if ahead <= 48 or ahead % (6 if ahead <= 192 else 12) == 0 or ahead == len(expected):
                moments.append(float((number + ahead) * HOUR))
                used.append(self._band(total, used[-1]))
        return Curve(tuple(moments), tuple(used))

    def expected(self, now: float, until: float, present: float = 0.0) -> Band:
        """What is expected to be used between two moments; the arguments are as for `curve`."""
        hours = self._expected(now, until, present)
        return self._band(sum(hours) - hours[-1] * (-until % HOUR) / HOUR, Band(0.0, 0.0, 0.0))

    def _expected(self, now: float, until: float, present: float) -> list[float]:
        """By hour, from what is left of the one that runs on."""
        hours = max(0, -int(-until // HOUR) - int(now // HOUR) - 1)
        gone = now % HOUR / HOUR
        if self._model is not None:
            return self._model.hours_ahead(present, gone, hours)
        number = int(now // HOUR)
        expected = [self.weights[hour_of_week(number + ahead)] for ahead in range(hours + 1)]
        expected[0] *= 1 - gone
        return expected

    def _band(self, expected: float, before: Band) -> Band:
        """The band around what is expected; less than before it cannot be."""
        daily = 0.0 if self._model is None else self._model.daily
        ratios = SURE if self._model is None or daily <= 0 else self._model.ratios.at(expected / daily)
        return Band(*(max(expected * ratio, least) for ratio, least in zip(ratios, before, strict=True)))


def profile_of(slots: Mapping[int, Usage], now: float, metric: Metric = "tokens") -> Profile:
    """The profile of usage by hour (its number is epoch seconds // 3600), of a provider or of all together.

    now: epoch seconds; what is newer is left out. Hours without usage count as 0, from the first with any on.

        history = await journal.history(3600, now - 60 * 86400, now)
        profile_of(total_of(history.slots), now).weights
    """
    series = series_of(slots, now, metric)
    days = (now / HOUR - series.first) / DAY
    if len(series.values) < DAY:
        present = amount_of(slots.get(int(now // HOUR)), metric)
        return steady(_last_hour(series.values, present, now), days)
    model = Model(series)
    return Profile(model.weights, "profile", days, model)


def steady(rate: float, history_days: float = 0.0) -> Profile:
    """All hours as the last one was. rate: what it used."""
    return Profile((rate,) * HOURS, "last_hour", history_days)


def _last_hour(values: tuple[float, ...], present: float, now: float) -> float:
    """The rate of the last 3600 seconds, an hour."""
    before = values[-1] if values else 0.0
    return present + before * (1 - now % HOUR / HOUR)
