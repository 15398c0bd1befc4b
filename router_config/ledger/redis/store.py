"""The ledger of many machines: one Redis, one Lua script a step.

The scripts in `lua/` do what local/store.py does for the other stores, and the same tests hold for all of them.
`explain` and `rooms` need no atomic write: counts and cooldowns are fetched once, and the pure rules judge them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from math import inf
from secrets import token_hex
from types import MappingProxyType
from typing import Any, Final, get_args

from router_config.ledger.interfaces import Backend, MovableClock
from router_config.ledger.redis import forms as forms
from router_config.ledger.redis.connection import Argument, Line, Lines
from router_config.ledger.redis.scripts import script
from router_config.ledger.redis.server_time import ServerTime
from router_config.ledger.rules.choice import Choice, Skipped, room_for
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision, decision_text
from router_config.ledger.rules.examinations import examine_all
from router_config.ledger.rules.gates import Candidate, Cooldown, Examination, Need, Status
from router_config.ledger.rules.history import (
    HOUR_SECONDS,
    HOURS_KEPT,
    MINUTE_SECONDS,
    MINUTES_KEPT,
    SLOT_SECONDS,
    SLOTS_KEPT,
    News,
    SlotSeconds,
)
from router_config.ledger.rules.learned import merged
from router_config.ledger.rules.meters import NOTHING, Amount, Counts, Limit, LimitName, Meter, SplitAmount
from router_config.ledger.rules.pacing import Expected
from router_config.ledger.rules.totals import Counted, Totals
from router_config.ledger.values import (
    Affinity,
    History,
    Lease,
    Membership,
    Reserved,
    Settled,
    Settlement,
    Snapshot,
    Usage,
    new_lease_id,
)

PREFIX: Final = "{router-config:1}"
"""All keys begin with it: one hash tag for one node of a cluster, and the version of the forms."""

FIRST: Final = 16
"""So many candidates go out in the first call of a reservation, and four times as many in each call that follows."""

LEARNS: Final = 100
"""So often a process tells what it learned, where others tell theirs of the same at this moment."""

DESCRIPTIONS_KEPT: Final = 10_000

COUNTS_ONLY: Final = "counts-"
"""So begins the name of a store that lost its counts, but not its journal."""

_SLOTS_KEPT: Final = {MINUTE_SECONDS: MINUTES_KEPT, SLOT_SECONDS: SLOTS_KEPT, HOUR_SECONDS: HOURS_KEPT}

_STATUSES: Final[Mapping[bytes, Status]] = {status.encode(): status for status in get_args(Status)}


class RedisStore(Backend):
    """Connects at its first step. A step is one round trip, a reservation a few where many candidates are full.

    url: as `open_store` takes it. Raises `StoreError` for one that is no URL of a Redis.
    """

    name = "redis"
    shared = True

    def __init__(self, url: str) -> None:
        self._lines = Lines(url, PREFIX)
        self._meters: dict[str, Meter] = {}
        self._formerly: Mapping[str, str] = {}
        self._descriptions: dict[int, forms.Description] = {}
        self._news = News()
        self._time = ServerTime()
        self._signed_in = ""  # The name of the store then.
        self._with_page: list[str] = []

    async def reserve(self, candidates: Sequence[Candidate], need: Need, now: float, ttl: float) -> Reserved:
        lease_id, expires_at = new_lease_id(), now + ttl
        statuses: dict[int, Status] = {}
        ahead, size = 0, FIRST
        places: list[int] = []
        while True:
            places += range(ahead, min(len(candidates), ahead + size))
            ahead, size = min(len(candidates), ahead + size), size * 4
            part, last = [candidates[place] for place in places], ahead >= len(candidates)
            reply = await self._reserve_of(part, need, now, lease_id, expires_at, last)
            taken, spare, tokens, raw_probes, raw_scopes, found, usd, *parts = reply
            statuses.update(zip(places, (_STATUSES[status] for status in found), strict=False))
            if taken or last:
                break
            # A candidate past its soft limit is compared again, as the first of the next call.
            places = [places[spare - 1]] if spare else []
        place = places[taken - 1] if taken else len(candidates)
        skipped = tuple(Skipped(candidates[each].id, statuses[each]) for each in range(place))
        if not taken:
            return Choice(None, NOTHING, (), skipped), None
        chosen, probes = candidates[place], _texts(raw_probes)
        whole = need.amount(chosen).whole._replace(tokens=tokens, usd=forms.ONE.unpack(usd)[0])
        amount = SplitAmount.of(*whole, *parts) if parts else whole
        for meter in chosen.meters:
            self._meters.setdefault(meter.scope, meter)
        lease = Lease(lease_id, chosen.id, _texts(raw_scopes), amount, now, expires_at, probes)
        return Choice(chosen, amount, probes, skipped), lease

    async def _reserve_of(
        self, candidates: Sequence[Candidate], need: Need, now: float, lease_id: str, expires_at: float, last: bool
    ) -> Any:
        """What reserve.lua returns. `last`: no candidates follow in another call."""
        arguments: list[bytes] = []
        marks: dict[str, forms.Mark] = {}
        shares: dict[str, float] = {}
        divided: dict[str, dict[str, Any]] = {}
        for candidate in candidates:
            description = self._description(candidate)
            arguments += description.text, forms.need_text(need.amount(candidate), need.dearest(candidate))
            for name, day in description.days:
                if name not in marks:
                    marks[name] = forms.mark_of(expires_at, day)
            for scope, window in description.paced:
                shares[scope] = self.expected.share(window, now)
            for meter in description.divided:
                if (name := forms.divided_name(meter)) not in divided:
                    divided[name] = forms.divided_of(meter, self.expected, now)
        line = await self._line()
        header = forms.SIX.pack(now, expires_at, last, need.least(), need.least("input"), need.least("output"))
        step = forms.text_of({"marks": marks, "shares": shares, "divided": divided})
        reply = line.call(script("reserve"), header, lease_id, step, *arguments)
        try:
            return await reply
        except BaseException:
            # The caller gave up. What may have been reserved is given back, on the same line and so after it.
            nobody = Lease(lease_id, "", (), NOTHING, now, expires_at)
            nothing = forms.settlement_text(nobody, Settlement(None, now, now), {}, now)
            line.call(script("settle"), nothing, b"", b"")
            raise

    def _description(self, candidate: Candidate) -> forms.Description:
        # By identity, since hashing a deployment costs more than describing it. No other object gets the id: the
        # description holds the candidate.
        made = self._descriptions.get(id(candidate))
        if made is None:
            if len(self._descriptions) >= DESCRIPTIONS_KEPT:
                self._descriptions.clear()
            made = self._descriptions[id(candidate)] = forms.describe(candidate)
        return made

    async def settle(self, lease: Lease, settlement: Settlement, now: float) -> Settled:
        outcome, decision = settlement.outcome, settlement.decision
        name, was_open = await self._call(
            "settle",
            forms.settlement_text(lease, settlement, self._meters_of(lease, settlement), now),
            forms.packed_error(outcome, now) if outcome is not None and outcome.error is not None else b"",
            b"" if decision is None else decision_text(decision),
            *(forms.packed_cooldown(cooldown) for cooldown in settlement.cooldowns),
            *(self._events_of(decision) if decision is not None else ()),
            *map(forms.packed_event, settlement.events),
        )
        return Settled(None if name is None else name.decode(), bool(was_open))

    async def record(self, decision: Decision, now: float) -> None:
        await self._call("record", decision_text(decision), *self._events_of(decision))

    def _events_of(self, decision: Decision) -> list[bytes]:
        return [forms.packed_event(event) for event in self._news.of(decision)]

    async def decisions(self, after: int = 0, last: int = DECISIONS_KEPT) -> tuple[Decision, ...]:
        return tuple(forms.numbered_decision(raw) for raw in await self._call("decisions", after, last))

    async def history(self, slot_seconds: SlotSeconds, since: float, now: float) -> History:
        last, kept_slots = int(now // slot_seconds), _SLOTS_KEPT[slot_seconds]
        by_minutes, by_hours = slot_seconds == MINUTE_SECONDS, slot_seconds == HOUR_SECONDS
        first = max(int(since // slot_seconds), last - kept_slots)
        wanted = {"first": first, "last": last, "by_minutes": by_minutes, "by_hours": by_hours}
        slots, events = await self._call("history", forms.text_of(wanted))
        kept = (forms.event_of(raw) for raw in reversed(events))
        return History(forms.slots_of(slots), tuple(event for event in kept if event.at >= since))

    async def adopt(self, lease: Lease, now: float) -> None:
        text = forms.lease_text(lease, self._meters_of(lease))
        await self._call("adopt", forms.TWO.pack(now, lease.expires_at), lease.id, text)

    async def renew(self, lease: Lease, expires_at: float) -> None:
        meters = self._meters_of(lease)
        marks = {scope: forms.mark_of(expires_at, meters[scope].long) for scope in lease.scopes}
        await self._call("renew", lease.id, forms.ONE.pack(expires_at), forms.text_of(marks))

    async def begin_cooldown(self, cooldown: Cooldown, of: tuple[str, str] | None = None) -> None:
        noted = () if of is None else (of[0], json.dumps(Counted("cooldown", *of)))
        await self._call(
            "begin_cooldown", forms.ONE.pack(cooldown.since), cooldown.scope, forms.packed_cooldown(cooldown), *noted
        )

    async def end_cooldown(self, scope: str) -> None:
        await self._call("end_cooldown", scope)

    async def sign_in(self, process: str, now: float, lasts: float) -> Membership:
        proposed = token_hex(8)
        step = forms.text_of({"scopes": list(self._meters), "seen": self._with_page, "of": self._signed_in})
        processes, name, with_page, rank = await self._call(
            "sign_in", forms.TWO.pack(now, lasts), process, proposed, COUNTS_ONLY + proposed, step
        )
        self._with_page = list(_texts(with_page))
        store = self._signed_in = name.decode()
        return Membership(int(processes), store, store.endswith(proposed), store.startswith(COUNTS_ONLY), int(rank))

    async def claim(
        self, lost: str, at: float, days: Mapping[str, Amount], membership: Membership
    ) -> Mapping[str, Amount]:
        readings: list[Argument] = []
        for scope, day in days.items():
            readings += scope, forms.FOUR.pack(at, *day)
        flat = await self._call("claim", lost, *readings)
        return {scope.decode(): forms.day_of(raw) for scope, raw in zip(flat[::2], flat[1::2], strict=True)}

    async def explain(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[Examination, ...]:
        reading = await self._read(candidates, now)
        examined = examine_all(candidates, need, reading, now)
        if not reading.not_fetched:
            return examined
        asked = list(reading.not_fetched)
        answers = await self._call(
            "clears",
            forms.ONE.pack(now),
            forms.text_of(
                [
                    {"scope": meter.scope, "number": forms.number_of(limit.name), "room": room, "without": without}
                    for meter, limit, room, without in asked
                ]
            ),
        )
        for (meter, limit, room, without), raw in zip(asked, answers, strict=True):
            # The window never held so much. What is open now must end first, and then leave the window.
            leaves: float = meter.window(limit.period).frees(now) if raw is None else forms.ONE.unpack(raw)[0]
            reading.clears[meter.scope, limit.name, room, without] = leaves
        return examine_all(candidates, need, reading, now)

    async def rooms(self, candidates: Sequence[Candidate], need: Need, now: float) -> tuple[float, ...]:
        reading = await self._read(candidates, now)
        return tuple(room_for(each, need, reading, now) for each in candidates)

    async def snapshot(self, meters: Sequence[Meter], since: Mapping[str, float], now: float) -> Snapshot:
        step = {"now": now, "since": since}
        wanted = forms.text_of(
            [
                {"scope": meter.scope, "limits": [forms.number_of(limit.name) for limit in meter.limits]}
                for meter in meters
            ]
        )
        pages, resets, cooldowns, usages, errors = await self._call("snapshot", forms.text_of(step), wanted)
        counts: dict[str, Counts] = {}
        for meter, page in zip(meters, forms.pages_of(pages), strict=True):
            if page is not None or meter.limits:
                counts[meter.scope] = page or Counts()
        limits = [(meter.scope, limit.name) for meter in meters for limit in meter.limits]
        usage: dict[str, Usage] = {}
        burn: dict[str, int] = dict.fromkeys(since, 0)
        for provider, packed, latencies in usages:
            usage[provider.decode()], burn[provider.decode()] = forms.usage_of(packed, latencies)
        return Snapshot(
            counts=counts,
            resets_at={limit: at for limit, at in zip(limits, forms.moments_of(resets), strict=True) if at},
            cooldowns={
                scope: cooldown for scope, cooldown in forms.cooldowns_of(cooldowns).items() if not cooldown.over(now)
            },
            usage=usage,
            last_errors=forms.errors_of(errors),
            burn=burn,
        )

    async def totals(self, now: float) -> Totals:
        return forms.totals_of(*await self._call("totals"))

    def lead(self, clock: MovableClock) -> None:
        self._time.lead(clock, self._lines)

    async def learn(self, curves: Mapping[str, str]) -> Mapping[str, str]:
        known = _curves(await self._call("learn"))
        left = curves
        for _ in range(LEARNS):  # Each time some process has told its own, so this ends.
            if not left:
                break
            told = {name: (known.get(name), merged(name, known.get(name), text)) for name, text in left.items()}
            steps = ((name, _sha1(before), text) for name, (before, text) in told.items())
            known = _curves(await self._call("learn", *chain.from_iterable(steps)))
            left = {name: left[name] for name, (_, text) in told.items() if known.get(name) != text}
        return known

    async def affinity(self, conversation: str, now: float) -> Affinity | None:
        raw = await self._call("affinity", conversation)
        affinity = None if raw is None else forms.affinity_of(conversation, raw)
        return affinity if affinity is not None and now < affinity.until else None

    def register_meters(self, meters: Sequence[Meter], formerly: Mapping[str, str] = MappingProxyType({})) -> None:
        self._meters.update((meter.scope, meter) for meter in meters)
        self._formerly = formerly

    async def aclose(self) -> None:
        await self._lines.aclose()

    async def _call(self, name: str, *arguments: Argument) -> Any:
        line = await self._line()
        return await line.call(script(name), *arguments)

    async def _line(self) -> Line:
        """The line of the running event loop. What stands under other names is taken over first."""
        line = await self._lines.here()
        self._time.ask_if_due(line)
        if self._formerly:
            formerly = self._formerly
            await line.call(script("take_over"), forms.text_of(list(formerly.items())))
            if self._formerly is formerly:
                self._formerly = {}
        return line

    async def _read(self, candidates: Sequence[Candidate], now: float) -> "_Reading":
        meters = [meter for each in candidates for meter in each.meters]
        kept_for = (keep.scope for meter in meters for keep in meter.keeps)
        scopes = list(dict.fromkeys((*(meter.scope for meter in meters), *kept_for)))
        pages, cooldowns = await self._call("read", forms.ONE.pack(now), *scopes)
        counts = {scope: forms.page_of(raw) for scope, raw in zip(scopes, pages, strict=True)}
        return _Reading(counts, forms.cooldowns_of(cooldowns), self.expected)

    def _meters_of(self, lease: Lease, settlement: Settlement | None = None) -> dict[str, Meter]:
        reported = (report.scope for report in settlement.reports) if settlement else ()
        return {scope: self._meters.get(scope) or Meter(scope) for scope in (*lease.scopes, *reported)}


@dataclass(slots=True)
class _Reading:
    """Pages and cooldowns of one moment, as the rules ask for them."""

    pages: Mapping[str, Counts | None]
    cooldowns: Mapping[str, Cooldown]
    expected: Expected
    clears: dict[tuple[str, LimitName, float, tuple[str, ...]], float] = field(default_factory=dict)
    not_fetched: list[tuple[Meter, Limit, float, tuple[str, ...]]] = field(default_factory=list)
    """What a first examination asked of the windows. It is fetched for the second."""

    def counts(self, meter: Meter) -> Counts | None:
        page = self.pages[meter.scope]
        return Counts() if page is None and meter.limits else page

    @property
    def any_cooldown(self) -> bool:
        return bool(self.cooldowns)

    def cooldown_of(self, scope: str) -> Cooldown | None:
        return self.cooldowns.get(scope)

    def clears_at(self, meter: Meter, limit: Limit, room: float, without: Sequence[str] = ()) -> float:
        leaves = self.clears.get((meter.scope, limit.name, room, tuple(without)))
        if leaves is None:
            self.not_fetched.append((meter, limit, room, tuple(without)))
            return inf
        return leaves


def _curves(flat: Sequence[bytes]) -> dict[str, str]:
    return {name.decode(): text.decode() for name, text in zip(flat[::2], flat[1::2], strict=True)}


def _sha1(text: str | None) -> str:
    return "" if text is None else hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _texts(raw: Iterable[bytes]) -> tuple[str, ...]:
    return tuple(each.decode() for each in raw)
