"""The classes of agents on the page: what each used, what is kept for it, and none of it where there are none."""

from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect
from rig_browser import LOOKS, MakeStage, findings

CLASSES = {
    "trader": {"reserve": "30%", "agents": ["TradingAgent"]},
    "batch": {"share": "20%"},
}
LIMITS = {"groq": {"limits": {"rpm": 10, "tpd": 100_000}}}


def test_each_class_shows_what_it_used_and_what_is_kept_for_it(stage: MakeStage, page: Page) -> None:
    live = stage(classes=CLASSES, providers=LIMITS)
    live.ask(agent="TradingAgent")
    page.goto(live.site.url)
    card = page.locator("#classes .class").filter(has_text="TradingAgent")
    expect(card.locator("[data-is=rule]")).to_have_text("30 % of each limit is kept for it.")
    expect(card.locator("[data-is=requests]")).to_have_text("1")
    expect(card.locator("[data-is=limits] > li").first).to_contain_text("more kept for it")
    batch = page.locator("#classes .class").filter(has=page.get_by_role("heading", name="batch"))
    expect(batch.locator("[data-is=limits] > li").first).to_contain_text("20,000 at most")


def test_a_decision_shows_the_class_of_its_agent(stage: MakeStage, page: Page) -> None:
    live = stage(classes=CLASSES, providers=LIMITS)
    live.ask(agent="TradingAgent")
    page.goto(live.site.url)
    expect(page.locator("#rows tr [data-cell=agent]").first).to_have_text("TradingAgent trader")


def test_what_is_kept_for_others_is_told_to_an_agent_that_meets_it(stage: MakeStage, page: Page) -> None:
    live = stage(classes=CLASSES, providers={"groq": {"limits": {"rpm": 10}}})
    live.ask(times=7, agent="somebody")
    page.goto(live.site.url)
    page.get_by_label("Agent", exact=True).fill("somebody")
    page.get_by_role("button", name="Explain").click()
    expect(page.locator("#explained [data-hue] .gates").first).to_contain_text("3 are kept for trader")
    expect(page.locator("#verdict")).to_contain_text("class default")


def test_where_there_are_no_classes_nothing_of_them_is_shown(stage: MakeStage, page: Page) -> None:
    live = stage()
    page.goto(live.site.url)
    expect(page.locator("#live")).to_have_text("live")
    expect(page.locator("#classes")).to_be_hidden()
    expect(page.locator("#explain-agent")).to_be_hidden()


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_the_classes_can_be_read_in_every_look(
    stage: MakeStage, page: Page, size: ViewportSize, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme)
    live = stage(classes=CLASSES, providers=LIMITS)
    live.ask(agent="TradingAgent")
    page.goto(live.site.url)
    expect(page.locator("#classes .class").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert findings(page) == []
