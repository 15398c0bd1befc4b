"""A request learned from one list of messages is, for another, what LiteLLM would have sent: pure logic."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router_config.transport.exchange import Recording
from router_config.transport.fast.templates import pairs_of, shape_of, template_of

KEY = "key-of-this-test"
Messages = list[dict[str, Any]]


def openai(messages: Messages) -> dict[str, Any]:
    return {"model": "m", "messages": messages, "temperature": 0.5}


def sparse(messages: Messages) -> dict[str, Any]:
    return {"messages": [{name: value for name, value in each.items() if value is not None} for each in messages]}


def gemini(messages: Messages) -> dict[str, Any]:
    contents = [{"role": each["role"], "parts": [{"text": each["content"]}]} for each in messages]
    return {"contents": contents, "generationConfig": {"temperature": 0.5}}


def merged(messages: Messages) -> dict[str, Any]:
    """What a template cannot show: the texts run into one another."""
    return {"prompt": "\n".join(str(each["content"]) for each in messages)}


def sent(body: dict[str, Any], key: str | None = KEY) -> Recording:
    headers = [(b"host", b"h"), (b"authorization", f"Bearer {key}".encode()), (b"x-fixed", b"1")]
    return Recording("POST", "http://h/v1", headers, json.dumps(body).encode(), 200, [], b"{}", 1)


WRITERS = pytest.mark.parametrize("write", [openai, sparse, gemini])
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1).filter(str.strip)
roles = st.sampled_from(["system", "user", "assistant"])
chats = st.lists(st.fixed_dictionaries({"role": roles, "content": texts}), min_size=1, max_size=6)


@WRITERS
@given(first=chats, later=chats)
def test_messages_of_the_same_shapes_are_written_alike(
    write: Callable[[Messages], Any], first: Messages, later: Messages
) -> None:
    shapes = shape_of(first), shape_of(later)
    assert shapes[0] is not None
    assert shapes[1] is not None
    template = template_of(sent(write(first)), first, KEY)
    if template is None:
        return  # Two texts alike, say: nobody knows which is which.
    proven = shapes[1] == shapes[0] if template.holes is not None else pairs_of(shapes[1]) <= pairs_of(shapes[0])
    if proven:
        assert json.loads(template.body(later)) == write(later)


@WRITERS
@given(messages=chats)
def test_what_was_learned_gives_the_request_itself(write: Callable[[Messages], Any], messages: Messages) -> None:
    template = template_of(sent(write(messages)), messages, KEY)
    assert template is None or json.loads(template.body(messages)) == write(messages)


@given(messages=chats.filter(lambda messages: len(messages) > 1))
def test_texts_that_run_into_one_another_are_not_learned(messages: Messages) -> None:
    assert template_of(sent(merged(messages)), messages, KEY) is None


def test_another_key_takes_the_place_of_the_first() -> None:
    messages = [{"role": "user", "content": "Hello"}]
    template = template_of(sent(openai(messages)), messages, KEY)
    assert template is not None
    url, headers = template.address("another-key")
    assert KEY not in repr((url, headers, template))
    assert headers["authorization"] == "Bearer another-key"
    assert "host" not in headers


@pytest.mark.parametrize("body", [{"user": KEY, "messages": []}, {"messages": [], "note": f"with {KEY}"}])
def test_a_key_in_the_body_is_not_learned(body: dict[str, Any]) -> None:
    messages = [{"role": "user", "content": "Hello"}]
    assert template_of(sent({**body, "messages": messages}), messages, KEY) is None


def test_a_key_that_is_nowhere_is_not_learned() -> None:
    messages = [{"role": "user", "content": "Hello"}]
    assert template_of(sent(openai(messages), key="somebody-else's"), messages, KEY) is None


def test_what_is_none_is_left_out_where_it_was_seen_to_be() -> None:
    plain = [{"role": "user", "content": "Hello"}]
    empty = [{"role": "assistant", "content": None, "name": None}]
    learned = template_of(sent(sparse(plain)), plain, KEY), template_of(sent(sparse(empty)), empty, KEY)
    assert learned[0] is not None
    assert learned[1] is not None
    both = learned[0].agreed(learned[1])
    assert both is not None
    assert json.loads(both.body(empty)) == sparse(empty)
    kept = template_of(sent({"messages": empty}), empty, KEY)
    assert kept is not None
    assert learned[1].agreed(kept) is None


@pytest.mark.parametrize(
    "messages",
    [
        [], None, "text", [{"role": "user", "content": [{"type": "text", "text": "hi"}]}], [object()],
        [{"role": "user", "content": 5}], [{"role": "assistant", "content": None, "tool_calls": [object()]}],
    ],
)  # fmt: skip
def test_messages_of_parts_and_objects_have_no_shape(messages: Any) -> None:
    assert shape_of(messages) is None
