"""A load that asks on its own timetable, whatever the answers: the same for every client, from one seed."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from router_config.clock import Clock

Outcome = Literal["served", "cancelled", "refused"]

MAX_TOKENS: Final = 64
LONGEST_PROMPT: Final = 4000
CHARACTERS_PER_TOKEN: Final = 4
"""As the simulated models count."""

_PROSE: Final = "The market opened higher today as traders weighed the statement on rates, and volume stayed thin. "


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request of the timetable; times in seconds, `at` from the start, `cancel_after` from then."""

    at: float
    prompt_tokens: int
    stream: bool = False
    cancel_after: float | None = None

    @property
    def messages(self) -> list[dict[str, str]]:
        length = self.prompt_tokens * CHARACTERS_PER_TOKEN
        return [{"role": "user", "content": (_PROSE * (length // len(_PROSE) + 1))[:length]}]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one arrival. Times in epoch seconds of the load's clock; `began` is late when the client was."""

    due: float
    began: float
    ended: float
    outcome: Outcome
    error: str | None = None


def timetable(seconds: float, *, callers: int = 200, rate: float = 40.0, seed: int = 1) -> tuple[Arrival, ...]:
    """`callers` who all ask at the start, then `rate` requests a second of theirs at random moments.

    Prompts of 10 to 4000 tokens; a tenth streams, a tenth is cancelled midway (within 0.4 s).
    """
    chance = random.Random(seed)
    moments = [0.0] * callers
    moments += sorted(chance.uniform(0, seconds) for _ in range(round(rate * seconds)))
    return tuple(
        Arrival(
            at,
            prompt_tokens=chance.randint(10, LONGEST_PROMPT),
            stream=chance.random() < 0.1,
            cancel_after=chance.uniform(0.02, 0.4) if chance.random() < 0.1 else None,
        )
        for at in moments
    )


async def drive(ask: Callable[[Arrival], Awaitable[object]], load: Sequence[Arrival], clock: Clock) -> list[Result]:
    """Ask everything at its time, never waiting for an answer; return when all have ended."""
    start = clock.now()
    running: list[asyncio.Task[Result]] = []
    for arrival in load:
        if (early := start + arrival.at - clock.now()) > 0:
            await clock.sleep(early)
        running.append(asyncio.create_task(_one(ask, arrival, start, clock)))
    return list(await asyncio.gather(*running))


async def _one(ask: Callable[[Arrival], Awaitable[object]], arrival: Arrival, start: float, clock: Clock) -> Result:
    began = clock.now()
    answer = asyncio.ensure_future(ask(arrival))
    hurry = None if arrival.cancel_after is None else asyncio.create_task(_cancel(answer, arrival.cancel_after, clock))
    outcome: Outcome = "served"
    told: str | None = None
    try:
        await answer
    except asyncio.CancelledError:
        outcome = "cancelled"
    except Exception as error:
        outcome, told = "refused", type(error).__name__
    finally:
        if hurry is not None:
            hurry.cancel()
    return Result(start + arrival.at, began, clock.now(), outcome, told)


async def _cancel(answer: "asyncio.Future[object]", seconds: float, clock: Clock) -> None:
    await clock.sleep(seconds)
    answer.cancel()
