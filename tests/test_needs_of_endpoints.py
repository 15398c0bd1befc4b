"""Endpoints besides chats have argument shapes of their own: what they need is gated and learned as in chats."""

from typing import Any

import pytest
from litellm.exceptions import BadRequestError
from rig import MakeRouter
from rig_abilities import TOOLS, refuses
from rig_endpoints import NO_RESPONSES

from router_config import route_of
from router_config.deployments.abilities import names_of
from router_config.routing.needs.of_request import needs_of
from router_config.simulator import Simulator

PNG = "data:image/png;base64,iVBORw0KGgo="
FUNCTION = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
CLAUDES = {"name": "weather", "input_schema": {"type": "object", "properties": {}}}
GEMINIS = {"functionDeclarations": [{"name": "weather"}]}
OTHERS: dict[str, Any] = dict.fromkeys(("openrouter", "together", "openai"))


def user(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


SHAPES: list[tuple[str, dict[str, Any], set[str]]] = [
    ("aresponses", {"input": "hello"}, set()),
    ("aresponses", {"input": user({"type": "input_image", "image_url": PNG})}, {"images"}),
    ("aresponses", {"input": user({"type": "input_file", "file_id": "f"})}, {"pdf"}),
    ("aresponses", {"input": user({"type": "input_audio", "input_audio": {}})}, {"audio"}),
    (
        "aresponses",
        {"input": [{"type": "function_call_output", "output": [{"type": "input_image", "image_url": PNG}]}]},
        {"images"},
    ),
    ("aresponses", {"input": "", "text": {"format": {"type": "json_schema"}}}, {"json_schema"}),
    ("aresponses", {"input": "", "text": {"format": {"type": "json_object"}}}, {"json_object"}),
    ("aresponses", {"input": "", "text": {"format": {"type": "text"}, "verbosity": "low"}}, set()),
    ("aresponses", {"input": "", "tools": [FUNCTION], "parallel_tool_calls": True}, {"tools", "parallel_tools"}),
    ("aresponses", {"input": "", "tools": [{"type": "web_search"}]}, set()),
    ("aresponses", {"input": "", "reasoning": {"effort": "low"}}, {"reasoning"}),
    ("aresponses", {"input": "", "reasoning": {"effort": "none"}}, set()),
    ("aresponses", {"input": "", "top_logprobs": 3}, {"logprobs"}),
    ("aresponses", {"input": "", "include": ["message.output_text.logprobs"]}, {"logprobs"}),
    ("aresponses", {"input": "", "stream": True}, {"streaming"}),
    ("anthropic_messages", {"messages": user({"type": "text", "text": ""})}, set()),
    ("anthropic_messages", {"messages": user({"type": "image", "source": {"type": "base64"}})}, {"images"}),
    ("anthropic_messages", {"messages": user({"type": "document", "source": {"type": "base64"}})}, {"pdf"}),
    ("anthropic_messages", {"messages": user({"type": "document", "source": {"type": "text"}})}, set()),
    (
        "anthropic_messages",
        {"messages": user({"type": "tool_result", "content": [{"type": "image", "source": {}}]})},
        {"images"},
    ),
    ("anthropic_messages", {"messages": [], "tools": [CLAUDES]}, {"tools"}),
    ("anthropic_messages", {"messages": [], "tools": [{"type": "web_search_20250305", "name": "web_search"}]}, set()),
    ("anthropic_messages", {"messages": [], "thinking": {"type": "enabled", "budget_tokens": 9}}, {"reasoning"}),
    ("anthropic_messages", {"messages": [], "thinking": {"type": "disabled"}}, set()),
    ("anthropic_messages", {"messages": [], "output_config": {"format": {"type": "json_schema"}}}, {"json_schema"}),
    ("atext_completion", {"prompt": "hello", "n": 2}, {"n"}),
    ("atext_completion", {"prompt": "hello", "best_of": 3}, {"n"}),
    ("atext_completion", {"prompt": "hello", "logprobs": 0}, {"logprobs"}),
    ("atext_completion", {"prompt": "hello", "n": 1, "stream": True}, {"streaming"}),
    (
        "agenerate_content",
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png"}}]}], "config": {"candidateCount": 2}},
        {"images", "n"},
    ),
    (
        "agenerate_content",
        {"contents": "", "config": {"response_schema": {"type": "object"}, "response_mime_type": "application/json"}},
        {"json_schema"},
    ),
    ("agenerate_content", {"contents": "", "config": {"responseMimeType": "application/json"}}, {"json_object"}),
    ("agenerate_content", {"contents": "", "tools": [GEMINIS]}, {"tools"}),
    ("agenerate_content", {"contents": "", "tools": [{"googleSearch": {}}]}, set()),
    ("agenerate_content_stream", {"contents": ""}, {"streaming"}),
    ("aembedding", {"input": "hello", "dimensions": 256}, {"dimensions"}),
    ("amoderation", {"input": [{"type": "image_url", "image_url": {"url": PNG}}]}, {"images"}),
    ("aimage_generation", {"prompt": "a chart", "n": 2}, {"n"}),
    ("arerank", {"query": "q", "documents": ["a"]}, set()),
]


@pytest.mark.parametrize(("endpoint", "asked", "needed"), SHAPES)
def test_what_a_request_needs_is_told_by_the_shape_of_its_endpoint(
    endpoint: str, asked: dict[str, Any], needed: set[str]
) -> None:
    assert set(names_of(needs_of(endpoint, asked).abilities)) == needed


@pytest.mark.parametrize(
    ("endpoint", "asked"),
    [
        ("aresponses", {"input": "hello", "max_output_tokens": 700}),
        ("anthropic_messages", {"messages": [], "max_tokens": 700}),
        ("atext_completion", {"prompt": "hello", "max_tokens": 700}),
        ("agenerate_content", {"contents": "hello", "config": {"maxOutputTokens": 700}}),
    ],
)
def test_the_bound_of_an_answer_has_a_name_of_its_own_at_each(endpoint: str, asked: dict[str, Any]) -> None:
    assert needs_of(endpoint, asked)[1:3] == (700, True)


def test_of_several_prompts_none_is_as_long_as_all() -> None:
    assert not needs_of("atext_completion", {"prompt": ["one", "two"]}).sized
    assert needs_of("atext_completion", {"prompt": [15339, 995]}).sized


@pytest.mark.parametrize("shape", [None, 0, "", "x", [None], [[]], {"a": 1}, [{"type": []}], {"format": 3}, ["x", 1]])
def test_no_shape_of_an_argument_breaks_it(shape: Any) -> None:
    names = ("input", "messages", "prompt", "contents", "config", "tools", "text", "reasoning", "include", "thinking")
    for endpoint in {each for each, _, _ in SHAPES}:
        for name in (*names, "n", "best_of", "stream", "output_config", "max_tokens"):
            needs_of(endpoint, {name: shape})
            needs_of(endpoint, {"messages": [shape], "input": [shape], "contents": [shape], name: shape})


def two(make_router: MakeRouter, **groq: Any) -> Any:
    """groq is asked first, then gemini; nothing limits them."""
    given = {"models": ["m"], "limits": {}, **groq}
    return make_router(providers={**OTHERS, "groq": given, "gemini": {"models": ["g"], "limits": {}}})


async def responses(router: Any) -> Any:
    picture = {"type": "input_image", "image_url": PNG}
    asked = [{"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, picture]}]
    return await router.aresponses(model="default", input=asked, max_output_tokens=50)


async def messages(router: Any) -> Any:
    return await router.anthropic_messages(
        50, [{"role": "user", "content": "What is the weather?"}], "default", tools=[CLAUDES]
    )


CALLS = {
    "responses": pytest.param(
        responses,
        "images",
        "messages[0].content must be a string",
        marks=pytest.mark.skipif(NO_RESPONSES, reason="mcp"),
    ),
    "messages": (messages, "tools", "`tool calling` is not supported with this model"),
}


@pytest.mark.parametrize(("call", "ability", "words"), CALLS.values(), ids=CALLS)
def test_a_refusal_at_another_endpoint_is_learned_there_and_not_of_chats(
    call: Any, ability: str, words: str, make_router: MakeRouter, simulator: Simulator
) -> None:
    router = two(make_router)
    refuses(simulator, "groq", ability, words)
    for _ in range(3):
        router._background.run(call(router))
    assert (simulator.count("groq"), simulator.count("gemini")) == (1, 3)
    simulator.clear()
    reply = router.completion("default", [{"role": "user", "content": "hello"}], tools=TOOLS, max_tokens=9)
    assert route_of(reply).provider == "groq"
    told = [each for provider in router.status()["providers"] for each in provider["models"] if each["lacks"]]
    assert len(told) == 1
    assert told[0]["lacks"][0].startswith(f"{ability}: not supported (learned ")
    assert " at " in told[0]["lacks"][0]


@pytest.mark.parametrize(("call", "ability", "words"), CALLS.values(), ids=CALLS)
def test_what_the_file_says_holds_at_each_endpoint(
    call: Any, ability: str, words: str, make_router: MakeRouter, simulator: Simulator
) -> None:
    router = two(make_router, models=[{"name": "m", "supports": {ability: False}}])
    router._background.run(call(router))
    assert simulator.count("groq") == 0


def test_a_need_that_nobody_meets_is_told_at_once(make_router: MakeRouter, simulator: Simulator) -> None:
    lacks = [{"name": "m", "supports": {"logprobs": False}}]
    router = make_router(providers={**OTHERS, "gemini": None, "groq": {"models": lacks}})
    with pytest.raises(BadRequestError, match="none meets logprobs"):
        router.text_completion("default", "hello", logprobs=1)
    assert simulator.count("groq") == 0
