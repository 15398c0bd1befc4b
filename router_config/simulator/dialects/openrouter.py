"""OpenRouter: one account-wide counter over the free models, epoch milliseconds, no success headers."""

from collections.abc import Sequence

from router_config.simulator.dialects.base import Stamp
from router_config.simulator.dialects.chat import ChatFormat
from router_config.simulator.messages import Answer, Json, Request, Response
from router_config.simulator.quotas.admission import Refusal, WindowState

_USER = "user_simulator"
_MORE = "Add 10 credits to unlock 1000 free model requests per day"


class OpenRouter(ChatFormat):
    name = "openrouter"
    base = "/api/v1"

    def endpoint(self, path: str) -> str | None:
        return "account" if path == f"{self.base}/key" else super().endpoint(path)

    def answer(self, request: Request, answer: Answer, stamp: Stamp) -> Json:
        complete = super().answer(request, answer, stamp)
        complete["choices"][0]["native_finish_reason"] = answer.finish
        return complete | {"id": f"gen-sim{stamp.number}", "provider": "Simulator"}

    def headers(self, windows: Sequence[WindowState], stamp: Stamp) -> dict[str, str]:
        return {"access-control-allow-origin": "*", "X-Generation-Id": f"gen-sim{stamp.number}"}

    def error_event(self) -> bytes:
        return (
            b'data: {"id":"gen-sim","object":"chat.completion.chunk","created":0,"model":"simulator",'
            b'"provider":"Simulator","error":{"code":502,"message":"Provider disconnected mid-stream"},'
            b'"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}\n\n'
        )

    def refusal(self, refusal: Refusal, windows: Sequence[WindowState], request: Request, stamp: Stamp) -> Response:
        window = refusal.window
        if window.kind.what == "usd":
            period = {"day": "daily", "month": "monthly"}[window.kind.unit]
            return self.error(403, f"Key limit exceeded ({period} limit). Manage it using your key's settings.")
        limits = {
            "X-RateLimit-Limit": str(window.limit),
            "X-RateLimit-Remaining": str(window.remaining),
            "X-RateLimit-Reset": str(round((stamp.now + window.full_after) * 1000)),
        }
        metadata: Json = {"headers": limits}
        if window.kind.unit == "open":
            message = "Rate limit exceeded: too many concurrent requests. "
            metadata["provider_name"] = None
        elif window.kind.unit != "minute":
            message = "Rate limit exceeded: free-models-per-day. " + _MORE
            metadata["limit_source"] = "openrouter_free_tier_daily"
        else:
            message = "Rate limit exceeded: free-models-per-min. "
            metadata["provider_name"] = None
        metadata["error_type"] = "rate_limit_exceeded"
        body = {"error": {"message": message, "code": 429, "metadata": metadata}, "user_id": _USER}
        return Response(429, body, {"access-control-allow-origin": "*"} | limits)

    def error(self, status: int, message: str | None = None) -> Response:
        error: Json = {"message": message or "Provider returned error", "code": status}
        if status >= 500:
            error["metadata"] = {"error_type": "provider_unavailable"}
        return Response(status, {"error": error})

    def no_key(self) -> Response:
        return self.error(401, "Missing Authentication header")

    def bad_key(self) -> Response:
        return self.error(401, "User not found.")

    def unknown_model(self, model: str) -> Response:
        body = {"error": {"message": f"{model} is not a valid model ID", "code": 400}, "user_id": _USER}
        return Response(400, body)

    def retired_model(self, model: str) -> Response:
        if not model.endswith(":free"):
            return Response(404, {"error": {"message": f"No endpoints found for {model}.", "code": 404}})
        message = (
            "This model is unavailable for free. The paid version is available now - use this slug instead: "
            + model.removesuffix(":free")
        )
        return Response(404, {"error": {"message": message, "code": 404}, "user_id": _USER})

    def context_exceeded(self, request: Request, context: int) -> Response:
        return self.error(
            400,
            f"This endpoint's maximum context length is {context} tokens. However, you requested about "
            f"{request.prompt_tokens + (request.max_tokens or 0)} tokens ({request.prompt_tokens} of text input). "
            'Please reduce the length of either one, or use the "middle-out" transform to compress '
            "your prompt automatically.",
        )
