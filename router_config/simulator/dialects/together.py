"""Together: dynamic limits, no success headers, x-ratelimit-reset in seconds on a 429."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from router_config.simulator.dialects.base import Moment
from router_config.simulator.dialects.chat import ChatFormat
from router_config.simulator.exchange import Ask, Json, Reply
from router_config.simulator.quotas.admission import GateState, Refusal

_DOCS = "See details: https://docs.together.ai/docs/rate-limits"


class Together(ChatFormat):
    name = "together"

    def headers(self, gates: Sequence[GateState], when: Moment) -> dict[str, str]:
        received = datetime.fromtimestamp(when.now, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        return {"x-api-received": received, "x-inference-version": "v2"}

    def refusal(self, refusal: Refusal, gates: Sequence[GateState], ask: Ask, when: Moment) -> Reply:
        requests = refusal.gate.name in ("rpm", "rpd")
        kind = "dynamic_request_limited" if requests else "dynamic_token_limited"
        message = (
            f"Request was rejected due to {'request' if requests else 'token'} rate limiting. "
            f"Your rate limits are {_rates(gates)}. {_DOCS}"
        )
        body = {"id": f"sim{when.number}", **_error(message, kind, None)}
        body["error"]["error_type"] = kind
        wait = refusal.wait if math.isfinite(refusal.wait) else refusal.gate.seconds
        return Reply(429, body, self.headers(gates, when) | {"x-ratelimit-reset": str(math.ceil(wait))})

    def error(self, status: int, message: str | None = None) -> Reply:
        if status == 503:
            kind, default = "service_unavailable", "The server is currently overloaded with other requests."
        elif status >= 500:
            kind, default = "server_error", "Internal server error"
        else:
            kind, default = "invalid_request_error", "The request was refused."
        return Reply(status, {"id": "sim", **_error(message or default, kind, None)})

    def no_key(self) -> Reply:
        return self.bad_key()

    def bad_key(self) -> Reply:
        message = "Invalid API key provided. You can find your API key at https://api.together.ai/settings/api-keys."
        return Reply(401, {"id": "sim", **_error(message, "invalid_request_error", "invalid_api_key")})

    def unknown_model(self, model: str) -> Reply:
        message = (
            f"Unable to access model {model}. Please visit https://api.together.ai/models to view the "
            "list of supported models."
        )
        return Reply(404, {"id": "sim", **_error(message, "invalid_request_error", "model_not_available")})

    def retired_model(self, model: str) -> Reply:
        message = (
            f"Unable to access non-serverless model {model}. Please visit "
            f"https://api.together.ai/models/{model} to create and start a new dedicated endpoint for the "
            "model."
        )
        return Reply(400, {"id": "sim", **_error(message, "invalid_request_error", "model_not_available")})

    def context_exceeded(self, ask: Ask, context: int) -> Reply:
        total = ask.prompt_tokens + (ask.max_tokens or 0)
        message = (
            f"Input validation error: `inputs` tokens + `max_new_tokens` must be <= {context}. Given: "
            f"{ask.prompt_tokens} `inputs` tokens and {total - ask.prompt_tokens} `max_new_tokens`"
        )
        return Reply(422, {"id": "sim", **_error(message, "invalid_request_error", None)})


def _rates(gates: Sequence[GateState]) -> str:
    limits = {gate.name: gate.limit for gate in gates}
    parts = []
    if rpm := limits.get("rpm"):
        parts.append(f"{rpm} RPM ({max(1, rpm // 60)} QPS)")
    if tpm := limits.get("tpm"):
        parts.append(f"{tpm} TPM ({tpm // 60} tokens per second)")
    parts += [f"{limits[name]} {name.upper()}" for name in ("rpd", "tpd") if name in limits]
    return " and ".join(parts)


def _error(message: str, kind: str, code: str | None) -> Json:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
