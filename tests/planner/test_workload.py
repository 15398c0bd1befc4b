"""The workload of the file: how it is written, and the requests that come of it."""

from collections import Counter
from datetime import date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from router_config import ConfigError, plan
from router_config.config.loading import load_text
from router_config.config.loads import Load, Spread
from router_config.forecast.workload_hours import midnight
from router_config.planner.assumptions.workload import Arrival, arrivals, per_day

NEW_YORK = ZoneInfo("America/New_York")
PROVIDERS = "providers: {groq: {models: [one, {name: two, groups: [fast]}]}}\naliases: {quick: fast}\n"


def workload(*loads: str) -> tuple[Load, ...]:
    text = "\n".join(f"  - {load}" for load in loads)
    return load_text(f"{PROVIDERS}workload:\n{text}\n", "litellm.yaml", {}).workload


def requests(load: Load, first: date, days: int, seed: int = 1) -> list[Arrival]:
    begins = midnight(first, NEW_YORK)
    return list(arrivals([load], begins, begins + days * 86400, seed))


def test_a_load_is_written_by_rate_size_and_hours() -> None:
    (load,) = workload(
        "{agent: trader, group: quick, requests_per_hour: 120, tokens: {prompt: 500-1500, answer: {p50: 200, p95: 1k}},"
        " hours: mon-fri 09:30-16:00 America/New_York, burst: {requests: 5, over: 1m}, growth: 10%}"
    )
    assert (load.agent, load.group, load.requests_per_hour, load.growth) == ("trader", "quick", 120, 0.1)
    assert (load.prompt.mean, load.prompt.least, load.prompt.most) == (1000, 500, 1500)
    assert [load.answer.at(share) for share in (0.1, 0.5, 0.725, 0.95, 1.0)] == [200, 200, 600, 1000, 1000]
    assert load.answer.mean == pytest.approx(0.5 * 200 + 0.45 * 600 + 0.05 * 1000)
    assert load.hours is not None
    assert (sorted(load.hours.days), load.hours.begins, load.hours.ends) == ([0, 1, 2, 3, 4], 570, 960)
    assert per_day(load)[0] == 120 * 6.5
    (half,) = workload("{tokens_per_day: 1M, tokens: 1500}")
    assert half.mean_tokens == 1500 == 2 * half.prompt.mean
    assert workload("{requests_per_day: 10, hours: 'sat-sun,wed 22:00-02:00'}")[0].hours is not None
    assert load_text(f"{PROVIDERS}workload: []\n", "litellm.yaml", {}).workload == ()


@pytest.mark.parametrize(
    ("load", "place", "told"),
    [
        ("{tokens: 1500}", "4:5", "nothing says how many requests come"),
        ("{requests_per_day: 1, tokens_per_day: 1}", "4:5", "stand together"),
        ("{requests_per_day: none}", "4:24", '"none" is not a number'),
        ("{requests_per_day: 1, tokens: 900-100}", "4:35", "ends before it begins"),
        ("{requests_per_day: 1, tokens: {prompt: 1}}", "4:27", "answer is missing"),
        ("{requests_per_day: 1, tokens: {p50: 9, p90: 3}}", "4:35", "a higher quantile is smaller"),
        ("{requests_per_day: 1, hours: mon-fry 9:00-10:00}", "4:34", "no day of the week"),
        ("{requests_per_day: 1, hours: 9:00-25:00}", "4:34", "no time of day"),
        ("{requests_per_day: 1, hours: 9:00-10:00 Nowhere}", "4:34", "not a timezone"),
        ("{requests_per_day: 1, growth: much}", "4:35", "no growth"),
        ("{requests_per_day: 1, group: fats}", "4:34", "Did you mean fast?"),
        ("{requests_per_day: 1, class: batch}", "4:34", "Write `classes:` first."),
        ("{requests_per_day: 1, tools: true, calls_per_loop: 1}", "4:56", "2 or more"),
        ("{requests_per_day: 1, tools: true, calls_per_loop: 2.5}", "4:56", "not a whole number"),
        ("{requests_per_day: 1, calls_per_loop: 20}", "4:27", "Write tools: true beside it."),
        ("{request_per_day: 1}", "4:6", "Did you mean requests_per_day?"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(load: str, place: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        workload(load)
    assert str(error.value).startswith(f"litellm.yaml:{place}: ")
    assert told in str(error.value)


def test_a_load_is_of_a_class_of_the_file_or_the_error_names_the_nearest() -> None:
    classes = f"{PROVIDERS}classes: {{batch: {{use: leftover}}}}\n"
    text = f"{classes}workload:\n  - {{requests_per_day: 1, class: %s}}\n"
    (load,) = load_text(text % "batch", "litellm.yaml", {}).workload
    assert load.agent_class == "batch"
    with pytest.raises(ConfigError, match=r"litellm.yaml:5:34: .* no class is called \"bach\"\n  Did you mean batch\?"):
        load_text(text % "bach", "litellm.yaml", {})


def test_requests_come_in_the_hours_of_the_zone_on_both_sides_of_a_change_of_clocks() -> None:
    (load,) = workload("{requests_per_hour: 60, hours: mon-fri 09:30-16:00 America/New_York}")
    there = [datetime.fromtimestamp(each.at, NEW_YORK) for each in requests(load, date(2026, 10, 29), 7)]
    assert {moment.date().day for moment in there} == {29, 30, 2, 3, 4}  # The clocks go back on November 1.
    assert all((9, 30) <= (moment.hour, moment.minute) < (16, 0) for moment in there)
    for number in Counter(moment.date() for moment in there).values():
        assert number == pytest.approx(390, rel=0.2)


def test_hours_past_midnight_belong_to_the_day_on_which_they_began() -> None:
    (load,) = workload("{requests_per_day: 400, hours: mon 22:00-02:00 America/New_York}")
    there = [datetime.fromtimestamp(each.at, NEW_YORK) for each in requests(load, date(2026, 11, 23), 7)]
    assert {(moment.weekday(), moment.hour) for moment in there} == {(0, 22), (0, 23), (1, 0), (1, 1)}
    tuesday = [datetime.fromtimestamp(each.at, NEW_YORK) for each in requests(load, date(2026, 11, 24), 1)]
    assert {moment.hour for moment in tuesday} == {0, 1}


def test_what_grows_by_half_a_month_has_grown_so_after_one() -> None:
    (load,) = workload("{requests_per_day: 200, growth: 50%}")
    begins = midnight(date(2026, 3, 1), NEW_YORK)
    each_day = Counter(int((each.at - begins) // 86400) for each in requests(load, date(2026, 3, 1), 61))
    first, later, last = (sum(each_day[day] for day in range(day, day + 5)) for day in (0, 28, 56))
    assert later / first == pytest.approx(1.5, rel=0.15)
    assert last / first == pytest.approx(2.25, rel=0.15)


def test_bursts_keep_the_rate_and_come_close_together() -> None:
    (load,) = workload("{requests_per_day: 2000, burst: {requests: 50-150, over: 2m}}")
    moments = [each.at for each in requests(load, date(2026, 11, 23), 10)]
    assert moments == sorted(moments)
    assert len(moments) == pytest.approx(20_000, rel=0.25)
    assert sum(after - before < 3 for before, after in pairwise(moments)) > 0.9 * len(moments)


def test_sizes_are_spread_as_they_are_written_and_a_seed_repeats_them() -> None:
    load = Load(requests_per_day=5000, prompt=Spread(((0.0, 100), (1.0, 300))), answer=Spread(((0.5, 10), (0.9, 50))))
    seen = requests(load, date(2026, 11, 23), 1)
    assert sum(each.prompt for each in seen) / len(seen) == pytest.approx(load.prompt.mean, rel=0.02)
    assert sum(each.answer for each in seen) / len(seen) == pytest.approx(load.answer.mean, rel=0.05)
    assert seen == requests(load, date(2026, 11, 23), 1)
    assert seen != requests(load, date(2026, 11, 23), 1, seed=2)


def test_a_streamed_answer_holds_its_room_until_its_end() -> None:
    """A second for each 50 tokens, so that of one at a time fewer are served."""
    shared = "providers: {groq: {limits: {parallel: 1}, models: [m]}}\nworkload:\n"
    load = "  - {requests_per_hour: 1000, tokens: {prompt: 10, answer: 1k}, stream: STREAM}\n"
    served = {}
    for stream in ("true", "false"):
        config = load_text(shared + load.replace("STREAM", stream), "litellm.yaml", {"GROQ_API_KEY": "k"})
        made = plan(config, days=1, begins=date(2026, 11, 23), advise=False)
        served[stream] = sum(each.requests for each in made.providers)
    assert served["true"] == pytest.approx(24 * 3600 / (22 + 3.6), rel=0.05)
    assert served["false"] == pytest.approx(24 * 3600 / (2 + 3.6), rel=0.05)


def test_requests_with_tools_go_only_to_models_that_can_use_them() -> None:
    providers = """
providers:
  groq: {limits: {rpd: 100}, models: [{name: a, supports: {tools: false}}, {name: b, limits: {rpd: 30}}]}
  gemini: {limits: {rpd: 40}, day: {window: rolling}, models: [m]}
workload:
  - {agent: plain, requests_per_day: 10, tokens: 100}
  - {agent: tools, requests_per_day: 200, tokens: 100, tools: true}
"""
    config = load_text(providers, "litellm.yaml", {"GROQ_API_KEY": "k", "GEMINI_API_KEY": "k"})
    day = plan(config, days=1, begins=date(2026, 11, 23), advise=False).days[0]
    served = {each.provider: each.requests for each in day.providers}
    plain = day.requests - day.unserved_requests - 30 - 40
    assert served["gemini"] == 40
    assert served["groq"] == 30 + plain
    assert 0 < plain < 30, "only those without tools are served by the model that cannot use them"
