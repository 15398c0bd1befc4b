"""A simulator on a frozen clock, and a client that speaks each provider's language."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from router_config.simulator import PROVIDERS, Simulator

NOON = 1795435200.0  # 2026-11-23 12:00:00 UTC, the start of a minute

Json = dict[str, Any]


class Client:
    """Asks the simulated providers over HTTP."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.http = httpx.Client(timeout=10, verify=False)  # loading certificates takes longer than a test

    def ask(
        self,
        provider: str,
        text: str = "hello",
        *,
        model: str = "some-model:free",
        key: str | None = "a-key",
        max_tokens: int | None = None,
        stream: bool = False,
        base: str | None = None,
        **extra: Any,
    ) -> httpx.Response:
        url, headers, body = self.request(provider, text, model, key, max_tokens, stream, base)
        return self.http.post(url, headers=headers, json=body | extra)

    def request(
        self,
        provider: str,
        text: str = "hello",
        model: str = "some-model:free",
        key: str | None = "a-key",
        max_tokens: int | None = None,
        stream: bool = False,
        base: str | None = None,
    ) -> tuple[str, dict[str, str], Json]:
        base = base or self.simulator.api_base(provider)
        if provider == "gemini":
            method = "streamGenerateContent?alt=sse" if stream else "generateContent"
            body: Json = {"contents": [{"role": "user", "parts": [{"text": text}]}]}
            if max_tokens is not None:
                body["generationConfig"] = {"maxOutputTokens": max_tokens}
            headers = {} if key is None else {"x-goog-api-key": key}
            return f"{base}/models/{model}:{method}", headers, body
        body = {"model": model, "messages": [{"role": "user", "content": text}]}
        if max_tokens is not None:
            body["max_tokens"] = max_tokens
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return f"{base}/chat/completions", headers, body


def text_in(provider: str, reply: httpx.Response) -> str:
    if provider == "gemini":
        return str(reply.json()["candidates"][0]["content"]["parts"][0]["text"])
    return str(reply.json()["choices"][0]["message"]["content"])


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until the server's thread has noticed."""
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end, "waited 5 s in vain"
        time.sleep(0.005)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator({}, clock=lambda: NOON) as running:
        yield running


@pytest.fixture
def client(simulator: Simulator) -> Iterator[Client]:
    client = Client(simulator)
    with client.http:
        yield client


@pytest.fixture(autouse=True)
def _server_is_content(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever is broken off on purpose, the server itself never fails."""
    yield
    assert not [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")]


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)
