"""What a provider's answer means, and which quota windows it reports: read once, for any provider and any bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from router_config.signals import body as bodies
from router_config.signals import gemini, generic, groq, openai, openrouter, together_ai
from router_config.signals.evidence import Evidence, gather, without_error
from router_config.signals.types import Hold, Kind, Observation, Reading, Reply, Scope, Verdict

NOTHING = Reading(None, ())


@dataclass(frozen=True, slots=True)
class Rules:
    """How one provider's answers are read.

    verdict: what a failure means, given the quota windows that the same answer reports. observations: these quota
    windows. in_successes: whether the headers of a success report any.
    """

    verdict: Callable[[Evidence, tuple[Observation, ...]], Verdict]
    observations: Callable[[Evidence], tuple[Observation, ...]]
    in_successes: bool


_GEMINI = Rules(gemini.judge, gemini.observe, in_successes=False)
_OTHERS = Rules(generic.judge, generic.observe, in_successes=True)
_RULES = {
    "groq": Rules(generic.judge, groq.observe, in_successes=True),
    "gemini": _GEMINI,
    "openrouter": Rules(openrouter.judge, openrouter.observe, in_successes=False),
    "together_ai": Rules(together_ai.judge, together_ai.observe, in_successes=False),
    "openai": Rules(generic.judge, openai.observe, in_successes=True),
}


def read(provider: str, reply: Reply, now: float) -> Reading:
    """What a reply means for the next request, and the quota windows that it reports.

    provider: LiteLLM's prefix (`groq`, `together_ai` ...). Any other provider is read by rules that fit most
    OpenAI-compatible servers. now: epoch seconds, by the same clock as the moments that providers name.

    Never raises, and reads a bounded part of the reply only. The body of a success is decoded only if it may
    hold an error.
    """
    try:
        return read_strictly(provider, reply, now)
    except Exception:  # whatever a provider sends must not stop the router
        if _is_success(reply.status):
            return NOTHING
        message = "The provider's answer could not be read; it is in cooldown for a while."
        return Reading(Verdict(Kind.unknown, Scope.provider, Hold.cooldown, None, message, True), ())


def read_strictly(provider: str, reply: Reply, now: float) -> Reading:
    """As `read`, but an error in our own code comes out: for the tests."""
    if _is_success(reply.status) and reply.failure is None and bodies.looks_fine(reply.body):
        rules = _RULES.get(provider, _OTHERS)
        return Reading(None, rules.observations(without_error(provider, reply, now))) if rules.in_successes else NOTHING
    e = gather(provider, reply, now)
    rules = _RULES.get(provider) or _rules_by_codes(e)
    observations = rules.observations(e)
    failed = e.failed or gemini.blocked(e)
    return Reading(rules.verdict(e, observations) if failed else None, observations)


def _rules_by_codes(e: Evidence) -> Rules:
    # Gemini also hides behind other prefixes (vertex_ai, a gateway): its error bodies are unmistakable
    return _GEMINI if e.has_code("resource_exhausted", "perproject") else _OTHERS


def _is_success(status: object) -> bool:
    return isinstance(status, int) and 200 <= status < 300
