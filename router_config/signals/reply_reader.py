"""`read`: which provider's rules apply to a reply, and what they say of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from router_config.signals import error_body
from router_config.signals.missing_abilities import missing_abilities, most_answered, most_taken
from router_config.signals.parsed_reply import ParsedReply, limit_headers, of_headers, parse
from router_config.signals.providers import common_rules, gemini, groq, openai, openrouter, together_ai
from router_config.signals.types import Hold, Kind, Observation, Reading, Reply, Scope, Verdict

NOTHING = Reading(None, ())


@dataclass(frozen=True, slots=True)
class Rules:
    """How one provider's replies are read.

    verdict: what a failure means. observations: the quota windows that a reply reports. in_successes: whether
    successes report any, too.
    """

    verdict: Callable[[ParsedReply], Verdict]
    observations: Callable[[ParsedReply], tuple[Observation, ...]]
    in_successes: bool


_COMMON = Rules(common_rules.verdict, common_rules.observations, in_successes=True)
_GEMINI = Rules(gemini.verdict, gemini.observations, in_successes=False)
_RULES = {
    "groq": Rules(common_rules.verdict, groq.observations, in_successes=True),
    "gemini": _GEMINI,
    "openrouter": Rules(openrouter.verdict, openrouter.observations, in_successes=False),
    "together_ai": Rules(together_ai.verdict, together_ai.observations, in_successes=False),
    "openai": Rules(common_rules.verdict, openai.observations, in_successes=True),
}


def read(provider: str, reply: Reply, now: float) -> Reading:
    """What a reply means for the next request, and the quota windows that it reports.

    provider: LiteLLM's name, such as `groq` or `together_ai`. Replies of a provider other than the five are read
    by rules that hold for most OpenAI-compatible servers. now: epoch seconds, true to the wall clock, since
    providers name moments.

        reading = read("groq", Reply(429, {"retry-after": "7"}, b'{"error": {"message": "Rate limit reached"}}'), now)
        reading.verdict.until - now  # 7.5

    Never raises, whatever a provider sends, and looks at a bounded part of it. The body of a success is decoded
    only if it may hold an error.
    """
    try:
        return read_strictly(provider, reply, now)
    except Exception:
        if _is_success(reply.status):
            return NOTHING
        message = "The provider's answer could not be read; it is in cooldown."
        return Reading(Verdict(Kind.unknown, Scope.provider, Hold.cooldown, None, message, True), ())


def read_strictly(provider: str, reply: Reply, now: float) -> Reading:
    """As `read`, but raises what our own code raises: for tests."""
    body = reply.body
    if _is_success(reply.status) and reply.failure is None and (body is None or error_body.cannot_hold_error(body)):
        rules = _RULES.get(provider, _COMMON)
        headers = limit_headers(reply.headers) if rules.in_successes else None
        return Reading(None, rules.observations(of_headers(provider, headers, now))) if headers else NOTHING
    parsed = parse(provider, reply, now)
    rules = _RULES.get(provider) or _rules_by_codes(parsed)
    observations = rules.observations(parsed)
    failed = parsed.failed or gemini.blocked(parsed)
    if not failed:
        return Reading(None, observations)
    return Reading(
        _with_abilities(rules.verdict(parsed._replace(observations=observations)), parsed.text), observations
    )


def _with_abilities(verdict: Verdict, text: str) -> Verdict:
    """The verdict with what the refusal says the model cannot do."""
    if verdict.kind is Kind.bad_request:
        return replace(verdict, lacks=missing_abilities(text), answers=most_answered(text))
    if verdict.kind in (Kind.context_window, Kind.too_large):
        return replace(verdict, takes=most_taken(text), answers=most_answered(text))
    return verdict


def _rules_by_codes(reply: ParsedReply) -> Rules:
    # Gemini is also reached under other names (vertex_ai, a gateway). Its error bodies are unmistakable.
    return _GEMINI if reply.has_code("resource_exhausted", "perproject") else _COMMON


def _is_success(status: object) -> bool:
    return isinstance(status, int) and 200 <= status < 300
