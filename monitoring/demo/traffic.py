"""The traffic of the demo: agents ask, and incidents happen. What changes is logged."""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from typing import Final

from router_config import NoProviderAvailable
from router_config.simulator import Simulator
from router_config.status.source import StatusSource

from .agents import DemoAgent
from .event_log import EventLog
from .scenario import Scenario

LOOK: Final = 0.5
"""Seconds between two readings of the status."""


class Traffic:
    """Agents that ask a Router, and the incidents of a scenario."""

    def __init__(self, source: StatusSource, simulator: Simulator, scenario: Scenario, event_log: EventLog) -> None:
        self._source = source
        self._simulator = simulator
        self._scenario = scenario
        self._event_log = event_log
        self._ending = asyncio.Event()

    async def run(self, agents: Sequence[DemoAgent], ending: asyncio.Event) -> None:
        """Go on until `ending` is set, and then until the requests under way are answered."""
        self._ending = ending
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._incidents())
            for place, agent in enumerate(agents):
                tasks.create_task(self._ask_on(agent, place / len(agents)))

    async def _ask_on(self, agent: DemoAgent, share: float) -> None:
        low, high = self._scenario.pause
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
            self._event_log.status(await self._source.astatus())
            for decision in reversed((await self._source.adecision_log(after=newest, last=500))["decisions"]):
                newest = decision["number"]
                self._event_log.decision(decision)
            await self._pause(LOOK)

    async def _incidents(self) -> None:
        began, scenario = time.monotonic(), self._scenario
        while scenario.incidents:
            for incident in scenario.incidents:
                await self._pause(began + incident.after - time.monotonic())
                if self._ending.is_set():
                    return
                await asyncio.to_thread(self._simulator.fault, incident.provider, **incident.fault)
                self._event_log.incident(incident.provider, incident.description)
            began += scenario.period

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()
