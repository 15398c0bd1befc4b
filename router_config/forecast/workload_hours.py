"""The hours of a week in which a workload of the file comes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from router_config.config.loads import Load, Recorded
from router_config.forecast.series import HOUR
from router_config.forecast.week import HOURS, hour_of_week


def weights_of(loads: Sequence[Load], now: float) -> tuple[float, ...]:
    """The tokens expected in each of the 168 hours of a week, as pacing takes them (place 0: Monday 00:00 UTC).

    now: epoch seconds; the week is the one around it, for clocks change.
    """
    weights = [0.0] * HOURS
    first = int(now // HOUR) - HOURS // 2
    begins, ends = float(first * HOUR), float((first + HOURS) * HOUR)
    for load in loads:
        if load.recorded is not None:
            weights = [one + more for one, more in zip(weights, _again(load, load.recorded), strict=True)]
            continue
        for opens, closes, rate in stretches(load, begins, ends):
            for number in range(int(opens // HOUR), int(-(-closes // HOUR))):
                lasts = min(closes, (number + 1) * HOUR) - max(opens, number * HOUR)
                weights[hour_of_week(number)] += rate * lasts * load.mean_tokens
    return tuple(weights)


def _again(load: Load, recorded: Recorded) -> list[float]:
    """What was recorded, week by week; what is shorter than a week day by day."""
    length = HOURS if recorded.days >= HOURS / 24 else 24
    sums = [0.0] * length
    for place, count in enumerate(recorded.counts):
        sums[hour_of_week((recorded.first + place) * recorded.seconds // HOUR) % length] += count
    times = length / 24 / recorded.days * load.mean_tokens
    return [sums[place % length] * times for place in range(HOURS)]


def stretches(load: Load, begins: float, ends: float) -> Iterator[tuple[float, float, float]]:
    """The stretches of a day at most in which requests come: from when, until when, and how many a second."""
    per_day = load.requests_per_day
    if load.tokens_per_day is not None:
        per_day = load.tokens_per_day / load.mean_tokens
    hours = load.hours
    zone = UTC if hours is None else ZoneInfo(hours.timezone)
    day = datetime.fromtimestamp(begins, zone).date() - timedelta(days=1)  # Yesterday's hours may reach into today.
    while midnight(day, zone) < ends:
        if hours is None:
            opens, closes = midnight(day, zone), midnight(day + timedelta(days=1), zone)
        else:
            opens = _moment(day, hours.begins, zone)
            closes = _moment(day, hours.ends if hours.ends > hours.begins else hours.ends + 1440, zone)
        if (hours is None or day.weekday() in hours.days) and closes > begins and opens < closes:
            rate = per_day / (closes - opens) if per_day is not None else (load.requests_per_hour or 0.0) / 3600
            yield max(opens, begins), min(closes, ends), rate
        day += timedelta(days=1)


def midnight(day: date, zone: tzinfo) -> float:
    """Epoch seconds of the midnight with which a day begins."""
    return _moment(day, 0, zone)


def _moment(day: date, minutes: int, zone: tzinfo) -> float:
    """Epoch seconds of a time of day; of one that clocks skip, what comes in its place."""
    days, minutes = divmod(minutes, 1440)
    there = day + timedelta(days=days)
    return datetime(there.year, there.month, there.day, minutes // 60, minutes % 60, tzinfo=zone).timestamp()
