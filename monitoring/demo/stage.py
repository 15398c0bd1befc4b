"""The demo's parts put together: simulator, Router, agents, page. Imports LiteLLM."""

import asyncio
import contextlib
import socket
import warnings
from pathlib import Path
from typing import Final

import litellm

from monitoring.api import router_for
from monitoring.console import ending_at_signal, say
from monitoring.demo.agents import agents
from monitoring.demo.script import Script
from monitoring.demo.show import Show
from monitoring.demo.story import Story
from monitoring.http.address import address_of
from monitoring.http.guard import app_for
from monitoring.server import PATIENCE, serve
from router_config import Router
from router_config.simulator import Simulator

CONFIG: Final = Path(__file__).with_name("reference.yaml")


async def perform(
    bound: socket.socket,
    script: Script,
    count: int,
    seconds: float | None,
    *,
    host: str,
    token: str | None,
    insecure: bool,
) -> None:
    """Run everything until a signal, or for so many seconds; then end everything."""
    litellm.suppress_debug_info = True  # else LiteLLM prints an advertisement at each failed attempt
    with (
        ending_at_signal() as ending,
        Simulator(latency_ms=script.latency_ms, answer_tokens=script.answer_tokens) as simulator,
    ):
        router = Router.from_yaml(CONFIG, env=simulator.env(), simulated=True)
        try:
            show = Show(router, simulator, script, Story(say))
            app = app_for([router_for(router)], host=host, token=token, insecure=insecure)
            say(f"Status page: {address_of(bound, host)}  (Ctrl-C ends it)")
            say(f"{count} agents ask without pause. Requests go on elsewhere when a provider runs out or fails:")
            if seconds is not None:
                asyncio.get_running_loop().call_later(seconds, ending.set)
            playing = asyncio.create_task(show.play(agents(count, router), ending))
            playing.add_done_callback(lambda _: ending.set())
            await serve(app, bound, ending)
            await _ended(playing)
        finally:
            await router.aclose()


async def _ended(playing: asyncio.Task[None]) -> None:
    """Let the agents have the answers that are under way, but not for long. Raises what ended the show, if anything."""
    await asyncio.wait({playing}, timeout=PATIENCE)
    playing.cancel()
    # LiteLLM makes a coroutine in a thread for each request, and drops it when the request is cancelled there.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    with contextlib.suppress(asyncio.CancelledError):
        await playing
