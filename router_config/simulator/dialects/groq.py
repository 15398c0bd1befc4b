"""Groq: token buckets, requests per day and tokens per minute in the headers, 413 for what never fits."""

import math
from collections.abc import Sequence

from router_config.simulator.dialects.base import Stamp, duration, tightest
from router_config.simulator.dialects.chat import ChatFormat
from router_config.simulator.dialects.openai import ratelimit_headers
from router_config.simulator.messages import Answer, Json, Request, Response
from router_config.simulator.quotas.admission import Refusal, WindowState

_WINDOWS = {
    "rpm": ("requests", "requests per minute (RPM)"),
    "tpm": ("tokens", "tokens per minute (TPM)"),
    "itpm": ("tokens", "input tokens per minute (ITPM)"),
    "rpd": ("requests", "requests per day (RPD)"),
    "tpd": ("tokens", "tokens per day (TPD)"),
}
_MORE = "Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing"


class Groq(ChatFormat):
    name = "groq"
    reserves_max_tokens = True
    base = "/openai/v1"

    def answer(self, request: Request, answer: Answer, stamp: Stamp) -> Json:
        return super().answer(request, answer, stamp) | {
            "system_fingerprint": "fp_simulator",
            "x_groq": {"id": f"req_sim{stamp.number}"},
            "service_tier": "on_demand",
        }

    def usage(self, request: Request, answer: Answer) -> Json:
        prompt, completion = request.prompt_tokens / 10_000, answer.completion_tokens / 500
        times = {"prompt_time": prompt, "completion_time": completion, "total_time": prompt + completion}
        return {"queue_time": 0.01} | super().usage(request, answer) | times

    def last_chunk(self, request: Request, answer: Answer, stamp: Stamp) -> Json:
        return {"x_groq": {"id": f"req_sim{stamp.number}", "usage": self.usage(request, answer)}}

    def headers(self, windows: Sequence[WindowState], stamp: Stamp) -> dict[str, str]:
        limits = ratelimit_headers(tightest(windows, "rpd"), tightest(windows, "tpm"))
        return limits | {"x-groq-region": "sim", "x-request-id": f"req_sim{stamp.number}", "vary": "Origin"}

    def refusal(self, refusal: Refusal, windows: Sequence[WindowState], request: Request, stamp: Stamp) -> Response:
        window = refusal.window
        kind, words = _WINDOWS[window.name]
        of = (
            f"for model `{request.model}` in organization `org_simulator` service tier `on_demand` "
            f"on {words}: Limit {window.limit}"
        )
        if refusal.too_large:
            advice = "please reduce your message size and try again."
            message = f"Request too large {of}, Requested {refusal.requested}, {advice} {_MORE}"
            wait = (
                max(0.0, (refusal.requested - window.limit) / window.limit * window.seconds)
                if window.limit
                else window.seconds
            )
            status = 413
        else:
            wait = refusal.formula_wait
            message = (
                f"Rate limit reached {of}, Used {window.used}, Requested {refusal.requested}. "
                f"Please try again in {duration(wait)}. {_MORE}"
            )
            status = 429
        headers = self.headers(windows, stamp) | {"retry-after": str(math.ceil(wait))}
        return Response(status, _error(message, kind, "rate_limit_exceeded"), headers)

    def error(self, status: int, message: str | None = None) -> Response:
        if status >= 500:
            return Response(status, _error(message or "Internal Server Error", "internal_server_error", None))
        return Response(status, _error(message or "The request was refused.", "invalid_request_error", None))

    def no_key(self) -> Response:
        return self.bad_key()

    def bad_key(self) -> Response:
        return Response(401, _error("Invalid API Key", "invalid_request_error", "invalid_api_key"))

    def unknown_model(self, model: str) -> Response:
        message = f"The model `{model}` does not exist or you do not have access to it."
        return Response(404, _error(message, "invalid_request_error", "model_not_found"))

    def retired_model(self, model: str) -> Response:
        message = (
            f"The model `{model}` has been decommissioned and is no longer supported. Please refer to "
            "https://console.groq.com/docs/deprecations for a recommendation on which model to use instead."
        )
        return Response(400, _error(message, "invalid_request_error", "model_decommissioned"))

    def context_exceeded(self, request: Request, context: int) -> Response:
        message = "Please reduce the length of the messages or completion."
        error = _error(message, "invalid_request_error", "context_length_exceeded")
        error["error"]["param"] = "messages"
        return Response(400, error)


def _error(message: str, kind: str, code: str | None) -> Json:
    error = {"message": message, "type": kind}
    return {"error": error if code is None else error | {"code": code}}
