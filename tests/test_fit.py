"""Only who can is asked: what the file tells, what lists say, and what refusals teach."""

import asyncio
import json
from pathlib import Path
from typing import Any

import litellm
import pytest
from litellm.exceptions import BadRequestError, ContextWindowExceededError, UnsupportedParamsError
from rig import NOON, MakeRouter, message
from rig_abilities import IMAGE, TOOLS, ask, refuses
from rig_upstream import ANSWER, answer, entry, upstream

from router_config import NoProviderAvailable, Router
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

WEEK = 7 * 86_400.0
OTHERS: dict[str, Any] = dict.fromkeys(("openrouter", "together", "openai"))

LACKS_TOOLS = {
    "groq": "`tool calling` is not supported with this model",
    "gemini": "Function calling is not enabled for models/gemma-3-27b-it",
    "ollama": "registry.ollama.ai/library/gemma:latest does not support tools",
    "vllm": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    "nobody": "Sorry, the requested model currently cannot handle tool calls.",
    "a gateway": "Unrecognized request argument supplied: tools",
}
LACKS: list[tuple[str, dict[str, Any], str]] = [
    ("json_object", {"response_format": {"type": "json_object"}}, "JSON mode is not enabled for models/gemma-3"),
    ("logprobs", {"logprobs": True}, "You are not allowed to request logprobs from this model"),
    ("images", {"messages": IMAGE}, "messages[0].content must be a string"),
    ("images", {"messages": IMAGE}, "Invalid content type. image_url is only supported by certain models."),
]


def two(make_router: MakeRouter, **more: Any) -> Any:
    """groq is asked first, then gemini; nothing limits them."""
    groq = {"models": ["m"], "limits": {}, **more.pop("groq", {})}
    gemini = {"models": ["g"], "limits": {}, **more.pop("gemini", {})}
    others = {name: more.pop(name, None) for name in OTHERS}
    return make_router(providers={**others, "groq": groq, "gemini": gemini}, **more)


@pytest.mark.parametrize("words", LACKS_TOOLS.values(), ids=LACKS_TOOLS)
def test_a_model_that_refused_tools_is_asked_for_them_no_more(
    words: str, make_router: MakeRouter, simulator: Simulator
) -> None:
    router = two(make_router)
    refuses(simulator, "groq", "tools", words)
    assert [ask(router, tools=TOOLS) for _ in range(3)] == ["gemini"] * 3
    assert simulator.count("groq") == 1
    assert ask(router) == "groq"


@pytest.mark.parametrize(("ability", "asked", "words"), LACKS, ids=[each[2][:30] for each in LACKS])
def test_other_abilities_are_learned_alike(
    ability: str, asked: dict[str, Any], words: str, make_router: MakeRouter, simulator: Simulator
) -> None:
    here = {"models": ["m"], "limits": {}}  # Of which no preset and no list knows anything.
    router = two(make_router, openrouter={**here, "priority": 0}, groq={"enabled": False})
    refuses(simulator, "openrouter", ability, words)
    assert [ask(router, **asked) for _ in range(2)] == ["gemini"] * 2
    assert simulator.count("openrouter") == 1
    assert ask(router) == "openrouter"


@pytest.mark.parametrize(
    "words",
    [
        "tools.0.function.parameters: Unsupported JSON schema fields: {'minLength'}",
        "Tool choice is required, but model did not call a tool",
        "Invalid 'tools[0].function.name': string does not match pattern",
    ],
)
def test_a_refusal_of_this_one_tool_teaches_nothing(words: str, make_router: MakeRouter, simulator: Simulator) -> None:
    router = two(make_router)
    refuses(simulator, "groq", "tools", words)
    assert [ask(router, tools=TOOLS) for _ in range(2)] == ["gemini"] * 2
    assert simulator.count("groq") == 2


def test_of_two_abilities_that_do_not_go_together_neither_is_learned(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = two(make_router)
    refuses(simulator, "groq", "tools", "This model doesn't support tool use in combination with JSON mode.")
    assert ask(router, tools=TOOLS, response_format={"type": "json_object"}) == "gemini"
    simulator.clear()
    assert ask(router, tools=TOOLS) == "groq"


@pytest.mark.parametrize("store", ["sqlite"])
def test_a_restart_remembers(store: str, make_router: MakeRouter, simulator: Simulator, tmp_path: Path) -> None:
    state = f"{store}:///{tmp_path / 'state.db'}"
    refuses(simulator, "groq", "tools", LACKS_TOOLS["ollama"])
    first = two(make_router, state=state)
    assert ask(first, tools=TOOLS) == "gemini"
    first.close()
    assert ask(two(make_router, state=state), tools=TOOLS) == "gemini"
    assert simulator.count("groq") == 1


def test_another_process_of_the_store_knows_it_at_its_next_request(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, tmp_path: Path
) -> None:
    state = f"sqlite:///{tmp_path / 'state.db'}"
    one, other = two(make_router, state=state), two(make_router, state=state)
    assert ask(other) == "groq"
    refuses(simulator, "groq", "tools", LACKS_TOOLS["ollama"])
    assert ask(one, tools=TOOLS) == "gemini"
    clock.set(NOON + 2)
    assert ask(other, tools=TOOLS) == "gemini"
    assert simulator.count("groq") == 2


def test_after_a_week_one_request_asks_again_and_a_second_refusal_counts_from_then(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = two(make_router)
    refuses(simulator, "groq", "tools", LACKS_TOOLS["groq"])
    ask(router, tools=TOOLS)
    clock.set(NOON + WEEK - 1)
    ask(router, tools=TOOLS)
    assert simulator.count("groq") == 1
    clock.set(NOON + WEEK + 1)
    assert [ask(router, tools=TOOLS) for _ in range(3)] == ["gemini"] * 3
    assert simulator.count("groq") == 2


def test_a_model_that_has_learned_it_since_is_used_again(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = two(make_router)
    refuses(simulator, "groq", "tools", LACKS_TOOLS["groq"])
    ask(router, tools=TOOLS)
    simulator.clear()
    clock.set(NOON + WEEK + 1)
    assert [ask(router, tools=TOOLS) for _ in range(3)] == ["groq"] * 3


def test_what_the_file_says_is_never_tried(make_router: MakeRouter, simulator: Simulator) -> None:
    router = two(make_router, groq={"models": [{"name": "m", "supports": {"tools": False, "images": False}}]})
    assert [ask(router, tools=TOOLS), ask(router, IMAGE), ask(router)] == ["gemini", "gemini", "groq"]
    assert simulator.count("groq") == 1


def test_the_file_wins_over_litellms_list(
    make_router: MakeRouter, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(litellm.model_cost, "groq/m", {"supports_vision": False, "litellm_provider": "groq"})
    assert ask(two(make_router), IMAGE) == "gemini"
    told = {"models": [{"name": "m", "supports": {"images": True}}]}
    assert ask(two(make_router, groq=told), IMAGE) == "groq"


def test_where_litellms_list_alone_stands_against_all_they_are_asked(
    make_router: MakeRouter, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(litellm.model_cost, "groq/m", {"supports_vision": False, "litellm_provider": "groq"})
    assert ask(two(make_router, gemini={"models": [{"name": "g", "supports": {"images": False}}]}), IMAGE) == "groq"


def test_nobody_who_can_is_told_at_once_whatever_the_wait(make_router: MakeRouter, simulator: Simulator) -> None:
    without = {"supports": {"tools": False}}
    router = two(
        make_router,
        groq={"models": [{"name": "m", **without}]},
        gemini={"models": [{"name": "g", **without}]},
        defaults={"max_wait": "1h"},
    )
    with pytest.raises(UnsupportedParamsError, match="none meets tools") as told:
        ask(router, tools=TOOLS)
    assert not isinstance(told.value, NoProviderAvailable)
    assert "groq/m: tools: not supported (the configuration says so)" in str(told.value)
    assert simulator.count() == 0
    decision = router._background.run(router._store.decisions())[-1]
    assert decision.outcome == "refused"
    assert "none meets tools" in str(decision.error)
    assert [(each.model, each.status) for each in decision.skipped] == [("m", "unfit"), ("g", "unfit")]


def test_needs_that_nobody_meets_together_are_told_together(make_router: MakeRouter) -> None:
    router = two(
        make_router,
        groq={"models": [{"name": "m", "supports": {"images": False}}]},
        gemini={"models": [{"name": "g", "supports": {"tools": False}}]},
    )
    with pytest.raises(BadRequestError, match="none meets together images and tools"):
        ask(router, IMAGE, tools=TOOLS)


def test_a_long_prompt_goes_to_the_larger_window_and_a_short_one_by_priority(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = two(make_router, groq={"models": [{"name": "m", "context": "8k"}]})
    assert ask(router, message("word " * 20_000)) == "gemini"
    assert ask(router) == "groq"
    assert ask(router, max_tokens=8_100) == "gemini"


def test_a_prompt_that_no_window_holds_is_litellms_error_of_context(make_router: MakeRouter) -> None:
    router = two(
        make_router,
        groq={"models": [{"name": "m", "context": "8k"}]},
        gemini={"models": [{"name": "g", "context": "4k"}]},
    )
    with pytest.raises(ContextWindowExceededError, match="context: 14k needed, 8000 has"):
        ask(router, message("word " * 20_000))


def test_litellms_fallbacks_of_context_windows_follow(make_router: MakeRouter, simulator: Simulator) -> None:
    router = two(
        make_router,
        groq={"models": [{"name": "m", "context": "8k"}]},
        gemini={"models": [{"name": "g", "groups": ["large"]}]},
        router_settings={"context_window_fallbacks": [{"default": ["large"]}]},
    )
    assert ask(router, message("word " * 20_000)) == "gemini"
    assert simulator.count("groq") == 0


def test_a_longer_answer_than_the_file_allows_is_asked_elsewhere_and_not_cut(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = two(make_router, groq={"models": [{"name": "m", "max_output": "4k"}]})
    assert [ask(router, max_tokens=4_001), ask(router, max_tokens=4_000)] == ["gemini", "groq"]


def test_a_context_window_that_a_refusal_names_is_kept(make_router: MakeRouter, simulator: Simulator) -> None:
    router = two(make_router)
    words = "This model's maximum context length is 8192 tokens. However, your messages resulted in 20010 tokens."
    simulator.fault("groq", status=400, body={"error": {"message": words, "code": "context_length_exceeded"}}, times=1)
    assert [ask(router, message("word " * 20_000)) for _ in range(2)] == ["gemini"] * 2
    assert ask(router, message("word " * 9_000)) == "gemini"
    assert ask(router, message("word " * 2_000)) == "groq"
    assert simulator.count("groq") == 2


def test_a_refusal_for_length_without_a_number_is_remembered_by_the_estimate(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = two(make_router)
    words = "Please reduce the length of the messages or completion."
    simulator.fault("groq", status=400, body={"error": {"message": words}}, times=1)
    assert [ask(router, message("word " * 20_000)) for _ in range(2)] == ["gemini"] * 2
    assert ask(router, message("word " * 10_000)) == "groq"


def test_a_dropped_parameter_is_no_need(
    make_router: MakeRouter, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"additional_drop_params": ["response_format"]}
    model = {"name": "m", "supports": {"json_object": False}, "litellm_params": given}
    wanted: dict[str, Any] = {"response_format": {"type": "json_object"}}
    assert ask(two(make_router, groq={"models": [model]}), **wanted) == "groq"
    assert ask(two(make_router, groq={"models": [{**model, "litellm_params": {}}]}), **wanted) == "gemini"


def test_with_drop_params_what_litellm_would_leave_out_is_no_need(
    make_router: MakeRouter, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litellm, "drop_params", True)
    model = {"name": "m", "supports": {"reasoning": False}}
    assert ask(two(make_router, groq={"models": [model]}), reasoning_effort="low") == "groq"
    monkeypatch.setattr(litellm, "drop_params", False)
    assert ask(two(make_router, groq={"models": [model]}), reasoning_effort="low") == "gemini"


def test_status_and_decisions_say_what_was_learned_and_when(make_router: MakeRouter, simulator: Simulator) -> None:
    router = two(make_router)
    refuses(simulator, "groq", "tools", LACKS_TOOLS["groq"])
    ask(router, tools=TOOLS)
    ask(router, tools=TOOLS)
    words = "tools: not supported (learned 2026-11-23, tried again 2026-11-30)"
    providers = {each["name"]: each for each in router.status()["providers"]}
    assert [each["lacks"] for name in ("groq", "gemini") for each in providers[name]["models"]] == [[words], []]
    newest = router._background.run(router._store.decisions())[0]
    assert [(each.status, each.reason) for each in newest.skipped] == [("unfit", words)]


def test_of_two_processes_one_alone_asks_again(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, tmp_path: Path
) -> None:
    state = f"sqlite:///{tmp_path / 'state.db'}"
    routers = [two(make_router, state=state), two(make_router, state=state)]
    refuses(simulator, "groq", "tools", LACKS_TOOLS["groq"])

    async def at_once() -> None:
        asked = [each.acompletion(model="default", messages=message(), tools=TOOLS) for each in routers * 5]
        await asyncio.gather(*asked)

    ask(routers[0], tools=TOOLS)
    routers[1].status()
    clock.set(NOON + WEEK + 1)
    asyncio.run(at_once())
    assert simulator.count("groq") == 2


def test_an_estimate_that_is_too_low_for_a_model_costs_one_refusal_whatever_context_the_file_tells(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = two(make_router, groq={"models": [{"name": "m", "context": "8k"}]})
    words = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9100 tokens."
    body = {"error": {"message": words, "code": "context_length_exceeded"}}
    simulator.fault("groq", status=400, body=body, text="word " * 4000)
    dense, shorter = message("word " * 5000), message("word " * 2000)
    assert [ask(router, dense) for _ in range(4)] == ["gemini"] * 4
    assert simulator.count("groq") == 1
    assert [ask(router, shorter) for _ in range(2)] == ["groq"] * 2


def test_an_estimate_that_is_too_high_still_goes_to_the_only_model_that_may_hold_it(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = two(make_router, groq={"models": [{"name": "m", "context": "6k"}]}, gemini={"enabled": False})
    assert ask(router, message("word " * 5000)) == "groq"


def test_a_bound_of_the_answer_reaches_the_provider_as_it_was_given() -> None:
    with upstream(lambda _: answer(ANSWER)) as provider:
        model = entry("openai", provider.address)
        model["model_info"] = {**model.get("model_info", {}), "context": 32_000, "max_output": 8_000}
        router = Router([model])
        for bound in (1, 7999, None):
            asyncio.run(router.acompletion("default", message(), max_tokens=bound))
        router.close()
        assert [json.loads(each.body).get("max_tokens") for each in provider.asked] == [1, 7999, None]
