"""What is kept for a class of agents, in every store: to the request, of every window, and released in time."""

import multiprocessing
from pathlib import Path
from random import Random

import pytest
from rig_ledger import START, Place, Seen, reserve, run
from rig_redis import RedisServer

from router_config.ledger.interfaces import Store
from router_config.ledger.opening import open_store
from router_config.ledger.rules.classes.keeps import Release
from router_config.ledger.rules.gates import Need, Status
from router_config.ledger.rules.meters import Amount, Limit
from router_config.ledger.rules.pacing import Expected
from router_config.ledger.rules.windows import CalendarDay
from router_config.ledger.values import Settlement

RESERVES = (("trader", 0.3),)
HOUR = 3600.0
MIDNIGHT = START + 12 * HOUR


def views(place: Place, release: Release = HOUR, share: float = 1.0, *, leftover: bool = False) -> tuple[Seen, Seen]:
    """A place as the trader and as others see it."""
    return Seen(place, "trader", RESERVES, release=release), Seen(place, "others", RESERVES, share, release, leftover)


def taken(store: Store, place: Seen, times: int, tokens: int = 100, at: float = START) -> int:
    """How many of so many requests are let in; each spends what it takes."""
    done = 0
    for _ in range(times):
        _, lease = reserve(store, place, tokens=tokens, at=at)
        if lease is not None:
            run(store.settle(lease, Settlement(lease.amount, at, at, True), at))
            done += 1
    return done


def status(store: Store, place: Seen, tokens: int = 100, at: float = START) -> Status:
    (examined,) = run(store.explain([place], Need(tokens, tokens // 10), at))
    return examined.status


@pytest.mark.parametrize(
    ("limits", "tokens", "others", "trader"),
    [
        ((Limit("rpm", 10),), 1, 7, 3),
        ((Limit("rpd", 9),), 1, 7, 2),  # 2.7 requests are two.
        ((Limit("tpm", 1000),), 100, 7, 3),
        ((Limit("tpd", 1000),), 90, 7, 4),  # The last of them needs 10 tokens beyond what is kept for it.
        ((Limit("rpm", 10), Limit("tpd", 500)), 100, 3, 2),
        ((Limit("rph", 10),), 1, 7, 3),
        ((Limit("requests_per_5h", 10),), 1, 7, 3),
    ],
)
def test_others_leave_what_is_kept_to_the_request(
    store: Store, limits: tuple[Limit, ...], tokens: int, others: int, trader: int
) -> None:
    of_trader, of_others = views(Place("groq", limits))
    assert taken(store, of_others, 20, tokens) == others
    assert status(store, of_others, tokens) == "kept"
    assert taken(store, of_trader, 20, tokens) == trader


def test_requests_at_a_time_are_kept_too(store: Store) -> None:
    trader, others = views(Place("groq", (Limit("parallel", 4),)))
    leases = [reserve(store, others)[1] for _ in range(5)]
    assert [each is not None for each in leases] == [True] * 3 + [False] * 2
    assert reserve(store, trader)[1] is not None


def test_of_one_request_at_a_time_nothing_can_be_kept(store: Store) -> None:
    _, others = views(Place("groq", (Limit("parallel", 1),)))
    assert reserve(store, others)[1] is not None


def test_what_a_class_has_reserved_or_used_itself_is_no_longer_kept_for_it(store: Store) -> None:
    trader, others = views(Place("groq", (Limit("rpm", 10),)))
    assert reserve(store, trader)[1] is not None  # Still open.
    assert taken(store, trader, 1) == 1
    assert taken(store, others, 20) == 7
    assert taken(store, trader, 20) == 1


def test_what_a_class_uses_beyond_its_reserve_is_of_what_all_share(store: Store) -> None:
    trader, others = views(Place("groq", (Limit("rpm", 10),)))
    assert taken(store, trader, 8) == 8
    assert taken(store, others, 20) == 2


def test_a_share_is_a_limit_of_the_class_alone(store: Store) -> None:
    place = Place("groq", (Limit("rpm", 10), Limit("tpd", 100_000)))
    _, half = views(place, share=0.5)
    assert taken(store, half, 20) == 5
    assert status(store, half) == "share_used"
    (examined,) = run(store.explain([half], Need(100, 10), START))
    assert (examined.reason or "").startswith("class others has used its share: rpm: 5 used")
    assert taken(store, views(place)[1], 20) == 2


def test_what_is_kept_and_unused_is_for_all_in_the_last_hour_of_the_day(store: Store) -> None:
    _, others = views(Place("groq", (Limit("tpd", 1000),), day=CalendarDay("UTC")))
    assert taken(store, others, 20) == 7
    (examined,) = run(store.explain([others], Need(100, 10), START))
    assert examined.until == MIDNIGHT - HOUR
    assert taken(store, others, 20, at=MIDNIGHT - HOUR - 1) == 0
    assert taken(store, others, 20, at=MIDNIGHT - HOUR) == 3


def test_no_more_than_a_quarter_of_a_window_is_released(store: Store) -> None:
    _, others = views(Place("groq", (Limit("tpd", 1000),), day=CalendarDay("UTC")), release=20 * HOUR)
    assert taken(store, others, 20) == 7
    assert taken(store, others, 20, at=MIDNIGHT - 6 * HOUR - 1) == 0
    assert taken(store, others, 20, at=MIDNIGHT - 6 * HOUR) == 3


@pytest.mark.parametrize("day", [None, CalendarDay("UTC")])
def test_what_is_never_released_is_kept_to_the_end_and_so_are_windows_that_roll(
    store: Store, day: CalendarDay | None
) -> None:
    limits = (Limit("tpd", 1000),)
    place = Place("groq", limits) if day is None else Place("groq", limits, day=day)
    _, others = views(place, release=HOUR if day is None else "never")
    assert taken(store, others, 20) == 7
    assert taken(store, others, 20, at=MIDNIGHT - 1) == 0


def test_a_minute_keeps_its_part_while_the_day_is_released(store: Store) -> None:
    trader, others = views(Place("groq", (Limit("rpm", 10), Limit("tpd", 100_000)), day=CalendarDay("UTC")))
    assert taken(store, others, 20, at=MIDNIGHT - 60) == 7
    assert taken(store, trader, 20, at=MIDNIGHT - 60) == 3


def test_by_forecast_that_is_kept_which_is_expected_to_be_needed(store: Store) -> None:
    store.expect(Expected([1.0] * 168))
    _, others = views(Place("groq", (Limit("tpd", 10_000),), day=CalendarDay("UTC")), release="forecast")
    assert taken(store, others, 100, at=START) == 85  # At noon half of the 3000 are kept, less what may be used ahead.
    assert taken(store, others, 100, at=MIDNIGHT - HOUR) == 13


def test_leftovers_are_what_the_others_are_not_expected_to_use(store: Store) -> None:
    place = Place("groq", (Limit("tpd", 10_000),), day=CalendarDay("UTC"))
    trader, rest = Seen(place, "trader", RESERVES), Seen(place, "batch", RESERVES, leftover=True)
    assert taken(store, rest, 200, at=START) == 35  # At noon half of what is not kept.
    assert status(store, rest) == "kept"
    (examined,) = run(store.explain([rest], Need(100, 10), START))
    assert examined.until is not None
    assert START < examined.until < START + HOUR
    assert taken(store, rest, 1, at=examined.until - 60) == 0
    assert taken(store, rest, 1, at=examined.until) == 1
    assert taken(store, trader, 10, at=MIDNIGHT - 2 * HOUR) == 10
    assert taken(store, rest, 200, at=MIDNIGHT - 1) == 53  # Of all that is left the last second's part is not yet.
    assert taken(store, trader, 200, at=MIDNIGHT - 1) == 1


def test_of_a_minute_leftovers_leave_a_tenth_free_so_that_others_have_it_all_within_a_minute(store: Store) -> None:
    place = Place("groq", (Limit("rpm", 20),))
    batch, others = Seen(place, "batch", RESERVES, leftover=True), Seen(place, "others", RESERVES)
    assert taken(store, batch, 20, 1) == 12  # 6 are kept for the trader, 2 are left free.
    assert taken(store, others, 20, 1) == 2
    assert status(store, batch, 1, START + 30) == "kept"
    assert taken(store, others, 20, 1, START + 61) == 14
    assert taken(store, batch, 20, 1, START + 61) == 0


def test_who_takes_leftovers_is_told_when_a_minute_has_some(store: Store) -> None:
    batch = Seen(Place("groq", (Limit("tpm", 1000),)), "batch", leftover=True)
    assert taken(store, batch, 20, 100) == 9
    (examined,) = run(store.explain([batch], Need(100, 10), START + 1))
    assert examined.until == pytest.approx(START + 60, abs=1.1)
    assert taken(store, batch, 1, 100, examined.until or 0) == 1


def test_a_single_request_at_a_time_is_no_more_than_its_leftover(store: Store) -> None:
    one, two = (Seen(Place(f"{number}", (Limit("parallel", number),)), "batch", leftover=True) for number in (1, 2))
    assert [reserve(store, one, at=START)[1] is not None for _ in range(2)] == [True, False]
    assert [reserve(store, two, at=START)[1] is not None for _ in range(2)] == [True, False]


def test_a_request_that_needs_more_than_is_not_kept_is_told_that_no_time_helps(store: Store) -> None:
    _, others = views(Place("groq", (Limit("tpm", 1000),)))
    (examined,) = run(store.explain([others], Need(800, 10), START))
    assert (examined.status, examined.until, examined.may_clear(START + HOUR)) == ("kept", None, False)


def test_what_a_dead_process_held_counts_for_its_class_again_once_it_expires(store: Store) -> None:
    trader, others = views(Place("groq", (Limit("rpd", 10),)))
    store.register_meters((*trader.meters, *others.meters))
    assert reserve(store, trader)[1] is not None
    later = START + 700
    assert taken(store, others, 20, at=later) == 7
    assert taken(store, trader, 20, at=later) == 2


@pytest.mark.parametrize("seed", range(5))
def test_whatever_comes_the_reserve_is_there(store: Store, seed: int) -> None:
    chance, now = Random(seed), START
    place = Place("groq", (Limit("rpm", 20), Limit("tpm", 4000), Limit("tpd", 60_000)), own=(Limit("rpm", 15),))
    reserves = (("trader", 0.3), ("research", 0.25))
    rest = [Seen(place, name, reserves) for name in ("batch", "default", "research")]
    trader = Seen(place, "trader", reserves)
    for _ in range(120):
        now += chance.choice((0, 0, 0.2, 3, 20))
        _, lease = reserve(store, chance.choice(rest), tokens=chance.randint(1, 900), at=now)
        if lease is not None and chance.random() < 0.7:
            spent = lease.amount._replace(tokens=chance.randint(1, lease.amount.tokens))
            run(store.settle(lease, Settlement(Amount(*spent[:3]), now, now, True), now))
    assert [reserve(store, trader, tokens=300, at=now)[1] is not None for _ in range(5)] == [True] * 4 + [False]


@pytest.mark.parametrize("seed", range(8))
def test_room_beside_what_is_kept_is_there_when_it_was_said_to_be_and_not_before(store: Store, seed: int) -> None:
    chance, now = Random(seed), START
    place = Place("groq", (Limit("rpm", 20), Limit("tpm", 4000)))
    reserves = (("trader", 0.3), ("research", 0.25))
    trader, research, others = (Seen(place, name, reserves) for name in ("trader", "research", "others"))
    told = 0
    while told < 4:
        now += chance.choice((0, 0, 0.7, 3))
        by, tokens = chance.choice((trader, research, others, others)), chance.randint(1, 700)
        _, lease = reserve(store, by, tokens=tokens, at=now)
        if lease is not None:
            run(store.settle(lease, Settlement(lease.amount, now, now, True), now))
        elif by is others and status(store, others, tokens, now) == "kept":
            told += 1
            (examined,) = run(store.explain([others], Need(tokens, tokens // 10), now))
            assert examined.until is not None
            assert status(store, others, tokens, examined.until - 0.01) != "available"
            assert status(store, others, tokens, examined.until) == "available"
            now = examined.until


def _take(url: str, number: int, results: "multiprocessing.Queue[tuple[bool, int]]") -> None:
    of_trader, of_others = views(Place("groq", (Limit("rpd", 400),)))
    trades = number < 2
    store = open_store(url)
    results.put((trades, taken(store, of_trader if trades else of_others, 60, 1)))
    run(store.aclose())


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_eight_processes_at_once_leave_what_is_kept_to_the_request(
    tmp_path: Path, own_redis: RedisServer, kind: str
) -> None:
    url = own_redis.url if kind == "redis" else f"sqlite:///{tmp_path / 'state.db'}"
    run(open_store(url).aclose())
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[tuple[bool, int]] = context.Queue()
    processes = [context.Process(target=_take, args=(url, number, results)) for number in range(8)]
    for process in processes:
        process.start()
    answers = [results.get(timeout=110) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    assert sum(served for trades, served in answers if trades) == 120
    assert sum(served for trades, served in answers if not trades) == 280
