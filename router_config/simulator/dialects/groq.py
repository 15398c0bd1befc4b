"""Groq: token buckets, requests per day and tokens per minute in the headers, 413 for what never fits."""

import math
from collections.abc import Sequence

from router_config.simulator.dialects.base import Stamp, duration, tightest
from router_config.simulator.dialects.chat import ChatFormat
from router_config.simulator.dialects.openai import limit_words, ratelimit_headers
from router_config.simulator.messages import Answer, Json, Request, Response
from router_config.simulator.quotas.admission import Refusal, WindowState

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
        kind, words = limit_words(window)
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
            wait = refusal.stated_wait
            message = (
                f"Rate limit reached {of}, Used {window.used}, Requested {refusal.requested}. "
                f"Please try again in {duration(wait)}. {_MORE}"
            )
            status = 429
        headers = self.headers(windows, stamp) | {"retry-after": str(math.ceil(wait))}
        return Response(status, self.problem(message, kind, "rate_limit_exceeded"), headers)

    def problem(self, message: str, kind: str = "invalid_request_error", code: str | None = None) -> Json:
        error = {"message": message, "type": kind}
        return {"error": error if code is None else error | {"code": code}}

    def error(self, status: int, message: str | None = None) -> Response:
        if status >= 500:
            return Response(status, self.problem(message or "Internal Server Error", "internal_server_error"))
        return Response(status, self.problem(message or "The request was refused."))

    def no_key(self) -> Response:
        return self.bad_key()

    def bad_key(self) -> Response:
        return Response(401, self.problem("Invalid API Key", code="invalid_api_key"))

    def retired_model(self, model: str) -> Response:
        message = (
            f"The model `{model}` has been decommissioned and is no longer supported. Please refer to "
            "https://console.groq.com/docs/deprecations for a recommendation on which model to use instead."
        )
        return Response(400, self.problem(message, code="model_decommissioned"))

    def context_exceeded(self, request: Request, context: int) -> Response:
        return self.too_long("Please reduce the length of the messages or completion.")
