"""What a provider reports of its limits corrects our count: remaining = min(ours, theirs), minus what is in flight."""

from rig_ledger import START, Place, run, taken

from router_config.ledger.interfaces import Store
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.meters import Amount, Limit
from router_config.ledger.rules.reported_limits import Report
from router_config.ledger.rules.windows import CalendarMonth
from router_config.ledger.values import Lease, Settlement

HUNDRED = Place("groq", (Limit("rpd", 100),))


def told(
    store: Store,
    lease: Lease,
    remaining: float | None,
    *,
    at: float = START,
    limit: float | None = 100,
    refills: bool = False,
    reset_after: float | None = 3600,
) -> None:
    """The answer to `lease` comes in, and says what is left of the requests of the day."""
    report = Report("account:groq", "rpd", limit, remaining, reset_after, refills)
    run(store.settle(lease, Settlement(Amount(1, 1), at, at, alive=True, reports=(report,)), at))


def lease_of(store: Store, place: Place = HUNDRED, at: float = START) -> Lease:
    lease = taken(store, place, at=at)
    assert lease is not None
    return lease


def room(store: Store, place: Place = HUNDRED, at: float = START) -> float:
    (found,) = run(store.rooms([place], Need(1, 1), at))
    return found


def test_what_others_have_used_of_the_same_key_is_not_there_for_us(store: Store) -> None:
    told(store, lease_of(store), remaining=49)
    assert room(store) == 49


def test_a_provider_that_counts_as_we_do_takes_nothing_away(store: Store) -> None:
    for left in (99, 98, 97):
        told(store, lease_of(store), remaining=left)
        assert room(store) == left


def test_a_provider_that_has_forgotten_more_than_we_have_gives_nothing_back(store: Store) -> None:
    for _ in range(10):
        told(store, lease_of(store), remaining=100)
    assert room(store) == 90


def test_what_is_in_flight_is_counted_once_although_the_provider_counts_it_too(store: Store) -> None:
    leases = [lease_of(store, at=START + number / 100) for number in range(10)]
    for lease in leases:  # All ten had arrived before the first was answered.
        told(store, lease, remaining=90, at=START + 1)
    assert room(store, at=START + 1) == 90


def test_answers_in_another_order_than_their_requests_come_to_the_same(store: Store) -> None:
    leases = [lease_of(store, at=START + number / 100) for number in range(10)]
    for lease in reversed(leases):
        told(store, lease, remaining=40, at=START + 1)
    assert room(store, at=START + 1) == 40


def test_what_was_in_flight_keeps_its_room_when_its_own_answer_says_less(store: Store) -> None:
    """The provider may have counted the ten in another order than they left, and answered in a third."""
    leases = [lease_of(store, at=START + number / 100) for number in range(10)]
    counted = [5, 9, 1, 10, 3, 2, 7, 4, 6, 8]
    for lease, place in zip(leases, counted, strict=True):
        told(store, lease, remaining=50 - place, at=START + 1)
    assert room(store, at=START + 1) == 40


def test_while_requests_overlap_the_usage_of_others_is_never_thought_less(store: Store) -> None:
    told(store, lease_of(store), remaining=49)
    running = lease_of(store, at=START + 1)
    for number in range(5):
        told(store, lease_of(store, at=START + 2 + number), remaining=90, at=START + 2.5 + number)
    assert room(store, at=START + 10) == 43
    told(store, running, remaining=90, at=START + 11)
    assert room(store, at=START + 11) == 43
    told(store, lease_of(store, at=START + 12), remaining=90, at=START + 13)
    assert room(store, at=START + 13) == 90


def test_a_late_answer_never_makes_more_room(store: Store) -> None:
    early, late = lease_of(store), lease_of(store, at=START + 1)
    told(store, late, remaining=10, at=START + 2)
    told(store, early, remaining=98, at=START + 3)
    assert room(store, at=START + 3) == 10


def test_a_late_answer_that_leaves_less_room_is_believed(store: Store) -> None:
    early, late = lease_of(store), lease_of(store, at=START + 1)
    told(store, late, remaining=98, at=START + 2)
    told(store, early, remaining=10, at=START + 3)
    assert room(store, at=START + 3) == 10


def test_a_later_answer_that_leaves_more_room_is_believed(store: Store) -> None:
    told(store, lease_of(store), remaining=10)
    told(store, lease_of(store, at=START + 1), remaining=60, at=START + 2)
    assert room(store, at=START + 2) == 60


def test_usage_of_others_ends_with_the_window(store: Store) -> None:
    told(store, lease_of(store), remaining=49, reset_after=60)
    assert room(store, at=START + 59) == 49
    assert room(store, at=START + 61) == 99


def test_usage_of_others_in_a_token_bucket_leaves_it_evenly(store: Store) -> None:
    told(store, lease_of(store), remaining=49, refills=True)
    assert room(store) == 49
    assert room(store, at=START + 864 * 10) == 59
    assert room(store, at=START + 864 * 50) == 99


def test_it_is_said_when_a_token_bucket_holds_enough_again(store: Store) -> None:
    told(store, lease_of(store), remaining=0, refills=True)
    (found,) = run(store.explain([HUNDRED], Need(1, 1), START))
    assert found.until is not None
    assert abs(found.until - START - 864) < 1
    assert taken(store, HUNDRED, at=found.until - 5) is None
    assert taken(store, HUNDRED, at=found.until + 0.1)


def test_a_limit_higher_than_configured_changes_nothing_and_its_users_are_not_ours(store: Store) -> None:
    told(store, lease_of(store), limit=1000, remaining=400)
    assert room(store) == 99
    told(store, lease_of(store), limit=1000, remaining=30)
    assert room(store) == 30


def test_a_limit_lower_than_configured_is_learned_and_forgotten_after_a_day_without_word(store: Store) -> None:
    told(store, lease_of(store), limit=20, remaining=19)
    assert room(store) == 19
    assert room(store, at=START + 2 * 86400) == 100


def test_a_limit_that_nobody_configured_is_learned(store: Store) -> None:
    place = Place("groq")
    told(store, lease_of(store, place), limit=20, remaining=4)
    assert room(store, place) == 4


def test_a_report_without_a_limit_is_of_the_configured_one(store: Store) -> None:
    told(store, lease_of(store), limit=None, remaining=30)
    assert room(store) == 30


def test_a_report_without_a_remainder_is_of_the_limit_alone(store: Store) -> None:
    told(store, lease_of(store), limit=50, remaining=None)
    assert room(store) == 49


def told_of(store: Store, name: str, remaining: float, *, at: float = START, reset_after: float | None = 1800) -> None:
    """An answer says what is left of ten in a window that no limit of ours is about."""
    lease = lease_of(store, at=at)
    report = Report("account:groq", name, 10, remaining, reset_after)
    run(store.settle(lease, Settlement(Amount(1, 1), at, at, alive=True, reports=(report,)), at))


def test_a_window_that_nobody_counts_by_is_as_the_provider_last_counted_it(store: Store) -> None:
    told_of(store, "rph", remaining=4)
    assert room(store) == 4
    open_one = lease_of(store, at=START + 1)
    assert room(store, at=START + 1) == 3
    told(store, open_one, remaining=90, at=START + 2)
    told_of(store, "rph", remaining=2, at=START + 3)
    assert room(store, at=START + 3) == 2
    told_of(store, "rph", remaining=9, at=START + 4)  # Its window has turned.
    assert room(store, at=START + 4) == 9
    assert room(store, at=START + 1805) == 10


def test_such_a_window_that_is_used_up_closes_its_place_until_it_ends(store: Store) -> None:
    told_of(store, "rph", remaining=0)
    assert taken(store, HUNDRED, at=START + 1799) is None
    (examined,) = run(store.explain([HUNDRED], Need(1, 1), START + 1))
    assert examined.until == START + 1800
    assert taken(store, HUNDRED, at=START + 1801) is not None


def test_no_report_closes_a_place_for_longer_than_a_day(store: Store) -> None:
    told_of(store, "tpmo", remaining=0, reset_after=30 * 86400)
    assert taken(store, HUNDRED, at=START + 86399) is None
    assert taken(store, HUNDRED, at=START + 86401) is not None


def test_no_report_of_a_month_that_we_count_by_is_believed_for_longer_than_a_day(store: Store) -> None:
    ours = Place("groq", (Limit("rpd", 100),), more=((CalendarMonth("UTC"), (Limit("rpmo", 10),)),))
    lease = lease_of(store, ours)
    report = Report(ours.meters[2].scope, "rpmo", 10, 0, 30 * 86400)
    run(store.settle(lease, Settlement(Amount(1, 1), START, START, alive=True, reports=(report,)), START))
    assert taken(store, ours, at=START + 89999) is None
    assert taken(store, ours, at=START + 90001) is not None


def test_of_input_tokens_that_nobody_counts_only_their_end_is_known(store: Store) -> None:
    told_of(store, "itpm", remaining=1, reset_after=30)
    assert room(store) == 99
    told_of(store, "itpm", remaining=0, reset_after=30, at=START + 1)
    assert taken(store, HUNDRED, at=START + 30) is None
    assert taken(store, HUNDRED, at=START + 32) is not None
