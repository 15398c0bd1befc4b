"""Processes that work on one store: `python rig_workers.py WORK URL` says "ready", waits for a line, and works."""

import asyncio
import logging
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rig_ledger import START, Place
from rig_wall_clock import child_variables

from router_config.deployments.learned import Learned
from router_config.ledger.interfaces import Store
from router_config.ledger.opening import open_store
from router_config.ledger.rules.abilities import ASKED_AGAIN, Lack
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.meters import Amount, Limit
from router_config.ledger.values import Settlement

GROQ = Place("groq", (Limit("rpm", 300), Limit("tpd", 100_000)))
LARGE = Place("large", (Limit("rpm", 2000),))
GEMINI = Place("gemini", (Limit("rpm", 1_000_000),))
CALLERS = 8
"""Requests at the same time in each process."""

CLAIMED = 12

SPENT = 7
"""Tokens of each request that `endless` settles."""


class Worker:
    """One process, ready to begin."""

    def __init__(self, work: str, url: str) -> None:
        command = [sys.executable, __file__, work, url]
        variables = child_variables(Path(__file__).parents[1], Path(__file__).parent)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **variables}
        )

    def begin(self) -> None:
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"
        self._process.stdin.write(b"go\n")
        self._process.stdin.flush()

    def told(self, most: int = -1) -> bytes:
        """What it says until its end, or at most so many bytes of it."""
        assert self._process.stdout
        return self._process.stdout.read(most)

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()


@contextmanager
def workers(number: int, work: str, url: str) -> Iterator[list[Worker]]:
    """So many processes, all begun at the same time."""
    started = [Worker(work, url) for _ in range(number)]
    try:
        for worker in started:
            worker.begin()
        yield started
    finally:
        for worker in started:
            worker.end()


async def everything(store: Store, number: int) -> None:
    """Ask for more than there is; tell the tokens that each request spent."""
    for turn in range(50):
        _, lease = await store.reserve([GROQ], Need(150, 10), START, 600.0)
        if lease is not None:
            tokens = 1 + (number + turn) % 100
            await store.settle(lease, Settlement(Amount(1, tokens), START, START, True), START)
            print(tokens)


async def probe(store: Store, number: int) -> None:
    """Ask after a cooldown of groq; tell who was asked."""
    for _ in range(6):
        _, lease = await store.reserve([GROQ, GEMINI], Need(10, 1), START + 300, 600.0)
        print(lease.deployment if lease is not None else "nobody")


async def endless(store: Store, number: int) -> None:
    """Tell a dot for each settlement, once it is done."""
    while True:
        _, lease = await store.reserve([GEMINI], Need(1000, 10), START, 600.0)
        assert lease is not None
        await store.settle(lease, Settlement(Amount(1, SPENT), START, START, True), START)
        os.write(1, b".")


async def until_refused(store: Store, number: int) -> None:
    """Tell a dot for each request that was let through, whatever happens to the store, until ten in turn were not."""
    refused = 0
    while refused < 10:
        _, lease = await store.reserve([LARGE], Need(10, 10), START, 600.0)
        if lease is not None:
            os.write(1, b".")
            await store.settle(lease, Settlement(Amount(1, 10), START, START, True), START)
        refused = 0 if lease is not None else refused + 1
        await asyncio.sleep(0.01 + 0.05 * random.random() * (number + 1))


async def claims(store: Store, number: int) -> None:
    """Claim to ask again each of many models that refused tools; tell those that were got."""
    learned, models = Learned(), [f"groq/{each}" for each in range(CLAIMED)]
    learned.abilities.take(
        {(model, "tools"): Lack(START - 2 * ASKED_AGAIN, START - ASKED_AGAIN, True) for model in models}
    )
    for model in models:
        by = learned.abilities.claim(model, "tools", START)
        await learned.exchange(store, START)
        if by is not None and learned.abilities.lacks(model)["tools"].by == by:
            print(model)


WORK = {each.__name__: each for each in (everything, probe, endless, until_refused, claims)}


async def main(work: str, url: str) -> None:
    logging.disable()
    store = open_store(url)
    await store.rooms([GROQ], Need(1, 1), START)
    print("ready", flush=True)
    sys.stdin.readline()
    await asyncio.gather(*(WORK[work](store, number) for number in range(CALLERS)))
    await store.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
