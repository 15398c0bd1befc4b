"""Endpoints of LiteLLM besides chats, each with a request to it."""

import contextlib
import io
import ssl
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import openai
import pytest
from litellm.llms.base_llm.chat.transformation import BaseLLMException
from packaging.version import Version
from rig_upstream import Script, Upstream, answer, entry, upstream

from router_config import NoProviderAvailable, Router

LITELLM = Version(version("litellm"))
NO_RESPONSES = Version("1.92") <= LITELLM < Version("1.108") and find_spec("mcp") is None
"""LiteLLM imports mcp (1.92: orjson) for Responses, and does not ask for it."""

HELLO = [{"role": "user", "content": "hello"}]
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32
ENDPOINTS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "images": ("openai", lambda router: router.image_generation(prompt="a chart", model="default")),
    "moderation": ("openai", lambda router: router.moderation(input="hello", model="default")),
    "speech": ("openai", lambda router: router.speech(model="default", input="hello", voice="alloy")),
    "transcription": ("openai", lambda router: router.transcription(file=("a.wav", b"RIFF"), model="default")),
    "responses": ("openai", lambda router: router.responses(input="hello", model="default")),
    "rerank": ("cohere", lambda router: router.rerank(model="default", query="q", documents=["a", "b"])),
    "images of another": ("together_ai", lambda router: router.image_generation(prompt="a chart", model="default")),
    "images of gemini": ("gemini", lambda router: router.image_generation(prompt="a chart", model="default")),
    "images of openrouter": ("openrouter", lambda router: router.image_generation(prompt="a chart", model="default")),
    "an edited image": (
        "openai", lambda router: router.image_edit(image=io.BytesIO(PNG), prompt="a chart", model="default"),
    ),
    "transcription of mistral": (
        "mistral", lambda router: router.transcription(file=("a.wav", b"RIFF"), model="default"),
    ),
    "embeddings of gemini": ("gemini", lambda router: router.embedding(model="default", input=["hello"])),
    "chats of cohere": ("cohere", lambda router: router.completion("default", HELLO)),
    "generated content": (
        "groq", lambda router: router.generate_content("default", [{"role": "user", "parts": [{"text": "hello"}]}]),
    ),
    "text": ("openai", lambda router: router.text_completion(model="default", prompt="hello")),
    "embeddings": ("openai", lambda router: router.embedding(model="default", input=["hello"])),
    "messages": (
        "anthropic",
        lambda router: router._background.run(
            router.anthropic_messages(10, HELLO, "default")
        ),
    ),
}  # fmt: skip
FAILS = (openai.APIError, NoProviderAvailable, BaseLLMException)
REFUSAL = answer({"error": {"message": "unknown parameter", "type": "invalid_request_error"}}, 400)


@contextlib.contextmanager
def asking(
    endpoint: str,
    script: Script,
    tls: ssl.SSLContext | None = None,
    params: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Iterator[tuple[Upstream, Router, Callable[[], None]]]:
    """An upstream, a Router and a request to it that must fail. params: more of the model's `litellm_params`."""
    prefix, ask = ENDPOINTS[endpoint]
    with upstream(script, tls) as provider:
        model = entry(prefix, provider.address)
        model["litellm_params"].update(params or {})
        router = Router([model], timeout=10.0, **settings)

        def failing() -> None:
            with pytest.raises(FAILS):
                ask(router)

        try:
            yield provider, router, failing
        finally:
            router.close()
