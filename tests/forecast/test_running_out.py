"""Warnings before room ends: told once, taken back when it lasts, and never to and fro."""

from math import inf

from router_config.forecast.exhaustion import Ends
from router_config.forecast.running_out import Prospect, Watched, holding, news
from router_config.ledger.rules.history import Event, is_news

NOW = 1_795_435_200.0
HOUR = 3600.0
DAY, WEEK = Watched("groq", "tpd"), Watched("groq", "tpw")
EARLY = Ends(NOW + 2 * HOUR, NOW + 4 * HOUR, NOW + 6 * HOUR)
PERHAPS = Ends(NOW + 2 * HOUR, None, None)
LASTS = Ends()


def prospect(ends: Ends, ends_at: float | None = NOW + 9 * HOUR) -> Prospect:
    return Prospect(ends, ends_at, "told")


def heard(prospects: dict[Watched, Prospect], events: list[Event], now: float = NOW) -> list[tuple[str, str]]:
    """What is told beside these events; they are kept among them."""
    told = news(prospects, holding(events, now), now)
    events += told
    return [(each.kind, each.reason) for each in told]


def test_what_ends_before_its_window_is_told_once() -> None:
    events: list[Event] = []
    assert heard({DAY: prospect(EARLY)}, events) == [("running_out", "tpd: told")]
    assert heard({DAY: prospect(EARLY)}, events) == []
    assert events[0].until == NOW + 9 * HOUR


def test_it_is_taken_back_when_even_the_early_edge_lasts() -> None:
    events: list[Event] = []
    heard({DAY: prospect(EARLY)}, events)
    assert heard({DAY: prospect(PERHAPS)}, events) == [], "it may still end too early"
    assert heard({DAY: prospect(LASTS)}, events) == [("lasts_again", "tpd: told")]
    assert heard({DAY: prospect(LASTS)}, events) == []
    assert heard({DAY: prospect(PERHAPS)}, events) == [], "it is more likely to last"
    assert heard({DAY: prospect(EARLY)}, events) == [("running_out", "tpd: told")]


def test_a_window_that_ends_takes_its_warning_with_it() -> None:
    events: list[Event] = []
    heard({DAY: prospect(EARLY)}, events)
    assert holding(events, NOW + 8 * HOUR) == {DAY}
    assert holding(events, NOW + 9 * HOUR) == set()


def test_a_rolling_window_is_warned_of_until_it_lasts() -> None:
    events: list[Event] = []
    heard({DAY: prospect(EARLY, None)}, events)
    assert (events[0].until, holding(events, NOW + 99 * HOUR)) == (inf, {DAY})


def test_what_is_used_up_already_is_no_warning() -> None:
    assert heard({DAY: prospect(Ends(NOW, NOW, NOW))}, []) == []


def test_day_and_week_of_a_provider_are_told_one_after_the_other() -> None:
    events: list[Event] = []
    both = {DAY: prospect(EARLY), WEEK: prospect(EARLY)}
    assert heard(both, events) == [("running_out", "tpd: told")]
    later = news(both, holding(events, NOW + 300), NOW + 300)
    assert [each.reason for each in later] == ["tpw: told"]
    assert is_news(later[0], events), "a store keeps the second one"


def test_of_two_processes_that_tell_the_same_one_is_kept() -> None:
    one = news({DAY: prospect(EARLY)}, set(), NOW)
    other = news({DAY: Prospect(EARLY, NOW + 9 * HOUR, "a minute later")}, set(), NOW + 60)
    assert not is_news(other[0], one)
