"""What the page shows of a Router at work, as it happens."""

import re

import pytest
from playwright.sync_api import Page, expect
from rig_browser import CHART_IN_COLOUR, MakeStage, Stage, until

from router_config.simulator import Simulator

GROQ = ".card[data-name=groq]"
GEMINI = ".card[data-name=gemini]"


@pytest.fixture
def live(stage: MakeStage, page: Page) -> Stage:
    """A page that somebody looks at while two requests were answered."""
    running = stage()
    running.ask(2)
    page.goto(running.site.url)
    expect(page.locator("#live")).to_have_text("live")
    return running


def test_a_card_for_each_provider_in_order_of_priority(live: Stage, page: Page) -> None:
    expect(page.locator(".card h3")).to_have_text(["groq", "gemini", "openrouter", "together", "openai"])
    groq = page.locator(GROQ)
    expect(groq.locator(".state .status")).to_have_text("available")
    expect(groq.locator(".tier")).to_have_text("free · priority 1")
    expect(groq.locator("[data-is=requests]")).to_have_text("2")
    expect(groq.locator(".limit").first).to_contain_text("requests a minute")
    expect(groq.locator(".limit").first).to_contain_text("2 of 30")
    expect(groq.get_by_role("meter", name="requests a minute")).to_have_attribute("aria-valuenow", "2")
    expect(groq.locator(".model-name")).to_have_text(["llama-3.3-70b-versatile", "mixtral-8x7b-32768"])
    expect(page.locator(".card[data-name=openai] .tier")).to_have_text("paid · priority 5")


def test_a_failover_is_seen_as_it_happens(live: Stage, page: Page, simulator: Simulator) -> None:
    expect(page.locator("#answering")).to_contain_text("groq")
    expect(page).to_have_title("groq · LLM providers")
    simulator.fault("groq", status=500, times=1)
    live.ask(agent="researcher")
    expect(page.locator(f"{GROQ} .state .status")).to_have_text("cooldown")
    expect(page.locator("#answering")).to_contain_text("gemini")
    expect(page).to_have_title("gemini · LLM providers")
    expect(page.locator("#unavailable")).to_contain_text("groq cooldown")
    expect(page.locator("#announced")).to_contain_text("groq: cooldown until")
    expect(page.locator("#announced")).to_contain_text("default: gemini answers now.")
    row = page.locator("#rows tr").first
    expect(row).to_contain_text("researcher")
    expect(row.locator("[data-cell=who]")).to_contain_text("gemini")
    expect(row.locator("[data-cell=way]")).to_contain_text("groq: server error after")
    expect(page.locator("#happened")).to_contain_text("groq cooldown")
    expect(page.locator("#happened")).to_contain_text("groq failed over")
    expect(page.locator("#marks")).to_have_text("▲1 failover◆1 cooldown")
    expect(page.locator("#hour-events")).to_contain_text("1 failover · 1 cooldown")


def test_countdowns_tick(live: Stage, page: Page, simulator: Simulator) -> None:
    simulator.fault("groq", status=500, times=1)
    live.ask()
    back = page.locator(f"{GROQ} .back")
    expect(back).to_contain_text(re.compile(r"^until \d\d:\d\d:\d\d, in 4 min"))
    before = back.inner_text()
    expect(back).not_to_have_text(before)
    expect(back).to_contain_text("in 4 min")


def test_the_chart_holds_the_colour_of_who_answered(live: Stage, page: Page) -> None:
    expect(page.locator("#chart canvas")).to_be_visible()
    expect(page.locator("#chart")).to_have_attribute("aria-label", re.compile(r"groq 2, gemini 0"))
    until(page, CHART_IN_COLOUR)
    page.get_by_text("As a table").click()
    expect(page.locator("#chart-table tbody tr").first).to_contain_text("2")
    page.get_by_text("1 day").click()
    expect(page.locator("#readout")).to_have_text("2 requests answered; a bar is 5 minutes")
    until(page, CHART_IN_COLOUR)


def test_the_log_is_filtered_by_provider_and_outcome(live: Stage, page: Page, simulator: Simulator) -> None:
    simulator.fault("groq", status=500, times=1)
    live.ask()
    rows = page.locator("#rows tr")
    expect(rows).to_have_count(3)
    page.get_by_role("combobox", name="Provider").select_option("gemini")
    expect(rows).to_have_count(1)
    live.ask()
    expect(rows).to_have_count(2)
    page.get_by_role("combobox", name="Outcome").select_option("any failure")
    expect(rows).to_have_count(0)
    expect(page.locator("#no-rows")).to_be_visible()
    page.get_by_role("combobox", name="Outcome").select_option("all")
    page.get_by_role("combobox", name="Provider").select_option("groq")
    expect(rows).to_have_count(3)  # which it answered, or was tried for


def test_the_log_can_be_held(live: Stage, page: Page) -> None:
    rows = page.locator("#rows tr")
    page.get_by_role("button", name="Hold").click()
    live.ask()
    hold = page.locator("#hold")
    expect(hold).to_have_text("Go on (1 new)")
    expect(hold).to_have_attribute("aria-pressed", "true")
    expect(rows).to_have_count(2)
    hold.click()
    expect(rows).to_have_count(3)


def test_what_a_provider_says_is_never_read_as_markup(live: Stage, page: Page, simulator: Simulator) -> None:
    simulator.fault("groq", status=400, body={"error": {"message": "<img src=x onerror=alert(1)> is wrong"}})
    live.ask()
    expect(page.locator(f"{GROQ} .error")).to_contain_text("<img src=x")
    expect(page.locator("main img")).to_have_count(0)


def test_explain_shows_every_gate_with_its_numbers(live: Stage, page: Page) -> None:
    form = page.locator("#explain")
    expect(form.get_by_label("Group or alias")).to_have_value("default")
    form.get_by_label("Tokens").fill("99999")
    form.get_by_label("Tokens").press("Enter")
    shown = page.locator("#explained")
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("gemini would serve it. 99,999 tokens of default")
    gate = shown.locator("section", has_text="groq").first.locator(".gates li", has_text="tokens a day").first
    expect(gate).to_contain_text(re.compile(r"used \+ 0 reserved \+ 99,999 needed, of 100,000\s*blocks until"))
    expect(shown.locator("section[data-chosen] h3")).to_have_text("gemini")
    form.get_by_label("Group or alias").fill("nobody-serves-this")
    form.get_by_role("button").click()
    expect(verdict).to_contain_text("of default")  # the alias * takes every name


def test_only_the_last_hundred_decisions_are_kept_in_the_page(live: Stage, page: Page) -> None:
    live.ask(110)
    rows = page.locator("#rows tr")
    expect(rows.first.locator("[data-cell=time]")).to_be_visible()
    expect(rows).to_have_count(100)


def test_it_says_when_the_day_will_be_used_up(stage: MakeStage, page: Page) -> None:
    others = dict.fromkeys(["gemini", "openrouter", "together", "openai"])
    running = stage(providers={"groq": {"limits": {"rpm": 30, "tpd": 900}}, **others})
    running.ask(5)
    page.goto(running.site.url)
    ends = re.compile(r"^ends in \d+ (min|h)")
    today = page.locator(".window[data-window=day]")
    expect(today.locator("[data-is=ends]")).to_have_text(re.compile(ends.pattern + r", at \S"))
    expect(today.locator("[data-is=binding]")).to_have_text("groq, tokens a day")
    expect(today.locator(".band b")).to_be_visible()
    row = page.locator("#day tr")
    expect(row.locator("[data-is=limit]")).to_have_text("900")
    expect(row.locator("[data-is=lasts]")).to_have_text(ends)
    expect(row.get_by_role("meter")).to_have_attribute("aria-valuemax", "900")
