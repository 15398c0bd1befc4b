"""The demo, as a person sees it who has just started it."""

import re
import signal

from playwright.sync_api import Page, expect
from rig_monitoring import Start

DEMO = """
import sys
from monitoring import demo
from monitoring.demo.scenario import Incident, Scenario

incident = Incident(1.0, "gemini", "answers its next request with HTTP 500", {"status": 500, "times": 1})
sys.exit(demo.run(port=0, scenario=Scenario(pause=(0.1, 0.2), latency_ms=(0, 50), incidents=(incident,)), seconds=60))
"""


def test_the_demo_fills_the_page(start: Start, page: Page) -> None:
    command = start("-c", DEMO)
    with command.client() as client:
        page.goto(str(client.base_url))
    expect(page.locator("#simulated")).to_be_visible()
    # groq's minute is used up within seconds, gemini fails, and the others take over
    expect(page.locator("#unavailable")).to_contain_text(re.compile("groq rate limited"))
    expect(page.locator(".card[data-name=gemini] .state .status")).to_have_text("cooldown")
    expect(page.locator("#answering")).to_contain_text(re.compile("openrouter|together|openai"))
    expect(page.locator("#rows tr [data-cell=agent]").first).to_have_text(
        re.compile("trader|researcher|reviewer|support")
    )
    expect(page.locator("#rows")).to_contain_text("gemini: server error after")
    expect(page.locator("#rows")).to_contain_text("skipped: groq rate limited")
    expect(page.locator("#happened")).to_contain_text("gemini cooldown")
    expect(page.locator("#chart canvas")).to_be_visible()
    expect(page.locator("#windows [data-is=left]")).to_have_text(re.compile(r"^1[56][.\d]*M tokens left$"))
    expect(page.locator("#left-guess")).to_contain_text("A guess, by the last hour alone")
    page.close()
    assert command.end(signal.SIGINT)[0] == 0, command.output
