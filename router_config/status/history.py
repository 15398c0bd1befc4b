"""The JSON of decisions, and of usage and events by slot, from a store and without LiteLLM."""

from collections.abc import Sequence
from typing import Any, Final

from router_config.iso import iso, iso_to_the_millisecond
from router_config.ledger.interfaces import Journal
from router_config.ledger.rules.decisions import DECISIONS_KEPT, Decision
from router_config.ledger.rules.history import MINUTE_SECONDS, SLOT_SECONDS, Event, SlotSeconds
from router_config.ledger.values import Usage
from router_config.status.views import View

BY_THE_MINUTE: Final = 2
"""Hours of history up to which it is shown by the minute; a longer one comes in slots of five minutes."""

NOTHING: Final = Usage()


def decision_document(decision: Decision) -> dict[str, Any]:
    """One decision as GET /api/llm-providers/decisions lists it."""
    return {
        "number": decision.number,
        "at": iso_to_the_millisecond(decision.at),
        "agent": decision.agent,
        **({} if decision.agent_class is None else {"class": decision.agent_class}),
        "group": decision.group,
        "provider": decision.provider,
        "model": decision.model,
        "outcome": decision.outcome,
        "attempts": [{**each._asdict(), "seconds": round(each.seconds, 3)} for each in decision.attempts],
        "passed": [each._asdict() for each in decision.skipped],
        "tokens": decision.tokens,
        "estimated_tokens": decision.estimated,
        "seconds": round(decision.seconds, 3),
        "error": decision.error,
        **({} if decision.stays is None else {"stays": decision.stays}),
    }


async def decisions_document(
    view: View,
    journal: Journal,
    now: float,
    *,
    after: int = 0,
    last: int = 50,
    provider: str | None = None,
    outcome: str | None = None,
) -> dict[str, Any]:
    """The JSON of GET /api/llm-providers/decisions, newest first.

    now: epoch seconds. after: only those with a higher number. last: how many at most. provider: only those that it
    answered, or was asked for. outcome: only those with this outcome.
    """
    filtered = provider is not None or outcome is not None
    found = [
        each
        for each in await journal.decisions(after, DECISIONS_KEPT if filtered else last)
        if (outcome is None or each.outcome == outcome) and (provider is None or provider in _asked(each))
    ]
    return {
        "generated_at": iso(now),
        "simulated": view.simulated,
        "decisions": [decision_document(each) for each in found[:last]],
    }


def _asked(decision: Decision) -> set[str | None]:
    return {decision.provider, *(each.provider for each in decision.attempts)}


async def history_document(view: View, journal: Journal, hours: int, now: float) -> dict[str, Any]:
    """The JSON of GET /api/llm-providers/history: every slot of so many hours before `now` (epoch seconds)."""
    length: SlotSeconds = MINUTE_SECONDS if hours <= BY_THE_MINUTE else SLOT_SECONDS
    last = int(now // length)
    slots = range(last - hours * 3600 // length + 1, last + 1)
    history = await journal.history(length, slots[0] * length, now)
    configured = [provider.name for provider in view.providers]
    names = [*configured, *sorted(history.slots.keys() - set(configured))]
    return {
        "generated_at": iso(now),
        "simulated": view.simulated,
        "hours": hours,
        "slot_seconds": length,
        "from": iso(slots[0] * length),
        "to": iso((last + 1) * length),
        "slots": [iso(slot * length) for slot in slots],
        "providers": [_row(name, [history.slots.get(name, {}).get(slot, NOTHING) for slot in slots]) for name in names],
        "events": [_event(event) for event in history.events],
    }


def _row(name: str, usages: Sequence[Usage]) -> dict[str, Any]:
    return {
        "name": name,
        "requests": [each.requests for each in usages],
        "errors": [each.errors for each in usages],
        "tokens": [each.tokens for each in usages],
        "cost_usd": [round(each.usd, 9) for each in usages],
    }


def _event(event: Event) -> dict[str, Any]:
    return {**event._asdict(), "at": iso(event.at), "until": iso(event.until)}
