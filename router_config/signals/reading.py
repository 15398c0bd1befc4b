"""The two questions that the router asks of a reply, for any provider and any bytes."""

from __future__ import annotations

from types import ModuleType

from router_config.signals import body as bodies
from router_config.signals import gemini, generic, groq, openai, openrouter, together_ai
from router_config.signals.evidence import Evidence, gather
from router_config.signals.types import Hold, Kind, Observation, Reply, Scope, Verdict

_MODULES: dict[str, ModuleType] = {
    "groq": groq,
    "gemini": gemini,
    "openrouter": openrouter,
    "together_ai": together_ai,
    "openai": openai,
}


def judge(provider: str, reply: Reply, now: float) -> Verdict | None:
    """What a reply means for the next request; None for a success (a 2xx without an error inside).

    provider: LiteLLM's prefix (`groq`, `together_ai` …); one outside the five is read by the general rules.
    now: epoch seconds. Never raises, and reads a bounded part of the reply only.
    """
    try:
        return judge_strictly(provider, reply, now)
    except Exception:  # whatever a provider sends must not stop the router
        if _is_success(reply.status):
            return None
        message = "The provider's answer could not be read; it is left alone for a while."
        return Verdict(Kind.unknown, Scope.provider, Hold.cooldown, None, message, True)


def observe(provider: str, reply: Reply, now: float) -> tuple[Observation, ...]:
    """The quota windows that a reply reports, one observation for each; mostly none. Never raises."""
    try:
        return observe_strictly(provider, reply, now)
    except Exception:
        return ()


def judge_strictly(provider: str, reply: Reply, now: float) -> Verdict | None:
    """As `judge`, but an error in our own reading comes out: for the tests."""
    if _is_success(reply.status) and reply.failure is None and bodies.looks_fine(reply.body):
        return None
    e = gather(provider, reply, now)
    module = _module_for(e)
    if not e.failed and not gemini.blocked(e):
        return None
    verdict: Verdict = module.judge(e, module.observe(e))
    return verdict


def observe_strictly(provider: str, reply: Reply, now: float) -> tuple[Observation, ...]:
    """As `observe`, but an error in our own reading comes out: for the tests."""
    e = gather(provider, reply, now)
    observations: tuple[Observation, ...] = _module_for(e).observe(e)
    return observations


def _is_success(status: object) -> bool:
    return isinstance(status, int) and 200 <= status < 300


def _module_for(e: Evidence) -> ModuleType:
    known = _MODULES.get(e.provider)
    # Gemini also hides behind other prefixes (vertex_ai, a gateway): its error bodies are unmistakable
    return known or (gemini if e.has_code("resource_exhausted", "perproject") else generic)
