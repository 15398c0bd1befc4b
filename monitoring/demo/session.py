"""One run of the demo: simulator, Router, agents and page. Imports LiteLLM."""

import asyncio
import contextlib
import socket
import warnings
from pathlib import Path
from typing import Final

import litellm

from router_config import Router, load_config
from router_config.simulator import Simulator

from ..api import router_for
from ..console import ending_at_signal, say
from ..http.address import address_of
from ..http.guard import app_for
from ..server import PATIENCE, serve
from .agents import agents
from .enforced_limits import enforced_limits
from .event_log import EventLog
from .scenario import Scenario
from .traffic import Traffic

CONFIG: Final = Path(__file__).with_name("reference.yaml")


async def run_demo(
    bound: socket.socket,
    scenario: Scenario,
    count: int,
    seconds: float | None,
    *,
    host: str,
    token: str | None,
    insecure: bool,
) -> None:
    """Run the demo until a signal, or for so many seconds.

    bound: the socket that the page is served on. count: how many agents ask.
    """
    litellm.suppress_debug_info = True  # else LiteLLM prints an advertisement at each failed attempt
    limits = enforced_limits(load_config(CONFIG, env={}))
    with (
        ending_at_signal() as ending,
        Simulator(limits, latency_ms=scenario.latency_ms, answer_tokens=scenario.answer_tokens) as simulator,
    ):
        router = Router.from_yaml(CONFIG, env=simulator.env(), simulated=True)
        try:
            traffic = Traffic(router, simulator, scenario, EventLog(say))
            app = app_for([router_for(router)], host=host, token=token, insecure=insecure)
            say(f"Status page: {address_of(bound, host)}  (Ctrl-C ends it)")
            say(f"{count} agents ask without pause. Requests go on elsewhere when a provider runs out or fails:")
            if seconds is not None:
                asyncio.get_running_loop().call_later(seconds, ending.set)
            asking = asyncio.create_task(traffic.run(agents(count, router), ending))
            asking.add_done_callback(lambda _: ending.set())
            await serve(app, bound, ending)
            await _ended(asking)
        finally:
            await router.aclose()


async def _ended(asking: asyncio.Task[None]) -> None:
    """Give the agents a moment for the answers that are under way. Raises what ended them, if anything did."""
    await asyncio.wait({asking}, timeout=PATIENCE)
    asking.cancel()
    # LiteLLM makes a coroutine in a thread for each request, and drops it when the request is cancelled there.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    with contextlib.suppress(asyncio.CancelledError):
        await asking
