"""The Lua scripts answer every step as the Python of the other stores does: reports, cooldowns and history included."""

import asyncio
from random import Random

import pytest
from rig_ledger import START, Place, Seen
from rig_redis import RedisServer

from router_config.ledger.interfaces import Store
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.redis.store import RedisStore
from router_config.ledger.rules.classes.keeps import Release
from router_config.ledger.rules.gates import Cooldown, Need
from router_config.ledger.rules.meters import LIMITS, Amount, Limit
from router_config.ledger.rules.pacing import Expected
from router_config.ledger.rules.reported_limits import Report
from router_config.ledger.rules.windows import LENGTHS, CalendarDay
from router_config.ledger.values import Lease, Outcome, Settlement, Snapshot

STEPS = 60
EXACT = 2.0**-20
"""Dollars a token that floats add up without error."""

PLACES: tuple[Place | Seen, ...] = (
    Place("groq", (Limit("rpm", 6), Limit("tpd", 9000, soft=6000)), own=(Limit("tpm", 2000),)),
    Place("gemini", (Limit("rpd", 12), Limit("rpm", 4), Limit("tpm", 2500)), day=CalendarDay("America/Los_Angeles")),
    Place(
        "anthropic",
        (Limit("rpm", 5), Limit("tpd", 9000)),
        parts=(("input", (Limit("itpm", 1500),)), ("output", (Limit("otpm", 900), Limit("otpd", 4000, soft=3000)))),
    ),
    Place("openai", (Limit("usd_per_day", 8000 * EXACT), Limit("rpm", 9)), tier="paid", price=EXACT),
    Place(
        "even",
        (Limit("rpm", 9), Limit("rpd", 9), Limit("tpd", 9000, soft=6000)),
        day=CalendarDay("America/Los_Angeles"),
        own=(Limit("rpm", 9),),
        pace=True,
    ),
    Place("around", (Limit("tpd", 9000), Limit("rpm", 9)), own=(Limit("rpm", 9), Limit("rpd", 9)), pace=True),
    Place(
        "spends",
        (Limit("usd_per_day", 9000 * EXACT), Limit("rpm", 9)),
        day=CalendarDay("UTC"),
        own=(Limit("rpm", 9),),
        price=EXACT,
        pace=True,
    ),
)
DIVIDED = Place(
    "divided",
    (Limit("rpm", 8), Limit("tpd", 9000, soft=8000), Limit("usd_per_day", 9000 * EXACT)),
    day=CalendarDay("America/Los_Angeles"),
    own=(Limit("rpm", 6), Limit("tpm", 2500), Limit("parallel", 4)),
    price=EXACT,
)
ROLLS = Place("rolls", (Limit("rpm", 8), Limit("tpd", 9000)))
RESERVES = (("trader", 0.3), ("research", 0.25))
CLASSES: tuple[tuple[str, float, Release, bool], ...] = (
    ("trader", 1.0, 3600.0, False),
    ("research", 0.5, "forecast", False),
    ("batch", 0.75, "never", True),
    ("default", 1.0, "forecast", False),
)
PLACES += tuple(
    Seen(place, name, RESERVES, share, release, leftover)
    for place in (DIVIDED, ROLLS)
    for name, share, release, leftover in CLASSES
)
METERS = tuple({meter.scope: meter for place in PLACES for meter in place.meters}.values())
LIMITED = [(meter.scope, limit) for meter in METERS for limit in meter.limits]


def settlement_of(lease: Lease, chance: Random, now: float) -> Settlement:
    tokens = chance.randint(0, lease.amount.tokens)
    spent = chance.choice(
        [None, Amount(1), lease.amount._replace(tokens=tokens, usd=tokens * EXACT * bool(lease.amount.usd))]
    )
    cooldown = Cooldown(
        chance.choice([f"provider:{lease.deployment}", lease.scopes[0]]),
        "cooldown",
        "",
        now,
        now + chance.uniform(0, 100),
        probes=chance.random() < 0.5,
    )
    return Settlement(
        spent,
        arrived_at=min(now, lease.taken_at + chance.uniform(0, 5)),
        ended_at=now,
        alive=chance.choice([True, False, None]),
        cooldowns=(cooldown,) if chance.random() < 0.25 else (),
        reports=tuple(report_of(lease, chance) for _ in range(chance.randint(0, 2))),
        outcome=Outcome("groq", lease.deployment, 0.1, chance.choice([None, "timeout"])),
    )


def report_of(lease: Lease, chance: Random) -> Report:
    return Report(
        chance.choice([*(scope for scope in lease.scopes if "paced" not in scope), "model:gemini"]),
        chance.choice([name for name, kind in LIMITS.items() if kind.unit in LENGTHS]),
        limit=chance.choice([None, 5, 20, 3000]),
        remaining=chance.choice([None, 0, 1, 3, 500, 2000]),
        reset_after=chance.choice([None, 0.2, 5, 30, 3600]),
        refills=chance.random() < 0.3,
    )


def seen_of(snapshot: Snapshot) -> object:
    """All that a snapshot says, but for the numbers of leases."""
    counts = [snapshot.counts[scope].used(limit) for scope, limit in LIMITED]
    pages = {scope: (page.open, page.long, page.observed) for scope, page in snapshot.counts.items()}
    cooldowns = {
        scope: (cooldown.since, cooldown.until, cooldown.probes, cooldown.probe is None, cooldown.probe_until)
        for scope, cooldown in snapshot.cooldowns.items()
    }
    return counts, pages, cooldowns, snapshot.resets_at, snapshot.usage, snapshot.last_errors, snapshot.burn


async def both(stores: tuple[Store, Store], chance: Random) -> None:
    leases: list[tuple[Lease, Lease]] = []
    now = START
    for _ in range(STEPS):
        now += chance.choice([0, 0, 0.1, chance.uniform(0, 3), chance.uniform(0, 40), chance.choice([0, 0, 0, 700])])
        if chance.random() < 0.5:
            candidates = chance.sample(PLACES, chance.randint(1, 3))
            need = Need(chance.randint(1, 1500), chance.choice([1, 100, 6000]))
            (choice, ours), (other, theirs) = [await each.reserve(candidates, need, now, 600.0) for each in stores]
            assert choice == other
            if ours is not None and theirs is not None:
                assert (ours.scopes, ours.expires_at) == (theirs.scopes, theirs.expires_at)
                leases.append((ours, theirs))
        elif leases:
            pair = leases.pop(chance.randrange(len(leases)))
            settlement = settlement_of(pair[0], chance, now)
            for store, lease in zip(stores, pair, strict=True):
                await store.settle(lease, settlement, now)
        one, two = [await each.snapshot(METERS, {"groq": START - 1}, now) for each in stores]
        assert seen_of(one) == seen_of(two)
        need = Need(chance.randint(1, 1500), 1)
        rooms, others = [await each.rooms(PLACES, need, now) for each in stores]
        assert rooms == others
        examined, found = [await each.explain(PLACES, need, now) for each in stores]
        assert [(each.status, each.until, each.gates) for each in examined] == [
            (each.status, each.until, each.gates) for each in found
        ]
    totals, sums = [await each.totals(now) for each in stores]
    assert totals == sums


@pytest.mark.parametrize("seed", range(15))
def test_redis_answers_every_step_as_memory_does(redis_server: RedisServer, redis_url: str, seed: int) -> None:
    async def story() -> None:
        chance, stores = Random(seed), (MemoryStore(), RedisStore(redis_url))
        expected = Expected([chance.choice([0, 1, 5, chance.random()]) for _ in range(168)])
        for store in stores:
            store.register_meters(METERS)
            store.expect(expected)
        await both(stores, chance)
        await stores[1].aclose()

    asyncio.run(story())
