"""OpenRouter: one account-wide counter over the free models, epoch milliseconds, no success headers."""

from collections.abc import Sequence

from router_config.simulator.dialects.base import Moment
from router_config.simulator.dialects.chat import ChatFormat
from router_config.simulator.exchange import Answer, Ask, Json, Reply
from router_config.simulator.quotas.admission import GateState, Refusal

_USER = "user_simulator"
_MORE = "Add 10 credits to unlock 1000 free model requests per day"


class OpenRouter(ChatFormat):
    name = "openrouter"
    base = "/api/v1"

    def answer(self, ask: Ask, answer: Answer, when: Moment) -> Json:
        complete = super().answer(ask, answer, when)
        complete["choices"][0]["native_finish_reason"] = answer.finish
        return complete | {"id": f"gen-sim{when.number}", "provider": "Simulator"}

    def headers(self, gates: Sequence[GateState], when: Moment) -> dict[str, str]:
        return {"access-control-allow-origin": "*", "X-Generation-Id": f"gen-sim{when.number}"}

    def error_event(self) -> bytes:
        return (
            b'data: {"id":"gen-sim","object":"chat.completion.chunk","created":0,"model":"simulator",'
            b'"provider":"Simulator","error":{"code":502,"message":"Provider disconnected mid-stream"},'
            b'"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\n'
        )

    def refusal(self, refusal: Refusal, gates: Sequence[GateState], ask: Ask, when: Moment) -> Reply:
        gate = refusal.gate
        limits = {
            "X-RateLimit-Limit": str(gate.limit),
            "X-RateLimit-Remaining": str(gate.remaining),
            "X-RateLimit-Reset": str(round((when.now + gate.full_after) * 1000)),
        }
        metadata: Json = {"headers": limits}
        if gate.name in ("rpd", "tpd"):
            message = "Rate limit exceeded: free-models-per-day. " + _MORE
            metadata["limit_source"] = "openrouter_free_tier_daily"
        else:
            message = "Rate limit exceeded: free-models-per-min. "
            metadata["provider_name"] = None
        metadata["error_type"] = "rate_limit_exceeded"
        body = {"error": {"message": message, "code": 429, "metadata": metadata}, "user_id": _USER}
        return Reply(429, body, {"access-control-allow-origin": "*"} | limits)

    def error(self, status: int, message: str | None = None) -> Reply:
        error: Json = {"message": message or "Provider returned error", "code": status}
        if status >= 500:
            error["metadata"] = {"error_type": "provider_unavailable"}
        return Reply(status, {"error": error})

    def no_key(self) -> Reply:
        return self.error(401, "Missing Authentication header")

    def bad_key(self) -> Reply:
        return self.error(401, "User not found.")

    def unknown_model(self, model: str) -> Reply:
        body = {"error": {"message": f"{model} is not a valid model ID", "code": 400}, "user_id": _USER}
        return Reply(400, body)

    def retired_model(self, model: str) -> Reply:
        if not model.endswith(":free"):
            return Reply(404, {"error": {"message": f"No endpoints found for {model}.", "code": 404}})
        message = (
            "This model is unavailable for free. The paid version is available now - use this slug instead: "
            + model.removesuffix(":free")
        )
        return Reply(404, {"error": {"message": message, "code": 404}, "user_id": _USER})

    def context_exceeded(self, ask: Ask, context: int) -> Reply:
        return self.error(
            400,
            f"This endpoint's maximum context length is {context} tokens. However, you requested about "
            f"{ask.prompt_tokens + (ask.max_tokens or 0)} tokens ({ask.prompt_tokens} of text input). "
            'Please reduce the length of either one, or use the "middle-out" transform to compress '
            "your prompt automatically.",
        )
