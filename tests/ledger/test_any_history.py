"""Whatever happens to a ledger, it says what a list of everything that happened says."""

import asyncio
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule
from rig_ledger import Place
from rig_redis import RedisServer

from router_config.ledger.interfaces import Store
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.local.sqlite import SQLiteStore
from router_config.ledger.redis.store import RedisStore
from router_config.ledger.rules.gates import PROBE_HOLDS, Cooldown, Need
from router_config.ledger.rules.meters import NOTHING, Amount, Limit, Meter, Part, Spending, SplitAmount
from router_config.ledger.rules.pacing import Expected
from router_config.ledger.rules.windows import (
    CalendarDay,
    CalendarMonth,
    CalendarWeek,
    Period,
    Rolling,
    rolling,
)
from router_config.ledger.values import Lease, Settlement

T = TypeVar("T")
TTL = 600.0
EVENING = 1_793_494_800.0  # 2026-10-31T18:00 in California; the night is an hour longer than others.
EXACT = 2.0**-20
"""Dollars a token that floats add up without error, so that totals can be compared."""

CALIFORNIA = "America/Los_Angeles"
HOUR, FIVE_HOURS = rolling(3600.0), rolling(5 * 3600.0)
PLACES = (
    Place("groq", (Limit("rpm", 3), Limit("tpd", 3000, soft=2000)), own=(Limit("tpm", 1000),)),
    Place("gemini", (Limit("rpd", 8), Limit("tpm", 1500)), day=CalendarDay("America/Los_Angeles")),
    Place("openai", (Limit("usd_per_day", 5000 * EXACT),), tier="paid", price=EXACT),
    Place(
        "anthropic",
        (Limit("rpm", 5),),
        parts=(("input", (Limit("itpm", 900), Limit("itpd", 3000, soft=2000))), ("output", (Limit("otpm", 1200),))),
    ),
    Place("one", (Limit("parallel", 2), Limit("rpm", 4)), more=((HOUR, (Limit("rph", 5), Limit("tph", 4000))),)),
    Place(
        "plan",
        (Limit("rpd", 9),),
        day=CalendarDay(CALIFORNIA),
        more=(
            (FIVE_HOURS, (Limit("requests_per_5h", 6), Limit("tokens_per_5h", 5000))),
            (CalendarWeek(CALIFORNIA), (Limit("rpw", 12), Limit("tpw", 9000, soft=6000))),
            (CalendarMonth(CALIFORNIA, day=31), (Limit("tpmo", 15000), Limit("usd_per_month", 14000 * EXACT))),
        ),
        price=EXACT,
    ),
    Place("even", (Limit("rpd", 8), Limit("tpd", 6000)), day=CalendarDay(CALIFORNIA), pace=True),
    Place("around", (Limit("rpm", 5), Limit("tpd", 6000)), own=(Limit("rpd", 8),), pace=True),
)
EXPECTED = Expected([hour % 24 % 7 for hour in range(168)])
NAMED = {place.id: place for place in PLACES}
METERS = {meter.scope: meter for place in PLACES for meter in place.meters if meter.limits}


@dataclass(frozen=True)
class Spent:
    """What left a lease: requests count from one moment, tokens and dollars from another."""

    scopes: tuple[str, ...]
    amount: Spending
    arrived_at: float
    ended_at: float

    def within(self, meter: Meter, period: Period, now: float, *, exactly: bool = False) -> Amount:
        """What of it a window still holds: by its slots, or exactly its length."""

        def counts(moment: float) -> bool:
            window = meter.window(period)
            return (
                moment > now - window.length if exactly and isinstance(window, Rolling) else window.frees(moment) > now
            )

        amount = part_of(self.amount, meter)
        requests = amount.requests if counts(self.arrived_at) else 0
        rest = amount if counts(self.ended_at) else NOTHING
        return Amount(requests, rest.tokens, rest.usd)


def part_of(amount: Spending, meter: Meter) -> Amount:
    if meter.part is None or not isinstance(amount, SplitAmount):
        return Amount(*amount[:3])
    return amount.input if meter.part == "input" else amount.output


@dataclass
class Naive:
    """Everything that happened, from which each answer is computed anew."""

    now: float = EVENING
    open: dict[str, Lease] = field(default_factory=dict)
    spent: list[Spent] = field(default_factory=list)
    cooldowns: dict[str, Cooldown] = field(default_factory=dict)

    def opened(self, meter: Meter) -> Amount:
        return _sum(part_of(lease.amount, meter) for lease in self.open.values() if meter.scope in lease.scopes)

    def window(self, meter: Meter, period: Period, *, exactly: bool = False) -> Amount:
        if period == "none":
            return NOTHING
        parts = (
            each.within(meter, period, self.now, exactly=exactly) for each in self.spent if meter.scope in each.scopes
        )
        return _sum(parts)

    def close(self, lease_id: str, spent: Spent | None, alive: bool | None) -> None:
        lease = self.open.pop(lease_id, None)
        if lease is None:
            return
        if spent is not None:
            self.spent.append(spent)
        for scope in lease.probes:
            cooldown = self.cooldowns.get(scope)
            if cooldown is not None and alive and cooldown.since <= lease.taken_at:
                del self.cooldowns[scope]
            elif cooldown is not None and cooldown.probe == lease_id:
                self.cooldowns[scope] = cooldown._replace(probe=None, probe_until=0.0)

    def expire(self) -> None:
        for lease in [each for each in self.open.values() if each.expires_at <= self.now]:
            ended = lease.expires_at
            self.close(lease.id, Spent(lease.scopes, lease.amount, ended, ended), None)

    def choice(self, candidates: tuple[Place, ...], need: Need) -> str | None:
        spare: Place | None = None
        for place in candidates:
            if spare is not None and spare.tier == "free" and place.tier == "paid":
                break
            cooldowns = [self.cooldowns[scope] for scope in place.scopes if scope in self.cooldowns]
            if any(cooldown.holds(self.now) for cooldown in cooldowns):
                continue
            if any(0 < limit < _least(need, part) for part, limit in self._token_limits(place)):
                continue
            room, soft = self._room(place, self.amount(place, need))
            if room and not soft:
                return place.id
            if room and spare is None:
                spare = place
        return spare.id if spare else None

    def amount(self, place: Place, need: Need) -> Spending:
        amount = place.need(need.tokens, need.prompt_tokens)
        for part, limit in self._token_limits(place):
            amount = amount.cut_to(int(limit), part)
        return amount

    def _token_limits(self, place: Place) -> list[tuple[Part | None, float]]:
        return [
            (meter.part, limit.value) for meter in place.meters for limit in meter.limits if limit.metric == "tokens"
        ]

    def _room(self, place: Place, amount: Spending) -> tuple[bool, bool]:
        room, soft = True, False
        for meter in place.meters:
            for limit in meter.limits:
                used = self.window(meter, limit.period).plus(self.opened(meter)).of(limit.metric)
                after = used + part_of(amount, meter).of(limit.metric)
                room = room and after <= limit.value
                if meter.pace != "none" and limit.kind.unit == "day" and used > 0:
                    room = room and after <= limit.value * EXPECTED.share(meter.long, self.now)
                soft = soft or used >= limit.soft
        return room, soft


def _least(need: Need, part: Part | None) -> float:
    """Tokens that such a request takes in any case: half of its prompt, and its answer."""
    prompt, answer = need.prompt_tokens / 2, need.tokens - need.prompt_tokens
    return {"input": prompt, "output": float(answer), None: prompt + answer}[part]


def _sum(amounts: Any) -> Amount:
    total = NOTHING
    for amount in amounts:
        total = total.plus(amount)
    return total


class Ledger(RuleBasedStateMachine):
    """The rules; a subclass brings the store."""

    survives: ClassVar[bool] = True
    leases = Bundle("leases")

    def open_store(self) -> Store:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.naive = Naive()
        self.store = self._opened()

    def _opened(self) -> Store:
        store = self.open_store()
        store.register_meters(tuple(METERS.values()))
        store.expect(EXPECTED)
        return store

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(work)

    @rule(
        target=leases,
        names=st.lists(st.sampled_from(list(NAMED)), min_size=1, max_size=4, unique=True),
        prompt=st.one_of(st.just(1), st.integers(1, 1500)),
        answer=st.integers(0, 2000),
    )
    def reserve(self, names: list[str], prompt: int, answer: int) -> Lease | None:
        naive, candidates, need = self.naive, tuple(NAMED[name] for name in names), Need(prompt + answer, prompt)
        naive.expire()
        expected = naive.choice(candidates, need)
        choice, lease = self.run(self.store.reserve(candidates, need, naive.now, TTL))
        assert (lease.deployment if lease else None) == expected
        assert (choice.chosen.id if choice.chosen else None) == expected
        if lease is None:
            return None
        place = next(each for each in candidates if each.id == expected)
        assert lease.amount == naive.amount(place, need)
        naive.open[lease.id] = lease
        for scope in place.scopes:
            cooldown = naive.cooldowns.get(scope)
            if cooldown is not None and cooldown.probes:
                naive.cooldowns[scope] = cooldown._replace(probe=lease.id, probe_until=naive.now + PROBE_HOLDS)
        return lease

    @rule(
        lease=leases,
        share=st.floats(0, 1),
        of_prompt=st.floats(0, 1),
        took=st.floats(0, 30),
        alive=st.sampled_from([True, False, None]),
    )
    def settle(self, lease: Lease | None, share: float, of_prompt: float, took: float, alive: bool | None) -> None:
        """Some settle twice: what is taken from the bundle stays in it."""
        if lease is None:
            return
        arrived = min(self.naive.now, lease.taken_at + took)
        tokens = int(lease.amount.tokens * share)
        spent = lease.amount._replace(tokens=tokens, usd=tokens * EXACT if lease.amount.usd else 0.0)
        if isinstance(spent, SplitAmount):
            parts = int(spent.input.tokens * of_prompt), int(spent.output.tokens * share)
            spent = SplitAmount.of(*spent.whole, *parts)
        settlement = Settlement(spent, arrived, self.naive.now, alive)
        self.run(self.store.settle(lease, settlement, self.naive.now))
        self.naive.close(lease.id, Spent(lease.scopes, spent, arrived, self.naive.now), alive)

    @rule(lease=consumes(leases))
    def never_reach(self, lease: Lease | None) -> None:
        if lease is not None:
            self.run(self.store.settle(lease, Settlement(None, self.naive.now, self.naive.now), self.naive.now))
            self.naive.close(lease.id, None, None)

    @rule(lease=leases, longer=st.floats(1, 2000))
    def renew(self, lease: Lease | None, longer: float) -> None:
        if lease is None:
            return
        held = self.naive.open.get(lease.id)
        until = max(lease.expires_at, self.naive.now + longer)
        self.run(self.store.renew(lease, until))
        if held is not None:
            self.naive.open[lease.id] = held._replace(expires_at=until)

    @rule(name=st.sampled_from(list(NAMED)), seconds=st.floats(0, 400), probes=st.booleans())
    def begin_cooldown(self, name: str, seconds: float, probes: bool) -> None:
        cooldown = Cooldown(f"provider:{name}", "cooldown", "", self.naive.now, self.naive.now + seconds, probes)
        self.run(self.store.begin_cooldown(cooldown))
        self.naive.cooldowns[cooldown.scope] = cooldown

    @rule(name=st.sampled_from(list(NAMED)))
    def end_cooldown(self, name: str) -> None:
        self.run(self.store.end_cooldown(f"provider:{name}"))
        self.naive.cooldowns.pop(f"provider:{name}", None)

    @rule(
        seconds=st.one_of(
            st.floats(0, 2), st.floats(0, 90), st.sampled_from([HOUR.length, 6 * 3600.0, 25 * 3600.0, 8 * 86400.0])
        )
    )
    def wait(self, seconds: float) -> None:
        self.naive.now += seconds

    @precondition(lambda self: self.survives)
    @rule()
    def restart(self) -> None:
        self.run(self.store.aclose())
        self.store = self._opened()

    @invariant()
    def counts_agree_and_no_window_holds_more_than_its_limit(self) -> None:
        naive = self.naive
        snapshot = self.run(self.store.snapshot(tuple(METERS.values()), {}, naive.now))
        for scope, meter in METERS.items():
            counts = snapshot.counts[scope]
            assert counts.open == naive.opened(meter)
            for limit in meter.limits:
                assert counts.used(limit) == naive.window(meter, limit.period).of(limit.metric)
                assert naive.window(meter, limit.period, exactly=True).of(limit.metric) <= limit.value

    def teardown(self) -> None:
        naive = self.naive
        naive.now = max([naive.now, *(lease.expires_at for lease in naive.open.values())])
        naive.expire()
        self.run(self.store.reserve([], Need(1, 1), naive.now, TTL))
        self.counts_agree_and_no_window_holds_more_than_its_limit()
        self.run(self.store.aclose())
        self.loop.close()


class MemoryLedger(Ledger):
    survives = False

    def open_store(self) -> Store:
        return MemoryStore()


class SQLiteLedger(Ledger):
    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        super().__init__()

    def open_store(self) -> Store:
        return SQLiteStore(Path(self.folder.name) / "state.db")

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


class TwoProcessesOnOneFile(SQLiteLedger):
    """What one of them remembers of the file must not outlive what the other writes."""

    def __init__(self) -> None:
        super().__init__()
        self.other = self._opened()

    @rule()
    def go_on_in_the_other(self) -> None:
        self.store, self.other = self.other, self.store

    def teardown(self) -> None:
        self.run(self.other.aclose())
        super().teardown()


class RedisLedger(Ledger):
    server: ClassVar[RedisServer]

    def __init__(self) -> None:
        self.server.ask("FLUSHALL")
        super().__init__()

    def open_store(self) -> Store:
        return RedisStore(self.server.url)


@pytest.mark.parametrize(
    ("machine", "examples"),
    [(MemoryLedger, 100), (SQLiteLedger, 25), (TwoProcessesOnOneFile, 25), (RedisLedger, 25)],
)
def test_any_history(machine: type[Ledger], examples: int, redis_server: RedisServer) -> None:
    RedisLedger.server = redis_server
    case = machine.TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    case().runTest()
