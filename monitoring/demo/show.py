"""The demo while it runs: agents ask, incidents happen, changes are told."""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from monitoring.demo.agents import DemoAgent
from monitoring.demo.decisions import Decision, Decisions, Try
from monitoring.demo.script import Script
from monitoring.demo.story import Story
from monitoring.source import StatusSource
from router_config import Attempt, NoProviderAvailable, route_of
from router_config.simulator import Simulator

LOOK: Final = 0.5
"""Seconds between two looks at the status."""


class Show:
    """Everything that goes on besides the page."""

    def __init__(self, source: StatusSource, simulator: Simulator, script: Script, story: Story) -> None:
        self.decisions = Decisions()
        self._source = source
        self._simulator = simulator
        self._script = script
        self._story = story
        self._ending = asyncio.Event()

    async def play(self, cast: Sequence[DemoAgent], ending: asyncio.Event) -> None:
        """Until `ending` is set; requests that are under way then are answered first."""
        self._ending = ending
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._incidents())
            for place, agent in enumerate(cast):
                tasks.create_task(self._ask_on(agent, place / len(cast)))

    async def _ask_on(self, agent: DemoAgent, share: float) -> None:
        low, high = self._script.pause
        await self._pause(share * high)  # agents that begin together would ask together
        while not self._ending.is_set():
            await self._ask(agent)
            await self._pause(random.uniform(low, high))

    async def _ask(self, agent: DemoAgent) -> None:
        number, began = self.decisions.next_number(), time.monotonic()
        provider, model, tokens, error = None, None, None, None
        attempts: Sequence[Attempt] = ()
        try:
            reply = await agent.achat([{"role": "user", "content": agent.next_question()}])
            route = route_of(reply)
            provider, model, attempts = route.provider, route.model, route.attempts
            tokens = getattr(getattr(reply, "usage", None), "total_tokens", None)
        except NoProviderAvailable as refusal:
            attempts, error = refusal.attempts, _briefly(refusal)
        decision = Decision(
            number=number,
            at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            agent=agent.name,
            group=agent.model,
            provider=provider,
            model=model,
            attempts=[
                Try(provider=each.provider, model=each.model, outcome=each.outcome, seconds=round(each.seconds, 3))
                for each in attempts
            ],
            seconds=round(time.monotonic() - began, 3),
            tokens=tokens,
            error=error,
        )
        self.decisions.add(decision)
        self._story.decision(decision)

    async def _watch(self) -> None:
        while not self._ending.is_set():
            self._story.status(await self._source.astatus())
            await self._pause(LOOK)

    async def _incidents(self) -> None:
        began, script = time.monotonic(), self._script
        while script.incidents:
            for incident in script.incidents:
                await self._pause(began + incident.after - time.monotonic())
                if self._ending.is_set():
                    return
                await asyncio.to_thread(self._simulator.fault, incident.provider, **incident.fault)
                self._story.incident(incident.provider, incident.told)
            began += script.period

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()


def _briefly(refusal: NoProviderAvailable) -> str:
    if refusal.retry_after is None:
        return "no provider can serve it"
    return f"no provider has room for {refusal.retry_after:.0f} s"
