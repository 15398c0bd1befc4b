"""One Chromium for the browser tests, and apps that a test can start, stop and start again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import rig_browser
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from rig import MakeRouter
from rig_browser import DESK, MakeStage, Site, Sites, Stage, Watch
from starlette.types import ASGIApp

import monitoring

HERE = Path(__file__).parent


class Chromium:
    """Started for the first test here, and ended after the last one."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def browser(self) -> Browser:
        if self._browser is None:
            self._playwright = sync_playwright().start()
            self._browser = rig_browser.launch(self._playwright)
        return self._browser

    def end(self) -> None:
        if self._browser is not None and self._playwright is not None:
            self._browser.close()
            self._playwright.stop()
        self._browser = self._playwright = None


CHROMIUM = Chromium()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = rig_browser.skip_reason()
    if reason and not rig_browser.is_required():
        for item in items:
            if HERE in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    # Not at the end of the session: Playwright keeps an event loop running in the thread of the tests, where others
    # start one of their own.
    try:
        yield
    finally:
        if HERE in item.path.parents and (nextitem is None or HERE not in nextitem.path.parents):
            CHROMIUM.end()


@pytest.fixture
def browser() -> Browser:
    """Chromium. Where it is missing, a test fails that is not skipped."""
    reason = rig_browser.skip_reason()
    if reason:
        pytest.fail(reason)
    return CHROMIUM.browser()


@pytest.fixture
def watched(browser: Browser) -> Iterator[tuple[Page, Watch]]:
    context = browser.new_context(viewport=DESK, reduced_motion="reduce", timezone_id="UTC")
    page = context.new_page()
    watch = Watch(page)
    yield page, watch
    context.close()
    assert watch.complaints == []
    assert watch.hosts <= {"127.0.0.1"}


@pytest.fixture
def page(watched: tuple[Page, Watch]) -> Page:
    """A page that must not complain, nor ask anybody but this machine."""
    return watched[0]


@pytest.fixture
def watch(watched: tuple[Page, Watch]) -> Watch:
    """What that page complained of."""
    return watched[1]


@pytest.fixture
def sites() -> Iterator[Sites]:
    """Starts an app; gives its Site."""
    started: list[Site] = []

    def start(app: ASGIApp) -> Site:
        started.append(Site(app))
        return started[-1]

    yield start
    for site in started:
        site.stop()


@pytest.fixture
def stage(make_router: MakeRouter, sites: Sites) -> MakeStage:
    """Makes a Stage; keyword arguments change the reference table."""

    def make(**changes: Any) -> Stage:
        router = make_router(**changes)
        app = FastAPI()
        app.include_router(monitoring.router_for(router))
        return Stage(router, sites(app))

    return make
