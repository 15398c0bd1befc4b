"""Agents answered by a router of the reference table, which asks the simulated providers."""

from collections.abc import Iterator
from typing import Any

import pytest
from rig import MakeRouter

from adapters import use_router
from router_config import Router
from router_config.simulator import Simulator


@pytest.fixture
def router(make_router: MakeRouter) -> Router:
    return make_router()


@pytest.fixture
def shared(router: Router) -> Iterator[Router]:
    """The router that agents without one of their own ask."""
    before = use_router(router)
    yield router
    use_router(before)


class Heard:
    """What the providers were sent, and what they answer."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        simulator.set_options(keep_bodies=True)

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [dict(call.body or {}) for call in self._simulator.calls()]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Those of the last request."""
        messages: list[dict[str, Any]] = self.requests[-1]["messages"]
        return messages

    def answers(self, *texts: str) -> None:
        """Answer the next requests so; the last text is also the answer to all that follow."""
        *first, last = texts
        self._simulator.set_options(answer=last)
        for text in first:
            self._simulator.fault("groq", answer=text, times=1)


@pytest.fixture
def heard(simulator: Simulator) -> Heard:
    return Heard(simulator)
