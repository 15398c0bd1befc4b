"""What a model counts is learned from its answers: never below what it charges, not far above, shared by processes."""

import random
from math import ceil

import pytest
from rig_ledger import run

from router_config.ledger.interfaces import Store
from router_config.ledger.rules.calibration import FRAME, POINTS_KEPT, Curve, curve_of, curve_text, merged


def learned(added: float, factor: float, sizes: list[int], kind: str = "prose") -> Curve:
    curve = Curve()
    for place, size in enumerate(sizes):
        counted = round(added + factor * size)
        curve.learn(kind, size, counted, 1000.0 + place)  # type: ignore[arg-type]
    return curve


@pytest.mark.parametrize("factor", [0.4, 0.6, 1.0, 1.6])
@pytest.mark.parametrize("added", [0, 20, 80, 300])
def test_after_a_handful_of_answers_nothing_is_below_the_truth_or_far_above(added: int, factor: float) -> None:
    curve = learned(added, factor, [9, 40, 9, 40, 9])
    for size in (9, 40):
        assert curve.tokens("prose", size) in (round(added + factor * size), round(added + factor * size) + 1)
    for size in (1, 5, 12, 20, 30, 39, 60, 100, 400):
        truth = added + factor * size
        assert truth <= curve.tokens("prose", size, 10_000) + 1, size
        assert curve.tokens("prose", size, 10_000) <= 2 * truth + 16, size


@pytest.mark.parametrize("factor", [0.6, 1.0, 1.6])
@pytest.mark.parametrize("added", [0, 1, 20, 300])
def test_a_short_prompt_says_little_of_a_long_one_whose_frame_the_model_does_not_count(
    added: int, factor: float
) -> None:
    def truth(size: int) -> int:
        return added + ceil(factor * (size - FRAME))

    for short in (8, 9, 12, 20):
        curve = Curve()
        curve.learn("prose", short, truth(short), 1000.0)
        for long in (30, 47, 100, 1000):
            assert curve.tokens("prose", long) >= truth(long), (short, long)


def test_every_size_seen_stays_above_the_truth_that_varies() -> None:
    chance, curve, below = random.Random(3), Curve(), 0
    for number in range(3000):
        size = chance.randint(5, 2000)
        counted = round(30 + size * chance.uniform(0.8, 1.1))
        expected = curve.tokens("prose", size)
        below += number > 300 and expected < counted
        assert number < 300 or expected < 1.6 * counted + 30
        curve.learn("prose", size, counted, float(number))
    assert below < 0.05 * 2700


def test_a_model_that_counts_less_than_before_is_followed_down() -> None:
    curve = learned(300, 1.0, [50])
    for number in range(60):
        curve.learn("prose", 50, 60, 2000.0 + number)
    assert curve.tokens("prose", 50) <= 61
    assert curve.error < 1.0


def test_before_the_first_answer_it_is_cautious_only_as_far_as_it_may() -> None:
    assert Curve().tokens("prose", 10) == 10
    assert Curve().tokens("prose", 10, cautious=5) == 10
    assert Curve().tokens("prose", 10, cautious=200) == 200
    assert Curve().tokens("prose", 10, cautious=10_000) == 272
    assert Curve(silent=1).tokens("prose", 10, cautious=200) == 10


def test_another_kind_of_text_takes_over_what_is_added_to_each_request() -> None:
    curve = learned(80, 1.0, [10, 40])
    assert 80 + 100 <= curve.tokens("dense", 100) <= 90 + 160


def test_one_long_prompt_says_nothing_of_short_ones() -> None:
    curve = learned(0, 0.9, [4000])
    assert curve.tokens("prose", 10) == 10
    assert curve.tokens("prose", 10, cautious=10_000) == 272
    assert curve.tokens("code", 10) == 16
    assert learned(300, 0.9, [1000]).tokens("prose", 10) >= 200


def test_absurd_reports_and_endless_sizes_keep_a_curve_small() -> None:
    curve = Curve()
    for size in range(1, 100_000, 97):
        curve.learn("code", size, 10**9, float(size))
    assert len(curve.points["code"]) <= POINTS_KEPT
    assert curve.tokens("code", 100) < 40_000
    assert len(curve_text(curve)) < 4000


def test_a_text_gives_the_same_curve_and_nonsense_an_empty_one() -> None:
    curve = learned(20, 0.6, [9, 40, 300])
    assert curve_of(curve_text(curve)).points == curve.points
    for text in ("", "{}", "[1]", "null", '[1,2,3,{"prose":[["a"]]}]', "[1,2,3,[4]]"):
        assert curve_of(text) == Curve()


def test_of_two_processes_the_later_word_counts() -> None:
    early, late = Curve(), Curve()
    early.learn("prose", 9, 400, 1.0)
    early.learn("prose", 40, 60, 3.0)
    late.learn("prose", 9, 29, 2.0)
    for one, other in ((early, late), (late, early)):
        both = curve_of(merged(curve_text(one), curve_text(other)))
        assert (both.tokens("prose", 9), both.tokens("prose", 40)) == (29, 60)


def test_every_store_keeps_what_processes_learned(store: Store) -> None:
    curve = learned(20, 1.0, [9, 40])
    assert run(store.learn({})) == {}
    assert run(store.learn({"groq/one": curve_text(curve)})) == {"groq/one": curve_text(curve)}
    later = Curve()
    later.learn("prose", 9, 35, 5000.0)
    known = run(store.learn({"groq/one": curve_text(later), "gemini/two": curve_text(later)}))
    assert curve_of(known["groq/one"]).tokens("prose", 9) == 35
    assert curve_of(known["groq/one"]).tokens("prose", 40) == 60
    assert run(store.learn({})) == known
