"""Which conversation a request goes on with, and whether it is in a tool loop, in each endpoint's form."""

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rig_abilities import TOOLS
from rig_loops import history

from router_config.routing.loops.conversation import (
    END,
    Conversation,
    conversation_of,
    deployment_named_in,
    grown_by_one_answer,
)

USER = {"role": "user", "content": "Buy or sell?"}
ANTHROPIC = [
    USER,
    {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "weather", "input": {}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "7"}]},
]
RESPONSES = [
    USER,
    {"type": "function_call", "call_id": "1", "name": "weather", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "1", "output": "7"},
]
GEMINI = [
    {"role": "user", "parts": [{"text": "Buy or sell?"}]},
    {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {}}}]},
    {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {}}}]},
]
FORMS: dict[str, tuple[str, list[Any]]] = {
    "chats": ("messages", history(1)),
    "anthropic": ("messages", ANTHROPIC),
    "responses": ("input", RESPONSES),
    "gemini": ("contents", GEMINI),
}


def of(agent: Any = None, group: Any = "default", **asked: Any) -> Conversation:
    found = conversation_of(asked, agent, group)
    assert found is not None
    return found


@pytest.mark.parametrize("form", FORMS)
def test_a_result_of_a_tool_as_the_last_message_is_a_loop_and_of_the_conversation_that_began(form: str) -> None:
    place, messages = FORMS[form]
    begun, goes_on = of(tools=TOOLS, **{place: messages[:1]}), of(**{place: messages})
    assert (begun.in_loop, goes_on.in_loop) == (False, True)
    assert begun.key == goes_on.key
    assert goes_on.size == len(messages)
    assert conversation_of({place: messages[:1]}, None, "default") is None
    turn = [*messages, {**messages[0]}]
    assert not of(tools=TOOLS, **{place: turn}).in_loop


def test_the_first_messages_the_agent_and_the_group_tell_conversations_apart() -> None:
    keys = [
        of(messages=history(1)),
        of(messages=history(1, "Another question.")),
        of(messages=[{"role": "system", "content": "Be brief."}, *history(1)]),
        of(messages=history(1), system="Be brief."),
        of("agent", messages=history(1)),
        of(group="other", messages=history(1)),
        of(messages=history(1), user="me"),
        of("me", messages=history(1), user=""),
        of(messages=history(1), metadata={"session": "me"}),
    ]
    assert len({each.key for each in keys}) == len(keys)
    assert of(messages=history(1), user="me").key == of(messages=history(9, "x"), user="me").key
    session = {"session": 7}
    assert of(metadata=session, messages=history(1)).key == of(litellm_metadata=session, messages=ANTHROPIC).key


def test_of_a_long_text_both_ends_and_the_length_count() -> None:
    long = "x" * END * 4
    keys = {of(messages=history(1, text)).key for text in (long, long + "x", "y" + long[1:], long[1:] + "y")}
    assert len(keys) == 4
    assert of(messages=history(1, long[:9000] + "y" + long[9001:])).key  # Its middle is not looked at.


def test_nothing_of_a_prompt_is_in_the_key() -> None:
    assert len(of(messages=history(1, "secret"), user="secret").key) == 24
    assert of(messages=history(1, "secret")).key.isalnum()


def test_a_cache_mark_that_moves_along_changes_nothing() -> None:
    part = {"type": "text", "text": "Be brief."}
    marked = {**part, "cache_control": {"type": "ephemeral"}}
    systems = [[{"role": "system", "content": [each]}, *history(1)] for each in (part, marked)]
    assert of(messages=systems[0]).key == of(messages=systems[1]).key


@pytest.mark.parametrize(
    ("before", "now", "alone"), [(0, 1, True), (1, 2, True), (0, 2, False), (2, 2, False), (3, 1, False)]
)
def test_one_answer_more_is_told_from_several(before: int, now: int, alone: bool) -> None:
    assert grown_by_one_answer({"messages": history(now)}, len(history(before))) is alone


def test_one_answer_may_call_several_tools() -> None:
    messages = [*history(1), {"role": "tool", "tool_call_id": "call_1", "content": "8"}]
    assert grown_by_one_answer({"messages": messages}, 1)


def test_the_deployment_that_gave_a_response_stands_in_its_id() -> None:
    told = b"litellm:custom_llm_provider:groq;model_id:groq/llama#1;response_id:chatcmpl-1"
    assert deployment_named_in("resp_" + b64encode(told).decode().rstrip("=")) == "groq/llama#1"
    for other in ("resp_68a1", "resp_" + b64encode(b"\xff\xfe").decode(), "", "x" * 9999, 7, None):
        assert deployment_named_in(other) is None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["role", "content", "parts", "type"]), inner)
    ),
    max_leaves=20,
)


@given(anything, anything)
def test_any_request_is_read(messages: Any, more: Any) -> None:
    for asked in ({"messages": messages, "tools": TOOLS}, {"input": messages, "user": more, "tools": [1]}):
        found = conversation_of({**asked, "metadata": more, "system": more}, None, "default")
        assert found is not None
        grown_by_one_answer(asked, 0)
