"""How much of what the fitting models allow is served where room is short, beside a judge that knows what each can.

The five unlike providers of benchmarks.fit and its mix, at more requests than they have room for, once the router has
learned what they cannot. Two counts:

- by priority: each request at the first provider in order that can do it and has room, which is what the file asks
  for. A plain request may use up the only model that takes images; that is the order that the user wrote.
- in hindsight: of each minute the most requests that could be served at all, by a matching of requests and room. It
  knows what comes, so nobody reaches it; what is lost to it is the price of the order.

Run it with

    python -m benchmarks.fit_scarcity --load 150 --load 300
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from litellm.exceptions import BadRequestError

from benchmarks.fit import LACKS, LIMITS, START, file_of, have_lacks, request_of
from router_config import NoProviderAvailable, Router
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

KINDS: Final = ("plain", "tools", "images", "long")
WEIGHTS: Final = (50, 30, 10, 10)
ROOM: Final = LIMITS["rpm"]

Asked = Sequence[tuple[float, str]]
"""Arrivals in seconds, and the kind of each."""


def able(kind: str) -> list[str]:
    """The providers that can do it, in order."""
    return [provider for provider, lacks in LACKS.items() if kind not in lacks]


def by_priority(asked: Asked) -> Counter[str]:
    """Requests served by kind where each goes to the first provider that can and has room in its last 60 seconds.

    Whole seconds count, as in the ledger: a request leaves its window when its whole second has.
    """
    used: dict[str, deque[float]] = {provider: deque() for provider in LACKS}
    served = Counter[str]()
    for at, kind in asked:
        for provider in able(kind):
            window = used[provider]
            while window and int(window[0]) + 61 <= at:
                window.popleft()
            if len(window) < ROOM:
                window.append(at)
                served[kind] += 1
                break
    return served


def in_hindsight(asked: Asked) -> int:
    """The most requests that could be served: no minute of the clock holds more than a rolling one."""
    minutes: dict[int, list[str]] = {}
    for at, kind in asked:
        minutes.setdefault(int(at // 60), []).append(kind)
    return sum(map(_matched, minutes.values()))


def _matched(kinds: Sequence[str]) -> int:
    taken: dict[tuple[str, int], int] = {}

    def seat(place: int, tried: set[tuple[str, int]]) -> bool:
        for room in ((provider, number) for provider in able(kinds[place]) for number in range(ROOM)):
            if room in tried:
                continue
            tried.add(room)
            if room not in taken or seat(taken[room], tried):
                taken[room] = place
                return True
        return False

    return sum(seat(place, set()) for place in range(len(kinds)))


async def served_by_router(router: Router, clock: VirtualClock, asked: Asked, begins: float) -> Counter[str]:
    served = Counter[str]()
    for number, (at, kind) in enumerate(asked):
        clock.set(begins + at)
        try:
            await router.acompletion(model="default", **request_of(kind, number))
        except (BadRequestError, NoProviderAvailable):
            continue
        served[kind] += 1
    return served


def run(load: int, requests: int, seed: int) -> dict[str, Any]:
    """load: percent of all the room there is."""
    chance, every = random.Random(seed), 60 / (len(LACKS) * ROOM) * 100 / load
    asked = [(number * every, chance.choices(KINDS, WEIGHTS)[0]) for number in range(requests)]
    clock = VirtualClock(START)
    with tempfile.TemporaryDirectory() as folder, Simulator(clock=clock.now) as simulator:
        have_lacks(simulator)
        simulator.set_limits(dict.fromkeys(LACKS))  # The file's are the ones that count.
        router = Router.from_yaml(file_of(simulator, Path(folder)), env=simulator.env(), clock=clock, watch=False)
        asyncio.run(served_by_router(router, clock, asked, START))  # What it learns costs a few requests.
        ours = asyncio.run(served_by_router(router, clock, asked, START + 3600))
        router.close()
    judged, most = by_priority(asked), in_hindsight(asked)
    return {
        "load_percent": load,
        "asked": dict(Counter(kind for _, kind in asked)),
        "served": dict(ours),
        "by_priority": dict(judged),
        "of_by_priority": _share(ours, judged),
        "in_hindsight": most,
        "of_hindsight": round(sum(ours.values()) / most, 4),
        "order_of_hindsight": round(sum(judged.values()) / most, 4),
    }


def _share(ours: Mapping[str, int], judged: Mapping[str, int]) -> float:
    return round(sum(ours.values()) / sum(judged.values()), 4)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=600, help="of each load (default: 600)")
    parser.add_argument(
        "--load", type=int, action="append", metavar="PERCENT", help="of all room (default: 90, 150 and 300)"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    results = [run(load, arguments.requests, arguments.seed) for load in arguments.load or (90, 150, 300)]
    print(json.dumps(results, indent=2))
    return 0 if all(each["of_by_priority"] >= 0.99 for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
