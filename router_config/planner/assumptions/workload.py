"""The requests of a workload over time: when each comes, and how large it is. Deterministic by a seed."""

import heapq
from collections.abc import Iterator, Sequence
from random import Random
from typing import Final, NamedTuple

from router_config.config.loads import Load, Spread
from router_config.forecast.workload_hours import stretches
from router_config.planner.assumptions.replay import moments_again

DAY: Final = 86400.0
MONTH: Final = 30.4375 * DAY
"""Seconds by which growth is told."""

HALVES: Final = 2


class Arrival(NamedTuple):
    """A request: its moment (epoch seconds), the place of its load in the workload, tokens of prompt and answer."""

    at: float
    load: int
    prompt: int
    answer: int


def even_load(
    *, tokens_per_day: float | None = None, requests_per_hour: float | None = None, tokens: int = 1000
) -> Load:
    """A load that comes at all hours. tokens: of one request, half of them the prompt's."""
    prompt = tokens // HALVES
    return Load(
        tokens_per_day=tokens_per_day,
        requests_per_hour=requests_per_hour,
        prompt=Spread(((0.5, prompt),)),
        answer=Spread(((0.5, tokens - prompt),)),
    )


def arrivals(loads: Sequence[Load], begins: float, ends: float, seed: int = 0) -> Iterator[Arrival]:
    """Every request between two moments (epoch seconds), in order. Growth counts from the first one on."""
    each = [_of_load(load, place, begins, ends, Random(f"{seed}/{place}")) for place, load in enumerate(loads)]
    return each[0] if len(each) == 1 else heapq.merge(*each)


def per_day(load: Load) -> tuple[float, float]:
    """Requests and tokens on a day on which it comes, without growth."""
    if load.recorded is not None:
        each_day = sum(load.recorded.counts) / load.recorded.days
        return each_day, each_day * load.mean_tokens
    if load.tokens_per_day is not None:
        return load.tokens_per_day / load.mean_tokens, load.tokens_per_day
    hours = load.hours
    active = 24.0 if hours is None else ((hours.ends - hours.begins - 1) % 1440 + 1) / 60
    requests = load.requests_per_day if load.requests_per_day is not None else (load.requests_per_hour or 0.0) * active
    return requests, requests * load.mean_tokens


def tokens_of(loads: Sequence[Load], days: int) -> float:
    """Tokens that come in so many days, about."""
    months = days * DAY / MONTH
    return days * sum(per_day(load)[1] * max(1.0, float((1 + load.growth) ** months)) for load in loads)


def _of_load(load: Load, place: int, begins: float, ends: float, chance: Random) -> Iterator[Arrival]:
    prompt, answer = _sizes(load.prompt, chance), _sizes(load.answer, chance)
    moments = _moments(load, begins, ends, chance)
    return (Arrival(at, place, next(prompt), next(answer)) for at in moments)


def _sizes(spread: Spread, chance: Random) -> Iterator[int]:
    if len(spread.points) == 1:
        while True:
            yield spread.most
    while True:
        yield spread.at(chance.random())


def _moments(load: Load, begins: float, ends: float, chance: Random) -> Iterator[float]:
    """When requests come: at random, as those of callers who do not know of each other do."""
    if load.recorded is not None:
        yield from moments_again(load.recorded, begins, ends, chance)
        return
    if load.burst is None:
        yield from _starts(load, begins, ends, chance, at_once=1.0)
        return
    coming: list[float] = []
    sizes = _sizes(load.burst.requests, chance)
    for start in _starts(load, begins, ends, chance, at_once=load.burst.requests.mean):
        while coming and coming[0] < start:
            yield heapq.heappop(coming)
        size = next(sizes)
        for number in range(size):
            heapq.heappush(coming, start + load.burst.over * number / size)
    while coming and coming[0] < ends:
        yield heapq.heappop(coming)


def _starts(load: Load, begins: float, ends: float, chance: Random, at_once: float) -> Iterator[float]:
    """Where single requests or bursts begin. at_once: requests of a burst."""
    draw = chance.expovariate
    for opens, closes, rate in stretches(load, begins, ends):
        now = opens
        grown = rate / at_once * (1 + load.growth) ** ((opens - begins) / MONTH)
        if grown <= 0:
            continue
        while (now := now + draw(grown)) < closes:
            yield now
