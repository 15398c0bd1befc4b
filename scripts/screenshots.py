"""Writes the pictures of the page into docs/: an hour of simulated providers and four agents, told in a minute.

make screenshots
"""

import asyncio
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import httpx
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright
from rig_browser import DESK, PHONE, launch

import monitoring
from monitoring.demo.agents import DemoAgent, agents
from monitoring.demo.session import CONFIG
from monitoring.http.address import listen
from router_config import NoProviderAvailable, Router
from router_config.simulator import Simulator

DOCS: Final = Path(__file__).parent.parent / "docs"
BEGAN: Final = 1_795_438_800.0
"""2026-11-23 13:00 UTC."""
MINUTES: Final = 56
SPEED: Final = 60.0

TROUBLES: Final[tuple[tuple[float, str, dict[str, Any]], ...]] = (
    (11, "groq", {"reset": True, "times": 1}),
    (29, "gemini", {"status": 500, "times": 1}),
    (38, "openrouter", {"status": 503, "times": 1}),
    (54, "gemini", {"status": 503, "times": 1}),
)
"""Minutes from the beginning, who fails, and how."""


class Hurried:
    """A clock that runs SPEED times as fast as the real one, until it is told to slow down."""

    correction = 0.0

    def __init__(self) -> None:
        self._since, self._moment, self._speed = time.monotonic(), BEGAN, SPEED

    def now(self) -> float:
        return self._moment + (time.monotonic() - self._since) * self._speed

    def slow_down(self) -> None:
        self._moment, self._since, self._speed = self.now(), time.monotonic(), 1.0

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)


async def play(simulator: Simulator, clock: Hurried, bound: Any, ready: threading.Event, done: threading.Event) -> None:
    """Agents, troubles and the page, until `done`; `ready` when the hour has passed."""
    router = Router.from_yaml(CONFIG, env=simulator.env(), simulated=True, clock=clock)
    app = FastAPI()
    app.include_router(monitoring.router_for(router))
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    )
    tasks = [asyncio.create_task(ask_on(agent, clock)) for agent in agents(4, router)]
    tasks.append(asyncio.create_task(server.serve(sockets=[bound])))
    for minute, provider, fault in TROUBLES:
        await clock.sleep(BEGAN + 60 * minute - clock.now())
        await asyncio.to_thread(simulator.fault, provider, **fault)
    await clock.sleep(BEGAN + 60 * MINUTES - clock.now())
    clock.slow_down()
    ready.set()
    await asyncio.to_thread(done.wait)
    server.should_exit = True
    for task in tasks[:-1]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await router.aclose()


async def ask_on(agent: DemoAgent, clock: Hurried) -> None:
    while True:
        # The day has its tides.
        pause = 9 if clock.now() % 1500 < 700 else 3
        await clock.sleep(random.uniform(0.6, 1.4) * pause)
        try:
            await agent.achat([{"role": "user", "content": agent.next_question() * random.randint(1, 12)}])
        except NoProviderAvailable:
            continue


def shoot(browser: Browser, url: str, name: str, scheme: Any, size: Any, height: int, scale: float = 1.0) -> None:
    context = browser.new_context(
        viewport=size, color_scheme=scheme, timezone_id="UTC", reduced_motion="reduce", device_scale_factor=scale
    )
    page = context.new_page()
    page.goto(url)
    page.locator("#chart canvas").wait_for()
    page.locator("#rows tr").nth(20).wait_for()
    page.get_by_role("button", name="Explain").click()
    page.locator("#explained").wait_for()
    page.locator("#months .told").wait_for()
    page.screenshot(path=DOCS / name, full_page=True, clip={"x": 0, "y": 0, "width": size["width"], "height": height})
    context.close()
    print(f"docs/{name}: {(DOCS / name).stat().st_size // 1024} kB")


def shoot_plan(browser: Browser, url: str, name: str, scheme: Any) -> None:
    """The card Months alone."""
    context = browser.new_context(viewport=DESK, color_scheme=scheme, timezone_id="UTC", reduced_motion="reduce")
    page = context.new_page()
    page.goto(url)
    page.locator("#months .told").wait_for()
    page.locator("#months").screenshot(path=DOCS / name)
    context.close()
    print(f"docs/{name}: {(DOCS / name).stat().st_size // 1024} kB")


def main() -> int:
    random.seed(4)
    DOCS.mkdir(exist_ok=True)
    clock, ready, done = Hurried(), threading.Event(), threading.Event()
    bound = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    with Simulator(clock=clock.now, answer_tokens=90) as simulator:
        playing = threading.Thread(target=lambda: asyncio.run(play(simulator, clock, bound, ready, done)))
        playing.start()
        try:
            ready.wait()
            httpx.post(f"{url}/api/llm-providers/plan", json={"days": 90}, timeout=300).raise_for_status()
            with sync_playwright() as playwright:
                browser = launch(playwright)
                shoot(browser, url, "dashboard-light.png", "light", DESK, 2000)
                shoot(browser, url, "dashboard-dark.png", "dark", DESK, 1640)
                shoot(browser, url, "dashboard-phone.png", "dark", PHONE, 1500, 1.5)
                shoot_plan(browser, url, "plan-light.png", "light")
                shoot_plan(browser, url, "plan-dark.png", "dark")
                browser.close()
        finally:
            done.set()
            playing.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
