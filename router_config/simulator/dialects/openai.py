"""OpenAI: six x-ratelimit headers, token buckets, `Request too large` as a 429."""

import math
from collections.abc import Sequence

from router_config.simulator.dialects.base import Moment, duration, tightest
from router_config.simulator.dialects.chat import ChatFormat
from router_config.simulator.exchange import Answer, Ask, Json, Reply
from router_config.simulator.quotas.admission import GateState, Refusal

_WINDOWS = {
    "rpm": ("requests", "requests per min (RPM)"),
    "tpm": ("tokens", "tokens per min (TPM)"),
    "itpm": ("tokens", "input tokens per min (ITPM)"),
    "rpd": ("requests", "requests per day (RPD)"),
    "tpd": ("tokens", "tokens per day (TPD)"),
}
_TYPES = {401: "invalid_request_error", 403: "request_forbidden", 404: "invalid_request_error"}


class OpenAI(ChatFormat):
    name = "openai"
    reserves_max_tokens = True

    def answer(self, ask: Ask, answer: Answer, when: Moment) -> Json:
        return super().answer(ask, answer, when) | {
            "service_tier": "default",
            "system_fingerprint": "fp_simulator",
        }

    def usage(self, ask: Ask, answer: Answer) -> Json:
        return super().usage(ask, answer) | {
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }

    def headers(self, gates: Sequence[GateState], when: Moment) -> dict[str, str]:
        base = {
            "openai-version": "2020-10-01",
            "openai-processing-ms": "12",
            "x-request-id": f"req_sim{when.number}",
        }
        return base | ratelimit_headers(tightest(gates, "rpm", "rpd"), tightest(gates, "tpm"))

    def refusal(self, refusal: Refusal, gates: Sequence[GateState], ask: Ask, when: Moment) -> Reply:
        gate = refusal.gate
        kind, window = _WINDOWS[gate.name]
        of = f"for {ask.model} in organization org-simulator on {window}: Limit {gate.limit}"
        visit = "Visit https://platform.openai.com/account/rate-limits to learn more."
        headers = self.headers(gates, when)
        if gate.name in ("rpm", "rpd"):
            headers |= ratelimit_headers(gate, None)
        if refusal.too_large:
            advice = "The input or output tokens must be reduced in order to run successfully."
            message = f"Request too large {of}, Requested {refusal.requested}. {advice} {visit}"
        else:
            wait = refusal.formula_wait
            message = (
                f"Rate limit reached {of}, Used {gate.used}, Requested {refusal.requested}. "
                f"Please try again in {duration(wait)}. {visit}"
            )
            headers |= {"retry-after": str(math.ceil(wait)), "retry-after-ms": str(math.ceil(wait * 1000))}
        return Reply(429, _error(message, kind, "rate_limit_exceeded"), headers)

    def error(self, status: int, message: str | None = None) -> Reply:
        kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
        return Reply(status, _error(message or "The server had an error processing your request.", kind, None))

    def no_key(self) -> Reply:
        message = (
            "You didn't provide an API key. You need to provide your API key in an Authorization header "
            "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
        )
        return Reply(401, _error(message, "invalid_request_error", None))

    def bad_key(self) -> Reply:
        message = (
            "Incorrect API key provided: sk-****. You can find your API key at "
            "https://platform.openai.com/account/api-keys."
        )
        return Reply(401, _error(message, "invalid_request_error", "invalid_api_key"))

    def unknown_model(self, model: str) -> Reply:
        message = f"The model `{model}` does not exist or you do not have access to it."
        return Reply(404, _error(message, "invalid_request_error", "model_not_found"))

    def retired_model(self, model: str) -> Reply:
        message = (
            f"The model `{model}` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations"
        )
        return Reply(404, _error(message, "invalid_request_error", "model_not_found"))

    def context_exceeded(self, ask: Ask, context: int) -> Reply:
        message = (
            f"This model's maximum context length is {context} tokens. However, your messages resulted in "
            f"{ask.prompt_tokens} tokens. Please reduce the length of the messages."
        )
        error = _error(message, "invalid_request_error", "context_length_exceeded")
        error["error"]["param"] = "messages"
        return Reply(400, error)


def ratelimit_headers(requests: GateState | None, tokens: GateState | None) -> dict[str, str]:
    """Groq's and OpenAI's six headers, for the windows that exist."""
    headers = {}
    for what, gate in (("requests", requests), ("tokens", tokens)):
        if gate is not None:
            headers[f"x-ratelimit-limit-{what}"] = str(gate.limit)
            headers[f"x-ratelimit-remaining-{what}"] = str(gate.remaining)
            headers[f"x-ratelimit-reset-{what}"] = duration(until_full(gate))
    return headers


def until_full(gate: GateState) -> float:
    """Seconds to a full refill, from the whole numbers that the other headers show."""
    return (gate.limit - gate.remaining) * gate.seconds / gate.limit if gate.limit else gate.seconds


def _error(message: str, kind: str, code: str | None) -> Json:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
