"""OpenAI: six x-ratelimit headers, token buckets, `Request too large` as a 429."""

import math
from collections.abc import Sequence

from router_config.simulator.dialects.base import Stamp, duration, tightest
from router_config.simulator.dialects.chat import ChatFormat
from router_config.simulator.messages import Answer, Json, Request, Response
from router_config.simulator.quotas.admission import Refusal, WindowState

_NOUNS = {
    "requests": "requests",
    "tokens": "tokens",
    "input": "input tokens",
    "output": "output tokens",
    "usd": "dollars",
    "open": "concurrent requests",
}
_BUDGET_SPENT = (
    "You exceeded your current quota, please check your plan and billing details. For more information on this error, "
    "read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
)
_TYPES = {401: "invalid_request_error", 403: "request_forbidden", 404: "invalid_request_error"}


class OpenAI(ChatFormat):
    name = "openai"
    reserves_max_tokens = True

    def answer(self, request: Request, answer: Answer, stamp: Stamp) -> Json:
        return super().answer(request, answer, stamp) | {
            "service_tier": "default",
            "system_fingerprint": "fp_simulator",
        }

    def usage(self, request: Request, answer: Answer) -> Json:
        return super().usage(request, answer) | {
            "prompt_tokens_details": {"cached_tokens": request.cached_tokens, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }

    def headers(self, windows: Sequence[WindowState], stamp: Stamp) -> dict[str, str]:
        base = {
            "openai-version": "2020-10-01",
            "openai-processing-ms": "12",
            "x-request-id": f"req_sim{stamp.number}",
        }
        return base | ratelimit_headers(tightest(windows, "rpm", "rpd"), tightest(windows, "tpm"))

    def refusal(self, refusal: Refusal, windows: Sequence[WindowState], request: Request, stamp: Stamp) -> Response:
        window = refusal.window
        if window.kind.what == "usd":
            return Response(429, self.problem(_BUDGET_SPENT, "insufficient_quota", "insufficient_quota"))
        kind, words = limit_words(window, minute="min")
        limit = f"{words}: Limit {window.limit}"
        of = f"for {request.model} in organization org-simulator on {limit}"
        link = "Visit https://platform.openai.com/account/rate-limits to learn more."
        headers = self.headers(windows, stamp)
        if window.of_requests and window.kind.unit != "open":
            headers |= ratelimit_headers(window, None)
        if refusal.too_large:
            advice = "The input or output tokens must be reduced in order to run successfully."
            message = f"Request too large {of}, Requested {refusal.requested}. {advice} {link}"
        else:
            wait = refusal.stated_wait
            message = (
                f"Rate limit reached {of}, Used {window.used}, Requested {refusal.requested}. "
                f"Please try again in {duration(wait)}. {link}"
            )
            headers |= {"retry-after": str(math.ceil(wait)), "retry-after-ms": str(math.ceil(wait * 1000))}
        return Response(429, self.problem(message, kind, "rate_limit_exceeded"), headers)

    def error(self, status: int, message: str | None = None) -> Response:
        kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
        return Response(status, self.problem(message or "The server had an error processing your request.", kind))

    def no_key(self) -> Response:
        message = (
            "You didn't provide an API key. You need to provide your API key in an Authorization header "
            "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
        )
        return Response(401, self.problem(message))

    def bad_key(self) -> Response:
        message = (
            "Incorrect API key provided: sk-****. You can find your API key at "
            "https://platform.openai.com/account/api-keys."
        )
        return Response(401, self.problem(message, code="invalid_api_key"))

    def retired_model(self, model: str) -> Response:
        message = (
            f"The model `{model}` has been deprecated, learn more here: https://platform.openai.com/docs/deprecations"
        )
        return Response(404, self.problem(message, code="model_not_found"))

    def context_exceeded(self, request: Request, context: int) -> Response:
        message = (
            f"This model's maximum context length is {context} tokens. However, your messages resulted in "
            f"{request.prompt_tokens} tokens. Please reduce the length of the messages."
        )
        return self.too_long(message)


def limit_words(window: WindowState, minute: str = "minute") -> tuple[str, str]:
    """Groq's and OpenAI's words for a limit: what it counts, and the limit in a sentence.

    Recorded are those of minutes and days; the others are made in the same way.
    """
    counts = "requests" if window.of_requests else "tokens"
    what, unit, seconds = window.kind
    if unit == "open":
        return counts, _NOUNS[what]
    if unit == "odd":
        return counts, f"{_NOUNS[what]} per {seconds:g} seconds"
    short = "" if what == "usd" else f" ({window.name.upper()})"
    return counts, f"{_NOUNS[what]} per {minute if unit == 'minute' else unit}{short}"


def ratelimit_headers(requests: WindowState | None, tokens: WindowState | None) -> dict[str, str]:
    """Groq's and OpenAI's six headers, for the windows that exist."""
    headers = {}
    for what, window in (("requests", requests), ("tokens", tokens)):
        if window is not None:
            headers[f"x-ratelimit-limit-{what}"] = str(window.limit)
            headers[f"x-ratelimit-remaining-{what}"] = str(window.remaining)
            headers[f"x-ratelimit-reset-{what}"] = duration(until_full(window))
    return headers


def until_full(window: WindowState) -> float:
    """Seconds to a full refill, from the whole numbers that the other headers show."""
    return (window.limit - window.remaining) * window.seconds / window.limit if window.limit else window.seconds
