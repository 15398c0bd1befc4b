"""An answer of one provider goes into the history of a request to any other."""

import json
from copy import deepcopy
from typing import Any

import litellm
import pytest
from rig import MakeRouter, message

from router_config.simulator import PROVIDERS, Simulator
from router_config.transport.messages.history import OF_ANSWERS, TAKES, for_provider

pytestmark = pytest.mark.contract

CALL = {
    "id": "call_1", "type": "function", "index": 0, "provider_specific_fields": {"thought_signature": "c2ln"},
    "function": {"name": "price", "arguments": "{}", "provider_specific_fields": {"thought_signature": "c2ln"}},
}  # fmt: skip
SPOKEN: dict[str, Any] = {
    "reasoning": "hm", "reasoning_content": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}],
    "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "c2ln"}],
    "provider_specific_fields": {"citations": None}, "annotations": [{"type": "url_citation"}],
    "executed_tools": [], "refusal": None, "audio": None, "function_call": None,
}  # fmt: skip
ANSWERS: dict[str, dict[str, Any]] = {
    "text": {"role": "assistant", "content": "Hold.", **SPOKEN, "tool_calls": []},
    "null": {"role": "assistant", "content": None, **SPOKEN, "tool_calls": None},
    "refusal": {"role": "assistant", "content": None, **SPOKEN, "refusal": "I will not."},
    "audio": {"role": "assistant", "content": None, **SPOKEN, "audio": {"id": "a", "transcript": "Hold."}},
    "calls": {"role": "assistant", "content": None, **SPOKEN, "tool_calls": [CALL]},
}
OPENAI_LIKE = ["groq", "openrouter", "together_ai", "openai", "some_gateway"]


def history(answer: Any) -> list[Any]:
    asked = [*message(), answer]
    if isinstance(answer, dict) and answer.get("tool_calls"):
        asked.append({"role": "tool", "tool_call_id": "call_1", "content": "7"})
    return [*asked, *message("And now?")]


@pytest.mark.parametrize("provider", OPENAI_LIKE)
@pytest.mark.parametrize("answer", ANSWERS)
def test_only_what_the_next_provider_takes_is_left(answer: str, provider: str) -> None:
    given = history(ANSWERS[answer])
    before = deepcopy(given)
    written = for_provider(given, provider)[1]
    assert given == before  # The caller's own list stays as it is.
    assert set(written) & OF_ANSWERS <= TAKES.get(provider, frozenset())
    assert all(value for name, value in written.items() if name not in ("content", "role"))
    assert "index" not in json.dumps(written)
    assert "signature" not in json.dumps(written)
    expected = {"text": "Hold.", "null": "", "refusal": "I will not.", "audio": "Hold.", "calls": None}
    assert written["content"] == expected[answer]


def test_a_history_without_such_fields_is_passed_on_as_it_is() -> None:
    given = history({"role": "assistant", "content": "Hold."})
    assert for_provider(given, "groq") is given


def test_signatures_of_thoughts_go_back_to_gemini() -> None:
    (call,) = for_provider(history(ANSWERS["calls"]), "gemini")[1]["tool_calls"]
    assert call == CALL


@pytest.mark.parametrize("provider", PROVIDERS)
def test_any_answer_is_taken_back_by_any_provider(provider: str, make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(providers=dict.fromkeys(each for each in PROVIDERS if each != provider))
    for answer in (*ANSWERS.values(), litellm.Message(content="Hold.", reasoning_content="hm")):
        for _ in range(3):  # The last one goes the fast way, where there is one.
            assert router.completion("default", history(answer)).choices[0].message.content
    assert not any((call.status or 0) >= 400 for call in simulator.calls())
