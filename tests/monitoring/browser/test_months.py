"""The card "Months": a plan that the page has made, cancelled, refused, and found again."""

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from rig_browser import LOOKS, MakeStage, Stage, Watch, findings

LONG = ("9M", "300")
"""Tokens a day and days of a plan that takes a minute or two."""


@pytest.fixture
def live(stage: MakeStage, page: Page) -> Stage:
    """The page of a Router whose free providers have little room."""
    others: dict[str, Any] = dict.fromkeys(["gemini", "openrouter", "together"])
    groq = {"limits": {"tpd": "10k"}, "day": {"window": "calendar"}}
    running = stage(providers={**others, "groq": groq, "openai": {"limits": {"tpd": "20k"}}})
    page.goto(running.site.url)
    expect(page.locator("#live")).to_have_text("live")
    return running


def plan(page: Page, tokens: str, days: str) -> None:
    form = page.locator("#months-ask")
    form.get_by_label("Tokens a day").fill(tokens)
    form.get_by_label("Days").fill(days)
    form.get_by_role("button", name="Plan").click()


def test_a_plan_is_made_from_the_card_and_is_there_again_after_a_reload(live: Stage, page: Page) -> None:
    expect(page.locator("#months-state")).to_contain_text("Will the providers last?")
    plan(page, "60k", "5")
    expect(page.locator(".told strong")).to_have_text("No.")
    expect(page.locator("#months-state")).to_have_text(
        re.compile(r"^Made at \d\d:\d\d:\d\d for 60k tokens a day, in [\d.]+ s\.$")
    )
    expect(page.locator("#months-cancel")).to_be_hidden()
    page.reload()
    expect(page.locator(".told strong")).to_have_text("No.")
    expect(page.locator(".plan-providers tbody th")).to_have_text(["groq", "openai", "nobody"])
    expect(page.locator(".plan-advice li").first).to_be_visible()
    # A provider has the same colour in the plan as in its card.
    colours = [
        page.locator(f"{where} .hue").first.evaluate("(each) => getComputedStyle(each).backgroundColor")
        for where in (".card[data-name=openai]", ".plan-providers tr:nth-child(2)")
    ]
    assert colours[0] == colours[1]
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert findings(page) == [], (size, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_its_progress_is_shown_and_it_can_be_cancelled(live: Stage, page: Page, watch: Watch) -> None:
    plan(page, *LONG)
    expect(page.locator("#months-state")).to_contain_text(re.compile(r"9M tokens a day, 300 days: planning … \d"))
    expect(page.locator("#months-progress")).to_be_visible()
    assert findings(page) == []
    expect(page.locator("#months-make")).to_be_disabled()
    page.locator("#months-cancel").click()
    expect(page.locator("#months-state")).to_have_text("Cancelled.")
    expect(page.locator("#months-progress")).to_be_hidden()
    plan(page, "5k", "2")
    expect(page.locator(".told strong")).to_have_text("Yes.")


def test_a_page_that_leaves_cancels_it(live: Stage, page: Page, browser: Browser) -> None:
    plan(page, *LONG)
    expect(page.locator("#months-progress")).to_be_visible()
    page.goto("about:blank")
    page.goto(live.site.url)
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator("#months-progress")).to_be_hidden()
    plan(page, "5k", "2")
    expect(page.locator(".told strong")).to_have_text("Yes.")


def test_another_page_sees_it_and_may_end_it(live: Stage, page: Page, watch: Watch, browser: Browser) -> None:
    plan(page, *LONG)
    expect(page.locator("#months-progress")).to_be_visible()
    context = browser.new_context()
    other = context.new_page()
    other.goto(live.site.url)
    expect(other.locator("#months-state")).to_contain_text("9M tokens a day, 300 days")
    other.locator("#months-cancel").click()
    expect(page.locator("#months-state")).to_have_text("The plan was cancelled")
    expect(other.locator("#months-state")).to_have_text("No plan was made.")
    context.close()
    watch.forgive("409")


def test_what_the_server_refuses_is_told(live: Stage, page: Page, watch: Watch) -> None:
    plan(page, "", "90")
    expect(page.locator("#months-state")).to_contain_text("There is no workload, and nobody has asked yet")
    plan(page, "900M", "366")
    expect(page.locator("#months-state")).to_contain_text("ask for fewer days")
    assert page.locator("#months-state").get_attribute("data-failed") == ""
    watch.forgive("422")


def test_what_is_no_number_is_not_sent(live: Stage, page: Page) -> None:
    plan(page, "many", "90")
    field = page.locator("#months-ask").get_by_label("Tokens a day")
    assert "such as 1M" in str(field.evaluate("(each) => each.validationMessage"))
    field.fill("1,5 k")
    assert field.evaluate("(each) => each.validationMessage") == ""


def test_nothing_jumps_when_the_progress_comes_and_goes(live: Stage, page: Page) -> None:
    def top() -> float:
        return float(page.locator("#months-plan").evaluate("(each) => each.offsetTop - each.parentElement.offsetTop"))

    before = top()
    plan(page, *LONG)
    expect(page.locator("#months-progress")).to_be_visible()
    assert top() == before
    page.locator("#months-cancel").click()
    expect(page.locator("#months-progress")).to_be_hidden()
    assert top() == before
