"""What would happen to a request: every candidate, each gate, who would serve; and nothing happens."""

import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rig import MakeRouter, message
from rig_redis import RedisServer

from monitoring.documents import Explanation
from router_config import Router, route_of
from router_config.cli.commands.explain import _lines
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

ONE_MODEL: dict[str, Any] = {"models": ["llama-3.3-70b-versatile"]}


def explained(router: Router, tokens: int = 1500) -> dict[str, Any]:
    document = router.explain("default", tokens)
    Explanation.model_validate(document)
    return document


def candidates(document: dict[str, Any], provider: str) -> list[dict[str, Any]]:
    (found,) = [each for each in document["providers"] if each["name"] == provider]
    listed: list[dict[str, Any]] = found["candidates"]
    return listed


def text(document: dict[str, Any]) -> str:
    return "\n".join(_lines(document))


def ask(router: Router, times: int = 1) -> Any:
    return [router.completion(model="default", messages=message()) for _ in range(times)][-1]


def test_a_full_window_blocks_with_its_numbers_until_it_clears(make_router: MakeRouter, clock: VirtualClock) -> None:
    router = make_router()
    ask(router, 30)
    document = explained(router)
    first = candidates(document, "groq")[0]
    assert (first["status"], first["place"], first["rest"]) == ("rate_limited", 1, None)
    gates = {gate["name"]: gate for gate in first["gates"]}
    rpm = gates["rpm"]
    assert (rpm["used"], rpm["reserved"], rpm["needed"], rpm["limit"], rpm["blocks"]) == (30, 0, 1, 30, True)
    assert rpm["clears_at"] == first["clears_at"] == "2026-11-23T12:01:00Z"
    assert (gates["tpd"]["blocks"], gates["tpd"]["needed"], gates["tpd"]["soft_limit"]) == (False, 1500, 95_000)
    assert (document["next"], document["chosen"]) == ("gemini", "gemini/gemini-1.5-flash#1")
    assert "gemini would serve it, with gemini/gemini-1.5-flash#1 (2 skipped before it)." in text(document)
    assert "skipped, rate_limited; again in 1 min 00 s (12:01:00Z)" in text(document)
    assert "BLOCKS until 12:01:00Z" in text(document)


def test_a_candidate_in_cooldown_says_which_scope_is_and_shows_its_gates_all_the_same(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router()
    simulator.fault("groq", status=500, times=1)
    simulator.fault("gemini", status=401, times=1)
    ask(router)
    document = explained(router)
    groq, gemini = candidates(document, "groq"), candidates(document, "gemini")
    assert {each["rest"]["of"] for each in groq} == {"provider"}
    assert groq[0]["rest"]["status"] == "cooldown"
    assert groq[0]["rest"]["since"] == "2026-11-23T12:00:00Z"
    assert groq[0]["rest"]["until"] == groq[0]["clears_at"] == "2026-11-23T12:05:00Z"
    assert groq[0]["rest"]["then_probes"] is True
    assert [gate["name"] for gate in groq[0]["gates"]] == ["rpm", "tpd"]
    assert (gemini[0]["status"], gemini[0]["rest"]["of"], gemini[0]["clears_at"]) == (
        "disabled",
        "key",
        "2026-11-23T12:05:00Z",
    )
    assert "the whole provider is in cooldown since 12:00:00Z, until 12:05:00Z, then one request tries it: " in text(
        document
    )
    assert "this key is disabled since 12:00:00Z, until 12:05:00Z, then one request tries it: " in text(document)


def test_after_a_cooldown_the_request_would_be_the_probe(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    router = make_router()
    simulator.fault("groq", status=500, times=1)
    ask(router)
    clock.advance(301)
    document = explained(router)
    assert candidates(document, "groq")[0]["probe_due"] is True
    assert document["next"] == "groq"
    assert "its cooldown is over; this request would try it" in text(document)


def test_providers_that_cannot_be_asked_are_listed_with_the_reason(make_router: MakeRouter) -> None:
    router = make_router(
        providers={"gemini": {"api_key": "os.environ/A_KEY_THAT_NOBODY_SET"}, "openrouter": {"enabled": False}}
    )
    document = explained(router)
    absent = {each["name"]: each["absent"] for each in document["providers"] if each["absent"]}
    assert absent["gemini"]["status"] == "unconfigured"
    assert "A_KEY_THAT_NOBODY_SET" in absent["gemini"]["reason"]
    assert absent["openrouter"]["status"] == "disabled"
    assert "-  gemini: unconfigured\n     A_KEY_THAT_NOBODY_SET is not set" in text(document)


def test_past_its_soft_limit_a_candidate_comes_after_those_below_theirs(make_router: MakeRouter) -> None:
    router = make_router(providers={"groq": {"limits": {"rpm": 30, "tpd": 2000}}}, defaults={"soft_limit": "1%"})
    ask(router)
    document = explained(router, 100)
    first = candidates(document, "groq")[0]
    assert first["status"] == "soft_limited"
    assert {gate["name"]: gate["status"] for gate in first["gates"]}["tpd"] == "soft_limited"
    assert document["next"] == "gemini"
    assert "has room, past its soft limit; comes after those that are below theirs" in text(document)
    assert "past its soft limit, 20" in text(document)


def test_a_free_candidate_past_its_soft_limit_still_comes_before_a_paid_one(make_router: MakeRouter) -> None:
    others: dict[str, Any] = dict.fromkeys(("gemini", "openrouter", "together"))
    router = make_router(
        providers={**others, "groq": {**ONE_MODEL, "limits": {"tpd": 2000}}}, defaults={"soft_limit": "1%"}
    )
    ask(router)
    document = explained(router, 100)
    assert document["next"] == "groq"
    assert route_of(ask(router)).provider == "groq"
    assert "only paid ones would come before it" in text(document)


@pytest.mark.parametrize(("max_wait", "waits"), [("0s", False), ("5s", False), ("2m", True)])
def test_when_nobody_has_room_it_says_who_has_first_and_whether_it_would_wait(
    make_router: MakeRouter, max_wait: str, waits: bool
) -> None:
    others: dict[str, Any] = dict.fromkeys(("gemini", "openrouter", "together", "openai"))
    router = make_router(
        providers={**others, "groq": {**ONE_MODEL, "limits": {"rpm": 1}}}, defaults={"max_wait": max_wait}
    )
    ask(router)
    document = explained(router)
    assert (document["next"], document["chosen"], document["waits"]) == (None, None, waits)
    assert document["clears_at"] == "2026-11-23T12:01:00Z"
    told = "It would wait for that, for 2 min 00 s at most." if waits else "it would fail at once"
    assert told in text(document)
    assert "Room again in 1 min 00 s (12:01:00Z)." in text(document)


def test_a_prompt_that_no_window_can_hold_is_told_apart(make_router: MakeRouter) -> None:
    router = make_router(providers={"groq": {**ONE_MODEL, "limits": {"tpm": 1000}}})
    document = explained(router, 10_000)
    first = candidates(document, "groq")[0]
    assert (first["status"], first["clears_at"]) == ("too_large", None)
    assert "BLOCKS: the prompt is too large for this limit at any time" in text(document)


def test_equals_are_in_one_place_and_share(make_router: MakeRouter) -> None:
    router = make_router(providers={"groq": {**ONE_MODEL, "api_key": ["key-one", "key-two"], "pool": "separate"}})
    document = explained(router)
    assert [(each["place"], each["key"]) for each in candidates(document, "groq")] == [(1, 1), (1, 2)]
    assert text(document).count("shares the load with the others of its place") == 2


def test_who_is_named_serves_it(make_router: MakeRouter, simulator: Simulator, clock: VirtualClock) -> None:
    """A whole story, one step after the other."""
    router = make_router(providers={"groq": {"limits": {"rpm": 3, "tpd": "100k"}}})
    for step in range(40):
        if step in (5, 15):
            simulator.fault("gemini", status=503, times=1)
            ask(router)
        named = explained(router)["chosen"]
        route = route_of(ask(router))
        assert named.startswith(f"{route.provider}/")
        clock.advance(7)


@pytest.fixture(params=["memory", "sqlite", "redis"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Callable[[Router], str]]:
    """A store's URL, and everything that is in it."""
    match request.param:
        case "memory":
            return "memory://", lambda router: repr(vars(router._store))
        case "sqlite":
            return "sqlite:///state.db", lambda _: "\n".join(sqlite3.connect(tmp_path / "state.db").iterdump())
    server: RedisServer = request.getfixturevalue("redis_server")
    server.ask("FLUSHALL")
    return server.url, lambda _: _digest(server)


SIGNED_IN = (b":processes", b":joined", b":journal", b":resting")
"""So end the keys that a process which makes requests writes each second, whatever it is asked."""


def _digest(server: RedisServer) -> str:
    names = sorted(server.ask("KEYS", "*").split(b"\r\n")[2::2])
    names = [name for name in names if name and not name.endswith(SIGNED_IN)]
    values = [server.ask("DUMP", name.decode()) for name in names]
    return hashlib.sha256(b"".join([*names, *values])).hexdigest()


@pytest.fixture(scope="module")
def redis_server() -> Any:
    server = RedisServer()
    yield server
    server.stop()


def test_explaining_changes_nothing_in_any_store(
    make_router: MakeRouter, simulator: Simulator, kept: tuple[str, Callable[[Router], str]]
) -> None:
    url, everything_in = kept
    router = make_router(state=url)
    simulator.fault("groq", status=500, times=1)
    ask(router, 3)
    explained(router)
    before, status, asked = everything_in(router), router.status(), simulator.summary()
    for tokens in (1, 1500, 10_000_000):
        for _ in range(20):
            explained(router, tokens)
    assert everything_in(router) == before
    assert router.status() == status
    assert simulator.summary() == asked


def test_what_a_candidate_cannot_do_is_told_and_the_next_is_named(make_router: MakeRouter) -> None:
    models = [{"name": "llama-3.3-70b-versatile", "supports": {"tools": False}, "context": "32k"}]
    router = make_router(providers={"groq": {"models": models}})
    document = router.explain(needs=["tools"], tokens=41_000)
    first = candidates(document, "groq")[0]
    assert first["status"] == "unfit"
    assert first["lacks"] == [
        "tools: not supported (the configuration says so)",
        "context: 41k needed, 32k has",
    ]
    assert (document["next"], document["needs"]) == ("gemini", ["tools"])
    assert "tools: not supported (the configuration says so)" in text(document)


def test_a_need_that_there_is_not_is_an_error(make_router: MakeRouter) -> None:
    with pytest.raises(ValueError, match="'tool' is no ability; there are tools"):
        make_router().explain(needs=["tool"])
