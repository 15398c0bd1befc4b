"""Finding JSON in what models write around it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.json_in_text import JSONProblem, json_values

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1}',
        '  {"a": 1}\n',
        '```json\n{"a": 1}\n```',
        '```\n{"a": 1}\n```\nAnything else?',
        'Sure! Here it is: {"a": 1}. Good luck!',
        'In {braces}, or { braces }: {"a": 1}',
        '<think>Perhaps {"a": 2}? No.</think>{"a": 1}',
        '\ufeff{"a": 1}',
    ],
)
def test_an_object_is_found(text: str) -> None:
    assert {"a": 1} in list(json_values(text))
    assert {"a": 2} not in list(json_values(text))


def test_line_breaks_inside_strings_are_forgiven() -> None:
    assert list(json_values('{"a": "one\ntwo"}')) == [{"a": "one\ntwo"}]


def test_objects_come_in_their_order_and_none_from_inside_another() -> None:
    assert list(json_values('{"a": {"b": 1}} and {"c": 2}')) == [{"a": {"b": 1}}, {"c": 2}]


def test_arrays_and_bare_values_come_where_they_are_wanted() -> None:
    assert list(json_values("so: [1, 2]")) == []
    assert list(json_values("so: [1, 2]", only_objects=False)) == [[1, 2]]
    assert list(json_values(" 42 ", only_objects=False)) == [42]
    assert list(json_values("null", only_objects=False)) == [None]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1,}',
        '{"a": {"b": 1}',
        '{"a": {"b": 1}, c}',
        "{'a': {\"b\": 1}}",
        "{a: {}}",
        '{"a": 1 "b": {}}',
        "{",
        '{"a":' * 100_000,
        '{"a": ' + "1" * 10_000 + "}",
    ],
)
def test_a_broken_object_is_a_problem_and_its_parts_are_no_answers(text: str) -> None:
    found: list[Any] = []
    with pytest.raises(JSONProblem, match="JSON"):
        found.extend(json_values(text))
    assert found == []


def test_a_problem_says_where_it_is() -> None:
    with pytest.raises(JSONProblem, match="line 2, column 7"):
        list(json_values('{"a": 1,\n "b": tin}'))


@given(st.text())
def test_any_text_has_some_json_or_none_or_a_problem(text: str) -> None:
    for only_objects in (True, False):
        try:
            values = list(json_values(text, only_objects=only_objects))
        except JSONProblem:
            continue
        assert not only_objects or all(isinstance(value, dict) for value in values)


@given(st.dictionaries(st.text(), VALUES), st.text(alphabet="abc .,\n"))
def test_every_object_is_found_amid_prose(value: dict[str, Any], prose: str) -> None:
    assert list(json_values(f"{prose}{json.dumps(value)}{prose}")) == [value]
