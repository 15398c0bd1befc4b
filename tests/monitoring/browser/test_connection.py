"""The page when the server goes and comes back, under a token, and in somebody else's app."""

import re

import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect
from rig_browser import MakeStage, Sites, Watch

import monitoring
from monitoring.http.guard import app_for
from router_config.simulator import Simulator

TOKEN = "a-token-of-the-tests"


def test_it_says_since_when_it_is_stale_and_is_live_again_by_itself(
    stage: MakeStage, page: Page, watch: Watch, simulator: Simulator
) -> None:
    running = stage(defaults={"cooldown": "2s"})
    running.ask()
    page.goto(running.site.url)
    expect(page.locator("#live")).to_have_text("live")
    simulator.fault("groq", status=500, times=1)
    running.ask()
    expect(page.locator(".card[data-name=groq] .back")).to_contain_text("in ")
    running.site.stop()
    expect(page.locator("#live")).to_have_text(re.compile(r"not live since \d\d:\d\d:\d\d"))
    expect(page.locator("#stale")).to_contain_text("The server does not answer. What you see is from")
    expect(page.locator("#announced")).to_contain_text("Not live")
    expect(page).to_have_title("not live · LLM providers")
    # What was to end meanwhile may have ended, or not: the page does not know.
    expect(page.locator(".card[data-name=groq] .back")).to_contain_text(", due")
    running.site.start()
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator("#stale")).to_be_hidden()
    running.ask()
    expect(page.locator("#rows tr")).to_have_count(3)
    watch.forgive("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET")


def test_where_no_stream_comes_through_it_asks(stage: MakeStage, page: Page, watch: Watch) -> None:
    running = stage()
    page.route("**/events", lambda route: route.abort())
    page.goto(running.site.url)
    expect(page.locator("#live")).to_have_text("asking every few seconds")
    running.ask()
    expect(page.locator(".card[data-name=groq] [data-is=requests]")).to_have_text("1")
    expect(page.locator("#stale")).to_be_hidden()
    watch.forgive("ERR_FAILED")


def test_a_browser_brings_the_token_as_a_password_everywhere(stage: MakeStage, sites: Sites, browser: Browser) -> None:
    routes = monitoring.router_for(stage().router)
    site = sites(app_for([routes], host="0.0.0.0", token=TOKEN, insecure=False))
    context = browser.new_context(http_credentials={"username": "any", "password": TOKEN})
    page = context.new_page()
    watch = Watch(page)
    page.goto(site.url)
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator(".card")).to_have_count(5)
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("#verdict")).to_contain_text("groq would serve it")
    context.close()
    assert watch.complaints == []


def test_a_token_in_the_address_works_too(stage: MakeStage, sites: Sites, page: Page) -> None:
    routes = monitoring.router_for(stage().router)
    site = sites(app_for([routes], host="0.0.0.0", token=TOKEN, insecure=False))
    page.goto(site.url.replace("http://", f"http://any:{TOKEN}@"))
    expect(page.locator("#live")).to_have_text("live")
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("#verdict")).to_contain_text("groq would serve it")


@pytest.mark.parametrize("way", ["prefix", "sub-app"])
def test_it_works_below_a_path(stage: MakeStage, sites: Sites, page: Page, way: str) -> None:
    routes = monitoring.router_for(stage().router)
    app = FastAPI()
    if way == "prefix":
        app.include_router(routes, prefix="/llm")
    else:
        below = FastAPI()
        below.include_router(routes)
        app.mount("/llm", below)
    page.goto(f"{sites(app).url}/llm")
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator(".card")).to_have_count(5)
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("#verdict")).to_contain_text("groq would serve it")


def test_a_tab_in_the_background_draws_nothing_and_at_last_rests(stage: MakeStage, page: Page) -> None:
    running = stage()
    page.clock.install()
    page.goto(running.site.url)
    expect(page.locator("#live")).to_have_text("live")
    page.evaluate(LEAVE)
    running.ask()
    expect(page).to_have_title("groq · LLM providers")
    expect(page.locator(".card[data-name=groq] [data-is=requests]")).to_have_text("0")
    page.evaluate(RETURN)
    expect(page.locator(".card[data-name=groq] [data-is=requests]")).to_have_text("1")
    page.evaluate(LEAVE)
    page.clock.fast_forward("10:01")
    expect(page.locator("#live")).to_have_text("paused in the background")
    expect(page).to_have_title("LLM providers")
    running.ask()
    page.evaluate(RETURN)
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator(".card[data-name=groq] [data-is=requests]")).to_have_text("2")


# Headless pages are never hidden by themselves.
LEAVE = """() => {
    Object.defineProperty(document, "hidden", {configurable: true, get: () => true});
    document.dispatchEvent(new Event("visibilitychange"));
}"""
RETURN = """() => {
    delete document.hidden;
    document.dispatchEvent(new Event("visibilitychange"));
}"""
