"""Answers without a server: LiteLLM reads them as it reads those of the running simulator."""

import asyncio
import json
import subprocess
import sys
from typing import Any, cast

import httpx
import litellm
import openai
import pytest
from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler

from router_config.simulator import CannedAnswer, LimitsError, canned_answer

LITELLM_NAMES = {"together": "together_ai"}
TOOL = {"type": "function", "function": {"name": "trade", "description": "-", "parameters": {"type": "object"}}}


class Answering(httpx.AsyncBaseTransport):
    """A transport that never opens a connection."""

    def __init__(self, answer: CannedAnswer) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.answer.status, headers=self.answer.headers, content=self.answer.body)


async def ask(provider: str, answer: CannedAnswer, **extra: Any) -> Any:
    """LiteLLM's answer to a request that got this one over the wire."""
    name = LITELLM_NAMES.get(provider, provider)
    transport = Answering(answer)
    client: Any
    async with httpx.AsyncClient(transport=transport, verify=False) as http:
        if name == "openai":
            client = openai.AsyncOpenAI(api_key="a-key", http_client=cast(Any, http))
        else:
            client = AsyncHTTPHandler()
            await client.close()
            client.client = http
        messages = [{"role": "user", "content": "hello"}]
        reply = await litellm.acompletion(
            model=f"{name}/some-model", messages=messages, api_key="a-key", client=client, max_retries=0, **extra
        )
        if extra.get("stream"):
            reply = [chunk async for chunk in reply]
    assert len(transport.requests) == 1
    return reply


def test_litellm_reads_a_whole_answer(provider: str) -> None:
    reply = asyncio.run(ask(provider, canned_answer(provider, "some-model")))
    assert reply.choices[0].message.content == "Simulated answer."
    assert reply.choices[0].finish_reason == "stop"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (9, 5)


def test_litellm_reads_a_stream(provider: str) -> None:
    answer = canned_answer(provider, "some-model", stream=True, text="What was said, in several pieces.")
    chunks = asyncio.run(ask(provider, answer, stream=True, stream_options={"include_usage": True}))
    said = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert "".join(said) == "What was said, in several pieces."
    assert len(said) > 1
    assert next(chunk.usage.completion_tokens for chunk in reversed(chunks) if getattr(chunk, "usage", None)) == 9


@pytest.mark.parametrize("stream", [False, True])
def test_litellm_reads_a_tool_call(provider: str, stream: bool) -> None:
    call = {"name": "trade", "arguments": {"symbol": "ACME"}}
    answer = canned_answer(provider, "some-model", stream, tool_call=call)
    # Without the flag LiteLLM imports a package that it does not depend on, whenever there are tools.
    reply = asyncio.run(ask(provider, answer, stream=stream, tools=[TOOL], _skip_mcp_handler=True))
    if stream:
        reply = litellm.stream_chunk_builder(reply)
    function = reply.choices[0].message.tool_calls[0].function
    assert (function.name, json.loads(function.arguments)) == ("trade", {"symbol": "ACME"})


def test_an_embedding(provider: str) -> None:
    answer = canned_answer(provider, "some-model", embedding=True)
    body = json.loads(answer.body)
    vector = body["embedding"]["values"] if provider == "gemini" else body["data"][0]["embedding"]
    assert (answer.status, answer.headers["content-type"], len(vector)) == (200, "application/json", 8)


def test_the_same_arguments_give_the_same_bytes(provider: str) -> None:
    for stream in (False, True):
        assert canned_answer(provider, "m", stream) == canned_answer(LITELLM_NAMES.get(provider, provider), "m", stream)


def test_a_provider_that_is_not_simulated_is_named() -> None:
    with pytest.raises(LimitsError, match="no simulated provider is called 'anthropic'"):
        canned_answer("anthropic", "some-model")


def test_no_server_is_imported() -> None:
    code = "import sys, router_config.simulator; print(sorted({'uvicorn', 'starlette'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
