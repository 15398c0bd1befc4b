"""The openai SDK as LiteLLM uses it: one request a call, and no typed copies of a chat.

LiteLLM builds the request of plain values and turns the answer into plain values at once. What the SDK checks and
copies in between is a fifth of the time of a call (openai 2.47, LiteLLM 1.106.2).
"""

from functools import cached_property
from typing import Any, Final

import httpx
import openai
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionMessage
from openai.types.chat.chat_completion import Choice
from openai.types.completion_usage import CompletionTokensDetails, PromptTokensDetails
from pydantic import BaseModel


class OneRequestSDK(openai.AsyncOpenAI):
    """LiteLLM sets retries of its own on the client of providers that name none (1.106.2)."""

    @property
    def max_retries(self) -> int:
        return 0

    @max_retries.setter
    def max_retries(self, number: int) -> None: ...

    @cached_property
    def chat(self) -> Any:
        return PlainChat(self)


class PlainChat:
    """`chat.completions.with_raw_response`, all that LiteLLM asks of the SDK's chat. Streams go the SDK's way."""

    def __init__(self, sdk: openai.AsyncOpenAI) -> None:
        self._sdk = sdk
        self.completions = self.with_raw_response = self

    @cached_property
    def _streams(self) -> Any:
        from openai.resources.chat import AsyncChat  # With all the resources of the SDK, a second.

        return AsyncChat(self._sdk).completions.with_raw_response

    async def create(
        self,
        *,
        stream: bool | None = None,
        timeout: Any = None,
        extra_headers: Any = None,
        extra_query: Any = None,
        extra_body: Any = None,
        **body: Any,
    ) -> Any:
        """Raises the SDK's errors."""
        extra = {"extra_headers": extra_headers, "extra_query": extra_query, "extra_body": extra_body}
        if stream:
            return await self._streams.create(stream=True, timeout=timeout, **extra, **body)
        if stream is not None:
            body["stream"] = stream
        given = {"headers": extra_headers, "params": extra_query, "extra_json": extra_body}
        options: Any = {"timeout": timeout} | {name: value for name, value in given.items() if value is not None}
        response = await self._sdk.post("/chat/completions", cast_to=httpx.Response, body=body, options=options)
        return RawAnswer(response)


class RawAnswer:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.headers = response.headers

    def parse(self) -> Any:
        """The answer with a `model_dump`, as of the SDK's model; a text where it is no JSON."""
        if "json" not in self.headers.get("content-type", ""):
            return self._response.text
        answer = self._response.json()
        return PlainAnswer(answer) if isinstance(answer, dict) else answer


class PlainAnswer:
    def __init__(self, answer: dict[str, Any]) -> None:
        self._answer = answer

    def model_dump(self) -> dict[str, Any]:
        """As the SDK's model gives it: what the provider left out is None."""
        choices = [
            {**CHOICE, **choice, "message": {**MESSAGE, **(choice.get("message") or {})}}
            for choice in self._answer.get("choices") or ()
        ]
        return {**ANSWER, **self._answer, "choices": choices, "usage": _usage(self._answer.get("usage"))}


def _usage(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    usage = {**USAGE, **given}
    for name, details in DETAILS.items():
        if usage[name] is not None:
            usage[name] = {**details, **usage[name]}
    return usage


def _left_out(model: type[BaseModel]) -> dict[str, None]:
    return {name: None for name, field in model.model_fields.items() if not field.is_required()}


ANSWER: Final = _left_out(ChatCompletion)
CHOICE: Final = _left_out(Choice)
MESSAGE: Final = _left_out(ChatCompletionMessage)
USAGE: Final = _left_out(CompletionUsage)
DETAILS: Final = {
    "completion_tokens_details": _left_out(CompletionTokensDetails),
    "prompt_tokens_details": _left_out(PromptTokensDetails),
}
