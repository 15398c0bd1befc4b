"""The file of `plan --html` in a browser, opened from a disk."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from rig_browser import LOOKS, Watch, findings

from router_config.cli import main

HOSTILE = "<img src=x onerror=alert(1)>"
YAML = """
version: 1
state: memory://
providers:
  groq: {api_key: none, day: {window: calendar}, limits: {tpd: 10k}, models: [one]}
  mine:
    {api_key: none, litellm_provider: openai, api_base: "http://127.0.0.1:1", day: {window: calendar},
     limits: {tpd: 30k}, models: [two]}
"""
Open = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Plans, writes the file, and opens it where no network is."""
    context = browser.new_context(offline=True, timezone_id="Asia/Tokyo")
    page = context.new_page()
    watch = Watch(page)

    def make(*arguments: str, name: str = "mine") -> Page:
        (tmp_path / "litellm.yaml").write_text(YAML, "utf-8")
        written = tmp_path / "plan.html"
        command = ["-c", str(tmp_path / "litellm.yaml"), "plan", "--from", "2026-11-23", "--html", str(written)]
        with ThreadPoolExecutor(1) as apart:  # Playwright keeps an event loop in the thread of the tests.
            assert apart.submit(main, [*command, *arguments]).result() in (0, 1)
        written.write_text(written.read_text("utf-8").replace('"mine"', json.dumps(name)), "utf-8")
        page.goto(written.as_uri())
        return page

    yield make
    context.close()
    assert watch.complaints == []
    assert watch.hosts == {""}


def test_it_shows_the_plan_from_a_disk_in_any_size_and_colour(opened: Open) -> None:
    page = opened("--tokens-per-day", "60k", "--days", "9", "--no-advice")
    expect(page.locator(".told")).to_contain_text("No. ")
    expect(page.locator(".told")).to_contain_text("; from day 1, ")
    expect(page.locator(".key li")).to_contain_text(["groq", "mine", "nobody"])
    expect(page.locator(".plan-providers tbody tr")).to_have_count(3)
    assert "nobody" in (page.get_by_role("img").get_attribute("aria-label") or "")
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert findings(page) == [], (size, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_the_days_are_stacked_and_are_read_by_pointer_and_as_a_table(opened: Open) -> None:
    page = opened("--tokens-per-day", "60k", "--days", "4", "--no-advice")
    bars = page.locator("svg.bars")
    heights = [page.locator(f"svg.bars path{which}").bounding_box() for which in ("[data-hue='0']", ".unserved")]
    assert heights[0] is not None
    assert heights[1] is not None
    assert heights[1]["y"] + heights[1]["height"] < heights[0]["y"] + heights[0]["height"]
    box = bars.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + 20)
    expect(page.locator(".readout").first).to_contain_text("Tue, Nov 24: groq 10K")
    page.get_by_text("As a table").click()
    expect(page.locator("details tbody tr")).to_have_count(4)
    expect(page.locator("details tbody tr").nth(1)).to_contain_text("2026-11-24")


def test_the_heat_map_tells_the_hours_in_which_nobody_serves(opened: Open) -> None:
    page = opened("--tokens-per-day", "60k", "--days", "14", "--no-advice")
    cells = page.locator(".week td[data-place]")
    expect(cells).to_have_count(168)
    expect(page.get_by_role("heading", name="When requests are not served")).to_be_visible()
    assert page.locator(".week td[data-place='25']").get_attribute("data-level") == "0"
    late = page.locator(".week td[data-place='23']")
    assert late.get_attribute("data-level") == "5"
    late.hover()
    expect(page.locator(".readout").nth(1)).to_contain_text(
        re.compile(r"days \d+:00 to \d+:00: \d.* of \d+ requests not served")
    )


def test_what_fails_is_told(opened: Open) -> None:
    page = opened("--tokens-per-day", "20k", "--days", "4", "--no-advice", "--fault", "groq down 2h every 1d")
    expect(page.locator("#plan")).to_contain_text(
        re.compile(r"\d+ attempts? failed; 0 requests failed though somebody")
    )


def test_where_all_is_served_the_heat_map_has_the_hours_in_which_requests_come(opened: Open) -> None:
    page = opened("--tokens-per-day", "5k", "--days", "2")
    expect(page.locator(".told strong")).to_have_attribute("data-answer", "yes")
    expect(page.get_by_role("heading", name="When requests come")).to_be_visible()
    expect(page.locator("svg.bars path.unserved")).to_have_attribute("d", "")
    expect(page.locator(".week td[data-level='none']").first).to_have_text("no request")


def test_a_name_is_never_read_as_markup(opened: Open) -> None:
    page = opened("--tokens-per-day", "60k", "--days", "2", "--no-advice", name=HOSTILE)
    expect(page.locator(".plan-providers tbody th").nth(1)).to_have_text(HOSTILE)
    page.get_by_text("As a table").click()
    expect(page.locator("details thead th").nth(2)).to_have_text(HOSTILE)
    expect(page.locator("img")).to_have_count(0)
