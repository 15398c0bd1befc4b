"""The page for whoever reads it: in light and dark, on a phone, by keyboard, at first, and when something is wrong."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi import FastAPI
from playwright.sync_api import Page, expect
from rig_browser import CHART_IN_COLOUR, LOOKS, MakeStage, Sites, Stage, findings, until

import monitoring
from monitoring import ConfiguredSource
from router_config import load_config
from router_config.clock import VirtualClock
from router_config.ledger.opening import open_store
from router_config.simulator import Simulator


@pytest.fixture
def busy(stage: MakeStage, simulator: Simulator) -> Stage:
    """A Router with answers, a failover, and a provider in cooldown."""
    running = stage()
    simulator.fault("groq", status=500, times=1)
    running.ask(3)
    return running


def test_axe_finds_nothing_serious_in_any_size_and_colour(busy: Stage, page: Page) -> None:
    page.goto(busy.site.url)
    expect(page.locator("#rows tr")).to_have_count(3)
    expect(page.locator("#chart canvas")).to_be_visible()
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("#verdict")).to_contain_text("would serve it")
    page.get_by_text("As a table").click()
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert findings(page) == [], (size, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_a_limit_that_changed_is_told_with_the_edit(stage: MakeStage, page: Page, clock: VirtualClock) -> None:
    others: dict[str, Any] = dict.fromkeys(["groq", "gemini", "openrouter", "together"])
    running = stage(providers={**others, "openai": {"limits": {"rpm": 30}}})
    for _ in range(3):
        running.ask(1)
        clock.advance(86400)
    page.goto(running.site.url)
    change = page.locator(".card .changed li")
    expect(change).to_contain_text(
        "requests a minute. File: 30, openai says 60 since 3 days; the file's is in force. "
        "router-config set openai.limits.rpm 60"
    )
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert findings(page) == [], (size, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_a_model_that_answers_in_the_place_of_another_is_shown(
    stage: MakeStage, page: Page, simulator: Simulator
) -> None:
    simulator.set_options(retired={"groq": ["llama-3.3-70b-versatile"]})
    running = stage(defaults={"on_retired": "successor"})
    running.ask(2)
    page.goto(running.site.url)
    groq = page.locator(".card").first
    expect(groq.locator(".model-name")).to_have_text(
        ["llama-3.3-70b-versatile", "openai/gpt-oss-120b", "mixtral-8x7b-32768"]
    )
    expect(groq.locator(".model").nth(0)).to_contain_text("Gone; openai/gpt-oss-120b answers in its place.")
    expect(groq.locator(".model").nth(1)).to_contain_text("Answers in place of llama-3.3-70b-versatile.")
    expect(page.locator("#rows")).to_contain_text("openai/gpt-oss-120b")
    assert page.evaluate(
        "[...document.querySelectorAll('.card')].every((each) => each.scrollWidth <= each.clientWidth)"
    )
    assert findings(page) == []


def test_dark_is_dark(busy: Stage, page: Page) -> None:
    page.goto(busy.site.url)
    until(page, CHART_IN_COLOUR)
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(channels(light)) > 3 * 200
    assert sum(channels(dark)) < 3 * 50
    until(page, CHART_IN_COLOUR)


def channels(colour: str) -> list[int]:
    return [int(each) for each in colour.removeprefix("rgb(").removesuffix(")").split(",")]


def test_the_page_is_used_by_keyboard(busy: Stage, page: Page) -> None:
    page.goto(busy.site.url)
    expect(page.get_by_role("radio", name="1 hour")).to_be_visible()  # It comes with the history.
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the providers")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="1 hour")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="1 day")).to_be_checked()
    expect(page.locator("#readout")).to_contain_text("a bar is 5 minutes")


def test_without_a_key_it_says_what_to_do(sites: Sites, page: Page, tmp_path: Path) -> None:
    page.goto(sites(configured(tmp_path, {})).url)
    expect(page.locator("#empty h2")).to_have_text("No provider is configured yet")
    expect(page.locator("#empty code")).to_have_text(
        ["router-config env", "router-config check", "router-config serve", "router-config demo"]
    )
    expect(page.locator("#answering")).to_have_text("nobody")
    expect(page.locator(".card .state .status").first).to_have_text("unconfigured")
    assert findings(page) == []


def test_without_a_request_it_says_how_to_send_one(sites: Sites, page: Page, tmp_path: Path) -> None:
    page.goto(sites(configured(tmp_path, {"GROQ_API_KEY": "a-key"})).url)
    expect(page.locator("#empty h2")).to_have_text("No request today yet")
    expect(page.locator("#empty code").first).to_have_text('router-config ask "Hello"')
    expect(page.locator("#unavailable")).to_contain_text("1 of 2 without a key")


def configured(folder: Path, env: dict[str, str]) -> FastAPI:
    """An app over a file with two providers, as `router-config serve` has it."""
    providers = {name: {"priority": place, "models": ["a-model"]} for place, name in enumerate(["groq", "gemini"], 1)}
    path = folder / "litellm.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "state": "memory://", "providers": providers}), "utf-8")
    app = FastAPI()
    app.include_router(monitoring.router_for(ConfiguredSource(load_config(path, env=env), open_store("memory://"))))
    return app


def test_a_wrong_file_and_a_failing_store_are_told_in_banners(busy: Stage, sites: Sites, page: Page) -> None:
    app = FastAPI()
    app.include_router(monitoring.router_for(Troubled(busy.router)))
    page.goto(sites(app).url)
    expect(page.locator("#config-error")).to_contain_text("litellm.yaml:14:5: unknown key 'rmp'")
    expect(page.locator("#degraded")).to_contain_text("The store cannot be used since")
    expect(page.locator("#degraded")).to_contain_text("disk full")
    expect(page.locator("#simulated")).to_be_hidden()
    assert findings(page) == []


class Troubled:
    """A source of an app's own, in trouble."""

    def __init__(self, router: Any) -> None:
        self._router = router

    def __getattr__(self, name: str) -> Any:
        return getattr(self._router, name)

    async def astatus(self) -> dict[str, Any]:
        status: dict[str, Any] = await self._router.astatus()
        status["config"]["error"] = "litellm.yaml:14:5: unknown key 'rmp'; did you mean 'rpm'?"
        status["state"]["degraded"] = {"reason": "disk full", "since": status["generated_at"]}
        return status


def test_limits_of_every_window_and_what_is_in_flight_are_read_on_the_page(
    stage: MakeStage, page: Page, simulator: Simulator
) -> None:
    others: dict[str, Any] = dict.fromkeys(["gemini", "openrouter", "together", "openai"])
    limits = {
        "parallel": 1, "rph": 40, "tph": 9000, "rpw": 300, "rpmo": 800, "itpm": 5000,
        "usd_per_month": 5, "requests": {"per": "5h", "max": 90},
    }  # fmt: skip
    price = {"input": 1, "output": 2}
    groq = {"tier": "paid", "limits": limits, "models": [{"name": "m", "price": price}]}
    running = stage(providers={**others, "groq": groq})
    running.ask(2)
    simulator.fault("groq", latency_ms=60_000, times=1)
    thread = ThreadPoolExecutor(1)
    slow = thread.submit(running.ask)
    while simulator.summary()["groq"]["open"] == 0:
        page.wait_for_timeout(10)
    try:
        page.goto(running.site.url)
        card = page.locator(".card[data-name=groq]")
        for words, numbers in (
            ("requests at a time", "in flight 1 of 1"),
            ("requests an hour", "2 of 40"),
            ("requests a week", "2 of 300"),
            ("requests a month", "2 of 800"),
            ("requests in 5h", "2 of 90"),
            ("input tokens a minute", "of 5,000"),
            ("dollars a month", "of $5.00"),
        ):
            row = card.locator(".limit").filter(has_text=words)
            expect(row).to_have_count(1)
            expect(row.locator("[data-is=numbers]")).to_contain_text(numbers)
        expect(page.locator("#left-longer")).to_contain_text("this week ")
        expect(page.locator(".window[data-window=month] [data-is=left]")).to_contain_text("left")
        expect(page.locator("#day [data-is=of]").filter(has_text="a month")).to_have_count(1)
        page.get_by_role("button", name="Explain").click()
        expect(page.locator("#explained")).to_contain_text(
            "1 in flight + 1 needed, of 1 blocks until one in flight ends"
        )
        for size, scheme in LOOKS:
            page.set_viewport_size(size)
            page.emulate_media(color_scheme=scheme)
            assert findings(page) == [], (size, scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    finally:
        simulator.stop()
        assert slow.exception() is not None  # Its connection is gone.
