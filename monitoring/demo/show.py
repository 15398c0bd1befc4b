"""The demo while it runs: agents ask, incidents happen, changes are told."""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from typing import Final

from monitoring.demo.agents import DemoAgent
from monitoring.demo.script import Script
from monitoring.demo.story import Story
from router_config import NoProviderAvailable
from router_config.simulator import Simulator
from router_config.status.source import StatusSource

LOOK: Final = 0.5
"""Seconds between two looks at the status."""


class Show:
    """Everything that goes on besides the page."""

    def __init__(self, source: StatusSource, simulator: Simulator, script: Script, story: Story) -> None:
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
        with contextlib.suppress(NoProviderAvailable):
            await agent.achat([{"role": "user", "content": agent.next_question()}])

    async def _watch(self) -> None:
        newest = 0
        while not self._ending.is_set():
            self._story.status(await self._source.astatus())
            for decision in reversed((await self._source.adecision_log(after=newest, last=500))["decisions"]):
                newest = decision["number"]
                self._story.decision(decision)
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
