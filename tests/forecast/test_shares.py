"""Which share of what reaches a provider it takes, from what each took in the same hours."""

import pytest

from router_config.forecast.shares import shares
from router_config.ledger.values import Usage


def used(*tokens: int) -> dict[int, Usage]:
    return {hour: Usage(1, each) for hour, each in enumerate(tokens)}


def test_who_is_asked_first_takes_all_while_it_has_room() -> None:
    slots = {"groq": used(100, 100, 0), "gemini": used(0, 0, 500)}
    assert shares(slots, ["groq", "gemini"], 0) == {"groq": 1.0, "gemini": 1.0}


def test_who_shares_the_load_takes_its_part() -> None:
    slots = {"groq": used(30, 60), "gemini": used(70, 140)}
    assert shares(slots, ["groq", "gemini"], 0) == {"groq": pytest.approx(0.3), "gemini": 1.0}


def test_who_was_never_asked_would_take_all() -> None:
    assert shares({}, ["groq"], 0) == {"groq": 1.0}


def test_hours_long_ago_say_nothing() -> None:
    slots = {"groq": used(10, 100), "gemini": used(90, 0)}
    assert shares(slots, ["groq", "gemini"], 1)["groq"] == 1.0
