"""What an attempt spent: as its provider reports it where that can be, else what was reserved for it.

What was broken off at a model of which nothing is known yet is counted once its first answer is there.
"""

from collections.abc import Iterator
from math import inf
from typing import Any, Final

import litellm

from router_config.deployments.calibrations import Calibrations, Correction
from router_config.ledger.rules.meters import Spending
from router_config.ledger.values import Lease, Settlement
from router_config.routing.request import Flight
from router_config.signals.usage import CACHE_IS_NOT_COUNTED, WIDEST_CONTEXT, Reported, told_by, usage_in

WAITS: Final = 60.0
"""Seconds after which such an attempt counts by what was reserved for it."""


def in_full(flight: Flight) -> Spending:
    """What the provider counts at most, for an attempt of which nobody says what it used.

    That is by what is known of the model now, for the reservation may be older. Dollars by the tokens expected: an
    answer of unknown length may have reserved all that was left of a budget.
    """
    return _unsaid(flight, flight.request.need.amount(flight.deployment))


def spent_on(flight: Flight, told: Reported) -> Spending:
    """What a completed attempt really used; the estimate where the provider did not say."""
    usage, need = told.usage, flight.request.need
    if usage is not None:
        cached = usage.cached if flight.deployment.litellm_provider in CACHE_IS_NOT_COUNTED else 0
        return flight.deployment.need(usage.total, usage.prompt, cached)
    known = isinstance(need.correction, Correction) and need.correction.curve(flight.deployment).answers
    return _unsaid(flight, (need if known else need._replace(correction=None)).amount(flight.deployment))


def _unsaid(flight: Flight, amount: Spending) -> Spending:
    """So many tokens, as far as the limits hold them, and no more dollars than were reserved."""
    deployment = flight.deployment
    for meter in deployment.meters:
        if meter.most_tokens < inf:
            amount = amount.cut_to(int(meter.most_tokens), meter.part)
    usd = min(flight.lease.amount.usd, deployment.need(amount.tokens, 0).usd)
    return amount._replace(usd=usd)


def learn_from(flight: Flight, told: Reported, calibrations: Calibrations, now: float) -> None:
    """What the answer says of how its model counts."""
    usage, need, deployment = told.usage, flight.request.need, flight.deployment
    if usage is None:
        calibrations.heard_nothing(deployment)
    elif usage.prompt and isinstance(need.correction, Correction):
        tokens, estimate = need[:2]
        calibrations.learn(deployment, need.correction.kind, estimate, usage.prompt, tokens - estimate, now)


def told_by_answer(flight: Flight, reply: Any) -> Reported:
    """The usage of a whole answer. What the provider sent is believed before LiteLLM's reading of it."""
    if flight.exchange.usage is not None:
        return usage_in(flight.exchange.usage, most_tokens(flight))
    usage = reply.get("usage") if isinstance(reply, dict) else getattr(reply, "usage", None)
    return told_by(usage, most_tokens(flight))


def told_by_stream(flight: Flight, usage: Any) -> Reported:
    """The usage of a stream. usage: as LiteLLM's chunks report it."""
    exchange = flight.exchange
    told = usage_in(exchange.usage, most_tokens(flight), exchange.first_usage)
    if told.usage is None and not told.implausible and (exchange.usage is not None or not exchange.streamed):
        # Unseen, or in another wire format. Where the wire said nothing, LiteLLM's chunks hold a guess.
        return told_by(usage, most_tokens(flight))
    return told


def most_tokens(flight: Flight) -> int:
    """Tokens that fit the model's context window, prompt and answer together, as far as LiteLLM or the user says."""
    params, info = flight.entry["litellm_params"], flight.entry["model_info"]
    known = litellm.model_cost.get(str(params.get("model"))) or {}
    parts = [info.get(name) or known.get(name) for name in ("max_input_tokens", "max_output_tokens")]
    sizes = [size for size in parts if isinstance(size, int) and size > 0]
    window = sum(sizes) if parts[0] else WIDEST_CONTEXT
    return max(window, flight.lease.amount.tokens, flight.request.need.most)


class UnknownSpending:
    """Keeps leases open: what was reserved out of caution may be several times what the provider charged."""

    def __init__(self) -> None:
        self.waiting: dict[str, tuple[Flight, Settlement]] = {}
        """By lease."""

    def keeps(self, flight: Flight, settlement: Settlement) -> bool:
        """Whether the attempt waits to be settled. A probe does not: the next one waits for its end."""
        spent = settlement.spent
        if spent is None or spent.tokens <= flight.request.need.tokens or _known(flight) or flight.lease.probes:
            return False
        self.waiting[flight.lease.id] = flight, settlement
        return True

    def due(self, now: float) -> Iterator[tuple[Lease, Settlement]]:
        """Those of which is known by now what they count, and those that have waited for too long."""
        for name, (flight, settlement) in tuple(self.waiting.items()):
            over = _known(flight) or now >= settlement.ended_at + WAITS
            if over and self.waiting.pop(name, None) is not None:
                yield flight.lease, settlement._replace(spent=in_full(flight))


def _known(flight: Flight) -> bool:
    correction = flight.request.need.correction
    if not isinstance(correction, Correction):
        return True
    curve = correction.curve(flight.deployment)
    return bool(curve.answers or curve.silent)
