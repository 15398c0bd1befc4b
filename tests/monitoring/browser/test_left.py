"""What is left of today, this week and this month, with how sure the forecast is of when it ends."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from playwright.sync_api import Page, expect
from rig_browser import LOOKS, MakeStage, Sites, findings

import monitoring
from monitoring.documents import StatusDocument

EXPECTED = {"tokens": 1_000_000, "requests": 700, "cost_usd": 0.4}


class Foreseen:
    """A Router of whose capacity a forecast is told."""

    def __init__(self, router: Any, capacity: dict[str, Any]) -> None:
        self._router, self._capacity = router, capacity

    def __getattr__(self, name: str) -> Any:
        return getattr(self._router, name)

    async def astatus(self) -> dict[str, Any]:
        status: dict[str, Any] = await self._router.astatus()
        now = datetime.fromisoformat(status["generated_at"])
        status["capacity"] |= moments(self._capacity, now)
        StatusDocument.model_validate(status)
        return status


def moments(value: Any, now: datetime) -> Any:
    """Hours from now, written as `+3`, as moments."""
    if isinstance(value, dict):
        return {name: moments(each, now) for name, each in value.items()}
    if isinstance(value, str) and value.startswith("+"):
        return (now + timedelta(hours=float(value))).isoformat().replace("+00:00", "Z")
    return value


def window(p10: str | None, p50: str | None, p90: str | None, ends: str | None, **more: Any) -> dict[str, Any]:
    expected = {name: {"p10": round(0.8 * x, 2), "p50": x, "p90": 1.5 * x} for name, x in EXPECTED.items()}
    return {
        "tokens_remaining": 2_000_000,
        "requests_remaining": 1400,
        "unlimited": [],
        "exhausted_at": p50,
        "binding": "gemini tpd" if p50 else None,
        "ends_at": ends,
        "exhausted": {"p10": p10, "p50": p50, "p90": p90},
        "expected": expected,
        **more,
    }


@pytest.fixture
def foreseen(stage: MakeStage, sites: Sites, page: Page) -> Any:
    """Shows the page of a forecast."""

    def show(windows: dict[str, Any], basis: str = "profile") -> None:
        router = stage().router
        windows = {name: {**added, **each} for name, each in windows.items() for added in [extra(router)]}
        app = FastAPI()
        app.include_router(monitoring.router_for(Foreseen(router, {"basis": basis, "windows": windows})))
        page.goto(sites(app).url)
        expect(page.locator("#live")).to_have_text("live")

    return show


def extra(router: Any) -> dict[str, Any]:
    """What else a window has."""
    return {name: each for name, each in router.status()["capacity"]["windows"]["day"].items() if name == "running_out"}


def test_each_window_that_exists_has_its_band(foreseen: Any, page: Page) -> None:
    foreseen(
        {
            "day": window("+2", "+4", "+8", "+10"),
            "week": window("+40", None, None, "+80", unlimited=["openai"]),
            "month": window(None, None, None, None, tokens_remaining=None),
        }
    )
    items = page.locator(".window")
    expect(items.locator("[data-is=title]")).to_have_text(["Today", "This week", "The next 30 days"])
    expect(items.locator("[data-is=left]")).to_have_text(["2M tokens left", "2M tokens left", "1,400 requests left"])
    expect(items.nth(0).locator("[data-is=ends]")).to_contain_text("ends in 4 h, at ")
    expect(items.nth(0).locator("[data-is=between]")).to_contain_text("between ")
    expect(items.nth(0).locator("[data-is=expected]")).to_contain_text(
        "1M tokens (800K to 1.5M) and $0.40 expected until "
    )
    expect(items.nth(0).locator("[data-is=binding]")).to_have_text("gemini, tokens a day")
    expect(items.nth(1).locator("[data-is=ends]")).to_have_text("lasts most likely")
    expect(items.nth(1).locator("[data-is=between]")).to_contain_text("not before ")
    expect(items.nth(1).locator("[data-is=besides]")).to_contain_text("not counted: openai, without such a limit")
    expect(items.nth(2).locator("[data-is=ends]")).to_have_text("lasts")
    expect(page.locator("#left-guess")).to_be_hidden()
    widths = (
        items.nth(0)
        .locator(".band i")
        .evaluate_all("(all) => all.map((each) => Math.round(parseFloat(each.style.width)))")
    )
    assert widths == [20, 60, 20]
    for size, scheme in LOOKS:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        assert findings(page) == [], (size, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]


def test_a_forecast_by_the_last_hour_is_marked_as_a_guess_and_has_no_band(foreseen: Any, page: Page) -> None:
    foreseen({"day": window("+4", "+4", "+4", "+10")}, basis="last_hour")
    expect(page.locator("#left-guess")).to_contain_text("A guess, by the last hour alone")
    expect(page.locator(".window [data-is=between]")).to_have_text("")
    expect(page.locator(".window [data-is=expected]")).to_contain_text("at the pace of the last hour until ")


def test_an_older_status_without_a_band_is_shown_by_its_one_moment(stage: MakeStage, sites: Sites, page: Page) -> None:
    """As with a source of an app's own, or during an upgrade: the page is new, and who answers it is not."""
    app = FastAPI()
    app.include_router(monitoring.router_for(Older(stage().router)))
    page.goto(sites(app).url)
    expect(page.locator(".window [data-is=ends]")).to_contain_text("ends in 3 h")
    expect(page.locator("#day tr")).to_have_count(5)


class Older:
    """A Router whose status is as it was before there was a forecast."""

    def __init__(self, router: Any) -> None:
        self._router = router

    def __getattr__(self, name: str) -> Any:
        return getattr(self._router, name)

    async def astatus(self) -> dict[str, Any]:
        status: dict[str, Any] = await self._router.astatus()
        capacity: dict[str, Any] = status["capacity"]
        for name in ("basis", "history_days", "providers"):
            capacity.pop(name, None)
        moment = moments("+3", datetime.fromisoformat(status["generated_at"]))
        day: dict[str, Any] = {
            "tokens_remaining": 5000,
            "requests_remaining": None,
            "unlimited": [],
            "binding": "groq tpd",
        }
        capacity["windows"] = {"day": {**day, "exhausted_at": moment}}
        return status
