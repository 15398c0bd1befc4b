"""An answer of one provider goes into the history of a request to any other."""

import asyncio
import json
import re
from copy import deepcopy
from typing import Any

import litellm
import pytest
from rig import MakeRouter, message
from rig_abilities import TOOLS

from router_config import route_of
from router_config.simulator import PROVIDERS, Simulator
from router_config.transport.messages.history import OF_ANSWERS, TAKES, for_provider, id_for

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


LONG = "call_4f0a__thought__" + "c2lnbmF0dXJl" * 200
OTHER_IDS = [LONG, "functions.weather:0", "x" * 64, "with blanks and ünits", "toolu_01A09q90qw90lq917835lq9"]


@pytest.mark.parametrize("called", OTHER_IDS)
@pytest.mark.parametrize("provider", [*OPENAI_LIKE, "mistral", "anthropic"])
def test_a_call_and_its_result_keep_one_id_that_the_provider_takes(called: str, provider: str) -> None:
    answer = {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": called}]}
    given = [*message(), answer, {"role": "tool", "tool_call_id": called, "content": "7"}]
    before = deepcopy(given)
    _, asked, said = for_provider(given, provider)
    assert given == before
    assert asked["tool_calls"][0]["id"] == said["tool_call_id"]
    assert re.fullmatch(r"[A-Za-z0-9]{9}" if provider == "mistral" else r"[A-Za-z0-9_.:-]{1,40}", said["tool_call_id"])
    if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", called) and provider != "mistral":
        assert said["tool_call_id"] == called


def test_different_calls_keep_different_ids() -> None:
    assert len({id_for(f"{each} {'x' * 50}", "mistral") for each in range(500)}) == 500


def test_a_signature_in_an_id_goes_back_to_gemini_alone() -> None:
    answer = {"role": "assistant", "content": None, "tool_calls": [{**CALL, "id": LONG}]}
    given = [*message(), answer, {"role": "tool", "tool_call_id": LONG, "content": "7"}]
    assert for_provider(given, "gemini")[2]["tool_call_id"] == LONG
    assert for_provider(given, "groq")[2]["tool_call_id"] == "call_4f0a"


def test_thoughts_of_another_provider_do_not_go_to_anthropic() -> None:
    own = {**CALL, "id": "toolu_1"}
    for calls, kept in (([own], True), ([CALL], False), ([own, CALL], False)):
        answer = {"role": "assistant", "content": None, **SPOKEN, "tool_calls": calls}
        written = for_provider([*message(), answer], "anthropic")[1]
        assert ("thinking_blocks" in written) is kept


@pytest.mark.parametrize("after", PROVIDERS)
@pytest.mark.parametrize("before", PROVIDERS)
def test_a_tool_loop_is_handed_over_on_the_wire(
    before: str, after: str, make_router: MakeRouter, simulator: Simulator
) -> None:
    """The answer of one provider, as LiteLLM gives it, with a mark for caches and a signature in its id."""
    if before == after:
        return
    others = dict.fromkeys(each for each in PROVIDERS if each not in (before, after))
    router = make_router(
        providers={**others, before: {"priority": 1, "limits": {}}, after: {"priority": 2, "limits": {}}}
    )
    simulator.set_options(keep_bodies=True)
    simulator.fault(before, tool_call=True, times=1)
    asked: list[Any] = message()

    async def story() -> None:
        reply = await router.acompletion("default", asked, tools=TOOLS, max_tokens=50)
        assert route_of(reply).provider == before
        answer = reply.choices[0].message
        assert answer.tool_calls
        called = answer.tool_calls[0]
        called.id += "__thought__c2ln"
        asked.extend([answer, {"role": "tool", "tool_call_id": called.id, "content": "7"}])
        simulator.fault(before, status=500)
        for _ in range(3):  # The last one goes the fast way, where there is one.
            reply = await router.acompletion("default", asked, tools=TOOLS, max_tokens=50)
            assert route_of(reply).provider == after

    asyncio.run(story())
    bodies = [json.dumps(call.body) for call in simulator.calls(after)]
    assert len(bodies) == 3
    assert all("__thought__" not in body for body in bodies)
    assert after == "gemini" or all("signature" not in body and "provider_specific" not in body for body in bodies)
