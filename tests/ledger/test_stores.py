"""What every store does, one suite for all of them."""

import pytest
from rig_ledger import START, Place, reserve, run, spend, taken, used

from router_config.ledger.interfaces import Store
from router_config.ledger.rules.gates import Cooldown, Need
from router_config.ledger.rules.meters import NOTHING, Amount, Limit
from router_config.ledger.rules.reported_limits import Report
from router_config.ledger.rules.windows import CalendarDay
from router_config.ledger.values import Outcome, Settlement

GROQ = Place("groq", (Limit("rpm", 3), Limit("tpd", 1000, soft=950)))
GEMINI = Place("gemini", (Limit("rpm", 5),))
OPENAI = Place("openai", tier="paid")


def test_the_first_candidate_serves_until_a_window_is_full_then_the_next(store: Store) -> None:
    leases = [taken(store, GROQ, GEMINI) for _ in range(9)]
    assert [lease and lease.deployment for lease in leases] == ["groq"] * 3 + ["gemini"] * 5 + [None]


def test_a_lease_counts_in_full_while_it_is_open_however_long(store: Store) -> None:
    for _ in range(3):
        assert taken(store, GROQ)
    assert taken(store, GROQ, at=START + 300) is None


def test_a_settled_request_leaves_the_minute_sixty_seconds_after_it_arrived(store: Store) -> None:
    for _ in range(3):
        lease = taken(store, GROQ)
        assert lease
        spend(store, lease, tokens=1, at=START + 2)
    assert taken(store, GROQ, at=START + 61.9) is None
    assert taken(store, GROQ, at=START + 62.6)


def test_settlement_gives_back_what_was_not_used_and_a_second_one_changes_nothing(store: Store) -> None:
    lease = taken(store, GROQ, tokens=900)
    assert lease
    assert taken(store, GROQ, tokens=200) is None
    spend(store, lease, tokens=50)
    spend(store, lease, tokens=50)
    assert used(store, GROQ) == (NOTHING, Amount(1, 50))
    assert taken(store, GROQ, tokens=200)


def test_a_request_that_never_reached_the_provider_is_not_counted(store: Store) -> None:
    lease = taken(store, GROQ)
    assert lease
    run(store.settle(lease, Settlement(None, START, START), START))
    assert used(store, GROQ) == (NOTHING, NOTHING)


def test_an_idle_deployment_takes_a_request_whose_estimate_is_larger_than_its_limit(store: Store) -> None:
    small = Place("small", (Limit("tpm", 5000),))
    lease = taken(store, small, tokens=20_000, prompt=4000, most=40_000)
    assert lease
    assert lease.amount.tokens == 5000


@pytest.mark.parametrize(("prompt", "most"), [(15_000, 40_000), (4000, 0)], ids=["the prompt", "max_tokens"])
def test_a_request_that_no_idle_window_can_hold_is_skipped(store: Store, prompt: int, most: int) -> None:
    small = Place("small", (Limit("tpm", 5000),))
    choice, lease = reserve(store, small, GEMINI, tokens=20_000, prompt=prompt, most=most)
    assert lease
    assert lease.deployment == "gemini"
    assert [(skipped.deployment, skipped.status) for skipped in choice.skipped] == [("small", "too_large")]


def test_exactly_five_of_fifty_requests_of_a_thousand_tokens_fit_five_thousand_a_minute(store: Store) -> None:
    small = Place("small", (Limit("tpm", 5000),))
    assert sum(taken(store, small, tokens=1000) is not None for _ in range(50)) == 5


def test_no_dollar_limit_is_passed_and_zero_dollars_means_never(store: Store) -> None:
    paid = Place("paid", (Limit("usd_per_day", 1.0),), "paid", price=0.001)
    lease = taken(store, paid, tokens=600)
    assert lease
    assert taken(store, paid, tokens=600) is None
    spend(store, lease, tokens=300, usd=0.3)
    assert taken(store, paid, tokens=600)
    assert taken(store, Place("never", (Limit("usd_per_day", 0),), "paid", price=0.001)) is None


def test_past_its_soft_limit_a_deployment_goes_behind_the_next_but_a_free_one_not_behind_a_paid_one(
    store: Store,
) -> None:
    lease = taken(store, GROQ, tokens=950)
    assert lease
    spend(store, lease, tokens=950)
    assert (found := taken(store, GROQ, GEMINI, OPENAI, tokens=10))
    assert found.deployment == "gemini"
    assert (found := taken(store, GROQ, OPENAI, tokens=10))
    assert found.deployment == "groq"


def test_a_calendar_day_is_free_again_after_midnight(store: Store) -> None:
    gemini = Place("gemini", (Limit("rpd", 1),), day=CalendarDay("America/Los_Angeles"))
    lease = taken(store, gemini)
    assert lease
    spend(store, lease)
    midnight = START + 20 * 3600  # START is 04:00 in California.
    assert taken(store, gemini, at=midnight - 1) is None
    assert taken(store, gemini, at=midnight)


def test_a_lease_whose_owner_died_is_counted_as_spent_when_it_expires(store: Store) -> None:
    assert taken(store, GROQ, tokens=700)
    assert taken(store, GROQ, tokens=700, at=START + 599) is None
    assert taken(store, GROQ, tokens=10, at=START + 601)
    assert used(store, GROQ, START + 601)[1] == Amount(1, 700)


def test_a_renewed_lease_stays_open(store: Store) -> None:
    lease = taken(store, GROQ, tokens=700)
    assert lease
    run(store.renew(lease, START + 2000))
    assert taken(store, GROQ, tokens=10, at=START + 601)
    assert used(store, GROQ, START + 601)[0] == Amount(2, 710)


COOLDOWN = Cooldown("provider:groq", "cooldown", "timed out", START, START + 300, probes=True)


def test_after_a_cooldown_one_request_probes_and_the_others_keep_away(store: Store) -> None:
    run(store.begin_cooldown(COOLDOWN))
    assert taken(store, GROQ, at=START + 299) is None
    probe = taken(store, GROQ, at=START + 300)
    assert probe
    assert taken(store, GROQ, at=START + 301) is None
    spend(store, probe, at=START + 302)
    assert taken(store, GROQ, at=START + 302)


def test_a_failed_probe_begins_another_cooldown(store: Store) -> None:
    run(store.begin_cooldown(COOLDOWN))
    probe = taken(store, GROQ, at=START + 300)
    assert probe
    again = COOLDOWN._replace(since=START + 301, until=START + 601)
    run(store.settle(probe, Settlement(Amount(1), START + 301, START + 301, False, (again,)), START + 301))
    assert taken(store, GROQ, at=START + 600) is None
    assert taken(store, GROQ, at=START + 601)


@pytest.mark.parametrize("ended", ["nobody can tell", "its owner died"])
def test_a_probe_that_ended_without_a_result_makes_way_for_the_next(store: Store, ended: str) -> None:
    run(store.begin_cooldown(COOLDOWN))
    probe = taken(store, GROQ, at=START + 300)
    assert probe
    if ended == "nobody can tell":
        run(store.settle(probe, Settlement(None, START + 301, START + 301), START + 301))
        assert taken(store, GROQ, at=START + 301)
    else:
        assert taken(store, GROQ, at=START + 359) is None
        assert taken(store, GROQ, at=START + 361), "long before its lease ends"


def test_a_probe_that_takes_long_heals_although_another_has_taken_its_place(store: Store) -> None:
    run(store.begin_cooldown(COOLDOWN))
    first, second = taken(store, GROQ, at=START + 300), taken(store, GROQ, at=START + 361)
    assert first
    assert second
    assert second.probes
    run(store.settle(first, Settlement(Amount(1), START + 301, START + 390, True), START + 390))
    assert taken(store, GROQ, at=START + 391)
    run(store.settle(second, Settlement(Amount(1), START + 362, START + 392, True), START + 392))
    assert taken(store, GROQ, at=START + 393)


def test_a_rest_without_probe_is_simply_over(store: Store) -> None:
    run(store.begin_cooldown(Cooldown("model:groq", "rate_limited", "rpm", START, START + 12)))
    assert taken(store, GROQ, at=START + 11) is None
    assert taken(store, GROQ, at=START + 12)
    assert taken(store, GROQ, at=START + 12)


def test_a_later_shorter_rest_does_not_shorten_a_longer_one(store: Store) -> None:
    lease = taken(store, GROQ)
    assert lease
    run(store.begin_cooldown(Cooldown("model:groq", "exhausted", "tpd", START, START + 1000)))
    short = Cooldown("model:groq", "rate_limited", "rpm", START + 1, START + 12)
    run(store.settle(lease, Settlement(Amount(1), START, START, True, (short,)), START + 1))
    assert taken(store, GROQ, at=START + 500) is None


def test_waking_a_scope_ends_its_rest(store: Store) -> None:
    run(store.begin_cooldown(Cooldown("key:groq", "disabled", "bad key", START, float("inf"))))
    assert taken(store, GROQ) is None
    run(store.end_cooldown("key:groq"))
    assert taken(store, GROQ)


def test_what_the_provider_reports_counts_when_it_leaves_less_room(store: Store) -> None:
    lease = taken(store, GROQ)
    assert lease
    report = Report("account:groq", "rpm", limit=3, remaining=0, reset_after=30)
    run(store.settle(lease, Settlement(Amount(1, 10), START, START, True, reports=(report,)), START))
    assert taken(store, GROQ, at=START + 29) is None
    assert taken(store, GROQ, at=START + 31)


def test_a_late_response_never_raises_a_remaining_count(store: Store) -> None:
    early, late = taken(store, GROQ), taken(store, GROQ, at=START + 1)
    assert early
    assert late
    for lease, remaining, at in ((late, 0, START + 2), (early, 2, START + 3)):
        report = Report("account:groq", "rpm", limit=3, remaining=remaining, reset_after=60)
        run(store.settle(lease, Settlement(Amount(1, 1), at, at, True, reports=(report,)), at))
    assert taken(store, GROQ, at=START + 4) is None


def test_a_limit_lower_than_configured_is_learned(store: Store) -> None:
    lease = taken(store, GEMINI)
    assert lease
    report = Report("account:gemini", "rpm", limit=2, remaining=1, reset_after=60)
    run(store.settle(lease, Settlement(Amount(1), START, START, True, reports=(report,)), START))
    assert taken(store, GEMINI, at=START + 1)
    assert taken(store, GEMINI, at=START + 1) is None


def test_examining_says_which_limit_blocks_with_its_numbers_and_when_it_clears_and_changes_nothing(
    store: Store,
) -> None:
    for _ in range(3):
        lease = taken(store, GROQ, tokens=10)
        assert lease
        spend(store, lease, tokens=10)
    before = used(store, GROQ)
    (found,) = run(store.explain([GROQ], Need(100, 10), START + 1))
    assert found.status == "rate_limited"
    gate = found.blocking
    assert gate
    assert (gate.limit, gate.used, gate.reserved, gate.needed, gate.value) == ("rpm", 3, 0, 1, 3)
    assert gate.clears_at == START + 60.5
    assert taken(store, GROQ, at=gate.clears_at - 0.01) is None
    assert used(store, GROQ) == before
    assert taken(store, GROQ, at=gate.clears_at)


def test_history_sums_requests_tokens_errors_and_keeps_latencies_and_the_last_error(store: Store) -> None:
    for seconds, error in ((0.1, None), (0.3, None), (1.0, "timeout")):
        lease = taken(store, GROQ, tokens=10)
        assert lease
        outcome = Outcome("groq", "llama", seconds, error, "no answer" if error else "")
        run(store.settle(lease, Settlement(Amount(1, 10), START, START, outcome=outcome), START))
    snapshot = run(store.snapshot(GROQ.meters, {"groq": START - 1}, START))
    usage = snapshot.usage["groq"]
    assert (usage.requests, usage.tokens, usage.errors) == (3, 30, 1)
    assert sorted(usage.latencies) == [100, 300]
    assert snapshot.last_errors["groq"].kind == "timeout"
    assert snapshot.burn == {"groq": 30}
    later = run(store.snapshot(GROQ.meters, {"groq": START + 7200}, START + 7200))
    assert later.usage["groq"].requests == 0
