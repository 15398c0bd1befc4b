"""A page of the status server in a real browser, watched: it may neither complain nor ask another host."""

import asyncio
import json
import os
import shutil
import threading
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, Request, ViewportSize, expect
from rig import message
from starlette.types import ASGIApp

from monitoring.http.address import listen
from router_config import Router

REQUIRED: Final = "ROUTER_BROWSER_TESTS"
"""Set to `required`, a machine without Chromium fails the browser tests instead of skipping them."""

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
PATIENCE: Final = 20_000
"""Milliseconds after which a test gives up waiting for the page."""

PHONE: Final = ViewportSize(width=390, height=844)
DESK: Final = ViewportSize(width=1360, height=900)
LOOKS: Final[tuple[tuple[ViewportSize, Literal["light", "dark"]], ...]] = (
    (DESK, "light"),
    (DESK, "dark"),
    (PHONE, "light"),
)

FLAGS: Final = (
    "--no-sandbox",  # CI runs as root, where Chromium's sandbox does not start
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

CHART_IN_COLOUR: Final = """() => {
    const chart = document.querySelector("#chart canvas");
    if (chart === null) return false;
    const copy = document.createElement("canvas");
    [copy.width, copy.height] = [chart.width, chart.height + 1];
    const drawn = copy.getContext("2d", {willReadFrequently: true});
    drawn.drawImage(chart, 0, 1);
    drawn.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--c0");
    drawn.fillRect(0, 0, 1, 1);
    const [wanted, ...pixels] = new Uint32Array(drawn.getImageData(0, 0, copy.width, copy.height).data.buffer);
    return pixels.filter((pixel) => pixel === wanted).length > 30;
}"""
"""JavaScript: whether the chart holds the colour that the first provider has now."""

Sites = Callable[[ASGIApp], "Site"]
MakeStage = Callable[..., "Stage"]

expect.set_options(timeout=PATIENCE)


def chromium_path() -> str | None:
    """Where the machine's Chromium is."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright) -> Browser:
    """The machine's Chromium: none is downloaded."""
    return playwright.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))


def skip_reason() -> str | None:
    """Why there can be no browser tests here, and what to do."""
    if chromium_path() is not None:
        return None
    return "the page was not tested in a browser: Chromium is missing. Debian and Ubuntu: apt install chromium"


def is_required() -> bool:
    return os.environ.get(REQUIRED) == "required"


class Watch:
    """What a page complained of, and whom it asked."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        self.hosts: set[str] = set()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).hostname or "")

    def forgive(self, *causes: str) -> None:
        """Forget the complaints that a test has caused."""
        self.complaints = [each for each in self.complaints if not any(cause in each for cause in causes)]


def until(page: Page, condition: str) -> None:
    """Wait until a JavaScript function gives true. Playwright's own way is an eval, which the page's policy forbids."""
    for _ in range(PATIENCE // 50):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it did not happen: {condition}")


def findings(page: Page) -> list[str]:
    """What axe-core finds serious or critical, each with the first element concerned."""
    axe = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    page.evaluate(axe)
    found: dict[str, Any] = json.loads(page.evaluate("axe.run().then(JSON.stringify)"))
    return [
        f"{each['id']}: {each['help']}: {each['nodes'][0]['html']} {each['nodes'][0]['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


class Site:
    """An app on a port of its own, which it keeps when it is stopped and started again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._port = 0
        self.start()

    def start(self) -> None:
        bound = listen("127.0.0.1", self._port)
        self._port = bound.getsockname()[1]
        config = uvicorn.Config(
            self._app, lifespan="off", ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=0
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve(sockets=[bound])))
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"


class Stage:
    """A Router against the simulator, and its page."""

    def __init__(self, router: Router, site: Site) -> None:
        self.router = router
        self.site = site

    def ask(self, times: int = 1, agent: str = "trader") -> None:
        """Requests of an agent, one after the other."""
        for _ in range(times):
            self.router.completion(model="default", messages=message(), metadata={"agent": agent})
