"""Together: dynamic limits, no success headers, x-ratelimit-reset in seconds on a 429."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from router_config.simulator.dialects.base import Stamp
from router_config.simulator.dialects.chat import ChatFormat
from router_config.simulator.messages import Json, Request, Response
from router_config.simulator.quotas.admission import Refusal, WindowState

_DOCS = "See details: https://docs.together.ai/docs/rate-limits"


class Together(ChatFormat):
    name = "together"

    def headers(self, windows: Sequence[WindowState], stamp: Stamp) -> dict[str, str]:
        received = datetime.fromtimestamp(stamp.now, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return {"x-api-received": received, "x-inference-version": "v2"}

    def refusal(self, refusal: Refusal, windows: Sequence[WindowState], request: Request, stamp: Stamp) -> Response:
        if refusal.window.kind.what == "usd":
            return Response(402, self.problem("Credit limit exceeded, please add credits.", "credit_limit"))
        requests = refusal.window.of_requests
        kind = "dynamic_request_limited" if requests else "dynamic_token_limited"
        message = (
            f"Request was rejected due to {'request' if requests else 'token'} rate limiting. "
            f"Your rate limits are {_rates(windows)}. {_DOCS}"
        )
        body = self.problem(message, kind) | {"id": f"sim{stamp.number}"}
        body["error"]["error_type"] = kind
        wait = refusal.wait if math.isfinite(refusal.wait) else refusal.window.seconds
        return Response(429, body, self.headers(windows, stamp) | {"x-ratelimit-reset": str(math.ceil(wait))})

    def problem(self, message: str, kind: str = "invalid_request_error", code: str | None = None) -> Json:
        return {"id": "sim", **super().problem(message, kind, code)}

    def error(self, status: int, message: str | None = None) -> Response:
        if status == 503:
            kind, default = "service_unavailable", "The server is currently overloaded with other requests."
        elif status >= 500:
            kind, default = "server_error", "Internal server error"
        else:
            kind, default = "invalid_request_error", "The request was refused."
        return Response(status, self.problem(message or default, kind))

    def no_key(self) -> Response:
        return self.bad_key()

    def bad_key(self) -> Response:
        message = "Invalid API key provided. You can find your API key at https://api.together.ai/settings/api-keys."
        return Response(401, self.problem(message, code="invalid_api_key"))

    def unknown_model(self, model: str) -> Response:
        message = (
            f"Unable to access model {model}. Please visit https://api.together.ai/models to view the "
            "list of supported models."
        )
        return Response(404, self.problem(message, code="model_not_available"))

    def retired_model(self, model: str) -> Response:
        message = (
            f"Unable to access non-serverless model {model}. Please visit "
            f"https://api.together.ai/models/{model} to create and start a new dedicated endpoint for the "
            "model."
        )
        return Response(400, self.problem(message, code="model_not_available"))

    def context_exceeded(self, request: Request, context: int) -> Response:
        total = request.prompt_tokens + (request.max_tokens or 0)
        message = (
            f"Input validation error: `inputs` tokens + `max_new_tokens` must be <= {context}. Given: "
            f"{request.prompt_tokens} `inputs` tokens and {total - request.prompt_tokens} `max_new_tokens`"
        )
        return Response(422, self.problem(message))


def _rates(windows: Sequence[WindowState]) -> str:
    limits = {window.name: window.limit for window in windows}
    parts = []
    if rpm := limits.get("rpm"):
        parts.append(f"{rpm} RPM ({max(1, rpm // 60)} QPS)")
    if tpm := limits.get("tpm"):
        parts.append(f"{tpm} TPM ({tpm // 60} tokens per second)")
    parts += [f"{limits[name]} {name.upper()}" for name in ("rpd", "tpd") if name in limits]
    return " and ".join(parts)
