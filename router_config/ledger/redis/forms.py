"""What Python and the Lua scripts give each other: JSON for what is asked, packed doubles for what is stored.

Lua writes numbers with 14 digits, too few for epoch seconds. So they are doubles in `struct` format.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf
from struct import Struct, unpack
from typing import Any, Final, cast

from router_config.ledger.redis.scripts import LATENCY
from router_config.ledger.rules.classes.keeps import SPARE
from router_config.ledger.rules.classes.kept import unreleased, window_of
from router_config.ledger.rules.decisions import Decision, decision_of
from router_config.ledger.rules.gates import Candidate, Cooldown, Status
from router_config.ledger.rules.history import Event, EventKind, minute_of, slot_of
from router_config.ledger.rules.meters import (
    LIMITS,
    NOTHING,
    Amount,
    Counts,
    LimitName,
    Meter,
    ObservedLimit,
    Spending,
    kind_name,
    kind_of,
)
from router_config.ledger.rules.pacing import Expected
from router_config.ledger.rules.schedule import with_end
from router_config.ledger.rules.totals import Counted, Ending, Sums, Totals, ending
from router_config.ledger.rules.windows import MINUTE, Window
from router_config.ledger.values import Affinity, LastError, Lease, Outcome, Settlement, Usage

LIMIT_NAMES: Final[tuple[LimitName, ...]] = tuple(LIMITS)
LIMIT_NUMBERS: Final[dict[LimitName, int]] = {name: number for number, name in enumerate(LIMIT_NAMES)}


def number_of(name: LimitName) -> int:
    """Of a limit's kind, as the scripts have them."""
    return LIMIT_NUMBERS[kind_name(name)]


ONE: Final = Struct("<d")
TWO: Final = Struct("<2d")
THREE: Final = Struct("<3d")
FOUR: Final = Struct("<4d")
SIX: Final = Struct("<6d")
_PAGE: Final = Struct("<11d")
_LENGTH: Final = Struct("<I")
_OBSERVED: Final = Struct("<7d")
_COOLDOWN: Final = Struct("<3dB")
_USAGE: Final = Struct("<7d")
_LATENCY: Final = Struct(LATENCY)

Mark = tuple[int, float, int, float]
"""Where a moment is counted: its slot of the minute and when that leaves, its slot of the day and when that leaves."""


def mark_of(moment: float, day: Window) -> Mark:
    day_slot = day.slot(moment)
    if not day.is_day:  # Minutes are counted beside the day.
        return 0, 0.0, day_slot, day.leaves(day_slot)
    minute_slot = MINUTE.slot(moment)
    return minute_slot, MINUTE.leaves(minute_slot), day_slot, day.leaves(day_slot)


@dataclass(frozen=True, slots=True)
class Description:
    """What never changes of a candidate, ready to be sent, the kinds of day that it counts by, and what is paced.

    divided: the meters of which something is kept for other classes of agents.
    """

    candidate: Candidate
    text: bytes
    days: tuple[tuple[str, Window], ...]
    paced: tuple[tuple[str, Window], ...]
    divided: tuple[Meter, ...] = ()


def describe(candidate: Candidate) -> Description:
    days = {repr(meter.long): meter.long for meter in candidate.meters}
    meters = [
        {"scope": meter.scope, "day": repr(meter.long), "limits": _limits(meter), **_part(meter), **_class(meter)}
        for meter in candidate.meters
    ]
    text = text_of({"tier": candidate.tier, "scopes": candidate.scopes, "meters": meters})
    paced = tuple((meter.scope, meter.long) for meter in candidate.meters if meter.paced)
    divided = tuple(meter for meter in candidate.meters if meter.keeps or meter.leftover)
    return Description(candidate, text, tuple(days.items()), paced, divided)


def divided_of(meter: Meter, expected: Expected, now: float) -> dict[str, Any]:
    """What of a meter is kept for other classes now, and how much of the rest is left over."""
    keeps = [
        {"scope": each.scope, "share": each.share, "unreleased": unreleased(each, meter.long, expected, now)}
        for each in meter.keeps
    ]
    if not meter.leftover:
        return {"keeps": keeps}
    gone = expected.share(window_of(meter.long), now)
    return {"keeps": keeps, "own": meter.leftover, "gone": gone, "spare": SPARE}


def divided_name(meter: Meter) -> str:
    """Of what is kept of a meter: classes see it differently."""
    return "|".join((meter.scope, meter.leftover, *(each.name for each in meter.keeps)))


def _class(meter: Meter) -> dict[str, str]:
    if meter.keeps or meter.leftover:
        return {"divided": divided_name(meter)}
    return {"of_class": meter.of_class} if meter.of_class else {}


def _part(meter: Meter) -> dict[str, str]:
    return {} if meter.part is None else {"part": meter.part}


def need_text(amount: Spending, dearest: float) -> bytes:
    """What a candidate would take, and the most that it may come to in dollars."""
    whole, parts = amount.numbers[:3], amount.numbers[3:]
    return SIX.pack(*whole, dearest, *parts) if parts else FOUR.pack(*whole, dearest)


def _limits(meter: Meter) -> list[dict[str, float]]:
    return [
        {"number": number_of(limit.name), "value": limit.value} | ({} if limit.soft == inf else {"soft": limit.soft})
        for limit in meter.limits
    ]


def text_of(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def page_of(raw: bytes | None) -> Counts | None:
    if not raw:
        return None
    numbers = _PAGE.unpack_from(raw)
    observed: dict[LimitName, ObservedLimit] = {}
    if len(raw) > _PAGE.size:
        for number, limit, extra, asked_at, observed_at, until, refills in _OBSERVED.iter_unpack(raw[_PAGE.size :]):
            observed[LIMIT_NAMES[int(number)]] = ObservedLimit(limit, extra, asked_at, observed_at, until, refills == 1)
    return Counts(amount_of(numbers[0:3]), amount_of(numbers[3:6]), amount_of(numbers[7:10]), observed)


def pages_of(packed: bytes) -> Iterator[Counts | None]:
    """Pages one after the other, each after its length."""
    at = 0
    while at < len(packed):
        begins = at + _LENGTH.size
        at = begins + _LENGTH.unpack_from(packed, at)[0]
        yield page_of(packed[begins:at])


def moments_of(packed: bytes) -> tuple[float, ...]:
    return unpack(f"<{len(packed) // ONE.size}d", packed)


def amount_of(numbers: Sequence[float]) -> Amount:
    requests, tokens, usd = numbers
    return Amount(int(requests), int(tokens), usd)


def packed_cooldown(cooldown: Cooldown) -> bytes:
    words = (cooldown.status, cooldown.probe or "", cooldown.reason)
    return _COOLDOWN.pack(cooldown.since, cooldown.until, cooldown.probe_until, cooldown.probes) + _words(words)


def cooldowns_of(flat: Sequence[bytes]) -> dict[str, Cooldown]:
    """The cooldowns of a hash, as Redis returns one: field and value in turn."""
    found: dict[str, Cooldown] = {}
    for name, raw in zip(flat[::2], flat[1::2], strict=True):
        scope = name.decode()
        since, until, probe_until, probes = _COOLDOWN.unpack_from(raw)
        status, probe, reason = _split(raw[_COOLDOWN.size :])
        found[scope] = with_end(
            Cooldown(scope, cast(Status, status), reason, since, until, probes, probe or None, probe_until)
        )
    return found


def day_of(reading: bytes) -> Amount:
    """What was claimed of a scope's day; nothing where the reading is empty."""
    if not reading:
        return NOTHING
    _, requests, tokens, usd = FOUR.unpack(reading)
    return Amount(int(requests), int(tokens), usd)


def packed_error(outcome: Outcome, at: float) -> bytes:
    return ONE.pack(at) + _words((outcome.error or "", outcome.message))


def errors_of(flat: Sequence[bytes]) -> dict[str, LastError]:
    found: dict[str, LastError] = {}
    for name, raw in zip(flat[::2], flat[1::2], strict=True):
        kind, message = _split(raw[ONE.size :])
        found[name.decode()] = LastError(ONE.unpack_from(raw)[0], kind, message)
    return found


def numbered_decision(raw: bytes) -> Decision:
    return decision_of(raw[ONE.size :], int(ONE.unpack_from(raw)[0]))


def packed_event(event: Event) -> bytes:
    return TWO.pack(event.at, event.until) + _words((event.kind, event.provider, event.reason))


def event_of(raw: bytes) -> Event:
    at, until = TWO.unpack_from(raw)
    kind, provider, reason = _split(raw[TWO.size :])
    return Event(at, cast(EventKind, kind), provider, reason, until)


def slots_of(flat: Sequence[Any]) -> dict[str, dict[int, Usage]]:
    """Provider, slot and packed usage in turn, by provider."""
    found: dict[str, dict[int, Usage]] = {}
    for provider, slot, raw in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
        requests, tokens, usd, errors = FOUR.unpack(raw)
        found.setdefault(provider.decode(), {})[int(slot)] = Usage(int(requests), int(tokens), usd, int(errors))
    return found


def _words(words: Iterable[str]) -> bytes:
    """Texts as the scripts' struct.unpack reads them: each ended by a zero byte."""
    return b"".join(word.replace("\0", " ").encode("utf-8", "replace") + b"\0" for word in words)


def _split(raw: bytes) -> list[str]:
    return [word.decode("utf-8", "replace") for word in raw.split(b"\0")[:-1]]


def lease_text(lease: Lease, meters: Mapping[str, Meter]) -> bytes:
    held = [meters[scope] for scope in lease.scopes]
    marks = [(each.scope, mark_of(lease.expires_at, each.long), *_part(each).values()) for each in held]
    return text_of({"amount": lease.amount.numbers, "scopes": marks, "probes": lease.probes})


def settlement_text(lease: Lease, settlement: Settlement, meters: Mapping[str, Meter], now: float) -> bytes:
    """What settle.lua is asked, without the texts that JSON might spoil."""
    arrived_at, ended_at = settlement.arrived_at, settlement.ended_at
    days = {scope: meters[scope].long for scope in lease.scopes}
    step: dict[str, Any] = {
        "now": now,
        "lease": lease.id,
        "asked_at": lease.taken_at,
        "marks": {scope: (mark_of(arrived_at, day), mark_of(ended_at, day)) for scope, day in days.items()},
        "cooldowns": [cooldown.scope for cooldown in settlement.cooldowns],
        "reports": list(_reports(settlement, meters)),
    }
    if settlement.spent is not None:
        step["spent"] = settlement.spent.numbers
    if settlement.alive is not None:
        step["alive"] = settlement.alive
    if settlement.outcome is not None:
        step["outcome"] = _outcome(settlement.outcome, now)
    if settlement.counted:
        step["counted"] = [(json.dumps(counted), times) for counted, times in settlement.counted]
    if settlement.affinity is not None:
        conversation, *rest = settlement.affinity
        step["affinity"] = conversation, json.dumps(rest), max(1, ceil(settlement.affinity.until - now))
    return text_of(step)


def affinity_of(conversation: str, raw: bytes) -> Affinity:
    """As settle.lua keeps it."""
    return Affinity(conversation, *json.loads(raw))


def _reports(settlement: Settlement, meters: Mapping[str, Meter]) -> Iterable[dict[str, float | str]]:
    for report in settlement.reports:
        meter = meters.get(report.scope) or Meter(report.scope)
        limit = report.value(meter)
        if limit is None:
            continue
        yield {
            "scope": report.scope,
            "number": number_of(report.limit_name),
            "limit": limit,
            "in_force": report.in_force(meter),
            "lasts": report.lasts,
            "refills": report.refills,
            "counted": meter.holds(kind_of(report.limit_name)),
            **({} if report.remaining is None else {"remaining": report.remaining}),
        }


def _outcome(outcome: Outcome, now: float) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "provider": outcome.provider,
        "slot": slot_of(now),
        "minute": minute_of(now),
        "ending": json.dumps(ending(outcome.provider, outcome.model, outcome.ended, outcome.seconds)),
        "seconds": outcome.seconds,
        "cooldown": json.dumps(Counted("cooldown", outcome.provider, outcome.model)),
    }
    if outcome.error is None:
        fields["milliseconds"] = round(outcome.seconds * 1000)
    if outcome.prompt:
        fields |= {"prompt": outcome.prompt, "cached": outcome.cached}
    return fields


def usage_of(raw: bytes, latencies: bytes) -> tuple[Usage, int]:
    """A provider's usage, and its tokens of the last hour."""
    requests, tokens, usd, errors, burn, prompt, cached = _USAGE.unpack(raw)
    recent = unpack(f"<{len(latencies) // _LATENCY.size}I", latencies)
    return Usage(int(requests), int(tokens), usd, int(errors), recent, int(prompt), int(cached)), int(burn)


def totals_of(attempts: Sequence[bytes], counted: Sequence[bytes]) -> Totals:
    """Two hashes, as Redis returns one: field and value in turn."""
    sums: dict[Ending, Sums] = {}
    for name, raw in zip(attempts[::2], attempts[1::2], strict=True):
        number, tokens, usd, seconds = FOUR.unpack(raw)
        sums[Ending(*json.loads(name))] = Sums(int(number), int(tokens), usd, seconds)
    times = {Counted(*json.loads(name)): int(raw) for name, raw in zip(counted[::2], counted[1::2], strict=True)}
    return Totals(sums, times)
