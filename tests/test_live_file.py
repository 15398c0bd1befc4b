"""An edit of litellm.yaml counts while the router runs, whole or not at all."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import litellm
import pytest
import yaml
from fastapi.testclient import TestClient
from rig import MakeRouter, message, reference
from rig_cli import environment

from monitoring import sub_app_for
from router_config import ConfigError, Router, load_config, route_of
from router_config.clock import VirtualClock
from router_config.config.file_watch import FileWatch, stamp_of
from router_config.ledger.opening import open_store
from router_config.simulator import Simulator
from router_config.status.source import ConfiguredSource


class Edits:
    """Writes the file that a router follows, anew with each change."""

    def __init__(self, simulator: Simulator, router: Router, **begun: Any) -> None:
        assert router.config is not None
        assert router.config.path is not None
        self.path, self._simulator = router.config.path, simulator
        self._begun = begun

    def write(self, **changes: Any) -> None:
        self.path.write_text(yaml.safe_dump(reference(self._simulator, **{**self._begun, **changes})), "utf-8")


def ask(router: Router, **kwargs: Any) -> str:
    return route_of(router.completion(**{"model": "default", "messages": message(), **kwargs})).provider


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)


def limits(router: Router, provider: str = "groq") -> Any:
    return next(each for each in router.status()["providers"] if each["name"] == provider)["limits"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"providers": {"groq": {"limits": {"rpm": 60, "tpd": "100k"}}}}, ["groq rpm 30 -> 60"]),
        ({"providers": {"groq": {"limits": {"rpm": 30}}}}, ["groq tpd 100000 -> none"]),
        ({"providers": {"together": None}}, ["-together"]),
        ({"providers": {"groq": {"priority": 9}}}, ["groq priority 1 -> 9"]),
        ({"providers": {"groq": {"enabled": False}}}, ["groq enabled True -> False"]),
        ({"providers": {"gemini": {"models": ["gemini-2.5-pro"]}}}, ["-gemini/gemini-1.5-flash"]),
        ({"aliases": {"gpt-4o": "default"}}, ["alias *: default -> none"]),
        (
            {"defaults": {"timeout": "5s", "cooldown": "1m"}},
            ["defaults cooldown 300 -> 60", "defaults timeout 30 -> 5"],
        ),
        ({"providers": {"openai": {"api_key": "sk-a-secret"}}}, ["openai: key changed"]),
        ({"providers": {"groq": {"api_base": "http://me:secret@127.0.0.1:1/v1"}}}, ["groq: api_base changed"]),
        ({"router_settings": {"num_retries": 1}}, ["router_settings num_retries none -> 1"]),
    ],
)
def test_a_reload_says_what_changed_and_the_next_request_goes_by_it(
    make_router: MakeRouter, simulator: Simulator, change: dict[str, Any], told: list[str]
) -> None:
    router = make_router()
    edits = Edits(simulator, router)
    assert not router.reload()
    edits.write(**change)
    made = router.reload()
    assert list(made.changes) == told
    assert "secret" not in str(made)
    fresh = Router.from_yaml(edits.path, env=simulator.env(), clock=router._clock, watch=False)
    try:
        assert router.catalog.deployments == fresh.catalog.deployments
        assert router._terms.settings == fresh._terms.settings
    finally:
        fresh.close()
    assert not router.reload()


def test_counts_stay_over_an_edit_and_a_removed_provider_finds_its_own_again(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router()
    edits = Edits(simulator, router)
    assert [ask(router) for _ in range(3)] == ["groq"] * 3
    edits.write(providers={"groq": {"limits": {"rpm": 3}}})
    router.reload()
    assert limits(router)["rpm"]["used"] == 3
    assert ask(router) == "gemini"
    edits.write(providers={"groq": None})
    router.reload()
    assert "groq" not in [each["name"] for each in router.status()["providers"]]
    edits.write()
    router.reload()
    assert limits(router)["rpm"]["used"] == 3
    assert ask(router) == "groq"


@pytest.mark.parametrize(
    ("before", "after", "limit"),
    [
        ({}, {"account": "ours"}, "rpm"),
        ({}, {"pool": "shared"}, "rpm"),
        ({}, {"priority": 9, "models": ["llama-3.3-70b-versatile"]}, "tpd"),
        ({}, {"limits": {"rpd": 5}}, "rpd"),
        ({"limits": {"rpd": 9}}, {"limits": {"rpd": 9}, "day": {"window": "calendar"}}, "rpd"),
        ({"limits": {"rpw": 9}}, {"limits": {"rpw": 5}}, "rpw"),
        ({"limits": {"rpmo": 9}}, {"limits": {"rpmo": 9}, "month": {"window": "rolling"}}, "rpmo"),
        ({"limits": {"rpmo": 9}}, {"limits": {"rpmo": 9}, "month": {"day": 14}}, "rpmo"),
        ({"limits": {"itpm": "9k"}}, {"limits": {"itpm": "5k"}}, "itpm"),
    ],
)
def test_a_limit_counts_what_was_used_before_it_was_written_or_changed(
    make_router: MakeRouter, simulator: Simulator, before: dict[str, Any], after: dict[str, Any], limit: str
) -> None:
    router = make_router(providers={"groq": before})
    edits = Edits(simulator, router)
    assert [ask(router) for _ in range(3)] == ["groq"] * 3
    edits.write(providers={"groq": after})
    assert router.reload()
    assert limits(router)[limit]["used"] >= 3


def test_a_key_that_is_rotated_goes_on_with_the_counts_of_its_account(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    key = simulator.env()["GROQ_API_KEY"]
    account = {"account": "ours", "api_key": key}
    router = make_router(providers={"groq": account})
    edits = Edits(simulator, router)
    ask(router)
    edits.write(providers={"groq": {**account, "api_key": f"{key}-new"}})
    assert list(router.reload().changes) == ["groq: key changed"]
    assert limits(router)["rpm"]["used"] == 1


@pytest.mark.parametrize("without_router", [False, True])
def test_an_edit_of_the_env_file_counts_although_litellm_had_read_it_into_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, without_router: bool
) -> None:
    """LiteLLM does so when it is imported, and so do applications. What the process was given by others wins."""
    path, dotenv = tmp_path / "litellm.yaml", tmp_path / ".env"
    path.write_text("state: memory://\nproviders:\n  groq: {models: [x]}\n  openai: {models: [x]}\n", "utf-8")
    dotenv.write_text("GROQ_API_KEY=one\nOPENAI_API_KEY=one\n", "utf-8")
    monkeypatch.setenv("GROQ_API_KEY", "one")
    monkeypatch.setenv("OPENAI_API_KEY", "another")

    async def changes() -> Any:
        return list((await source.areload()).changes)

    source: Any
    if without_router:
        source = ConfiguredSource(load_config(path), open_store("memory://"), follow=True)
    else:
        source = Router.from_yaml(path)
    dotenv.write_text("GROQ_API_KEY=two\nOPENAI_API_KEY=two\n", "utf-8")
    assert asyncio.run(changes()) == ["groq: key changed"]
    monkeypatch.setenv("GROQ_API_KEY", "two")  # An application reads it again.
    dotenv.write_text("GROQ_API_KEY=three\n", "utf-8")
    assert asyncio.run(changes()) == ["groq: key changed"]
    dotenv.unlink()
    assert asyncio.run(changes()) == ["groq: 0 keys instead of 1"]
    if not without_router:
        source.close()


@pytest.mark.parametrize(
    "broken", ["providers: {groq: {rpm: 5}}", "providers:\n  groq: [", "", "version: 1\nstate: nowhere://\n"]
)
def test_a_broken_file_is_told_with_its_place_and_the_last_good_one_serves_on(
    make_router: MakeRouter, simulator: Simulator, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    router = make_router()
    edits = Edits(simulator, router)
    edits.path.write_text(broken, "utf-8")
    for _ in range(2):
        with pytest.raises(ConfigError):
            router.reload()
    told = [each.message for each in caplog.records if "cannot be used" in each.message]
    assert len(told) == 1
    assert "litellm.yaml:" in told[0]
    assert "litellm.yaml:" in router.status()["config"]["error"]
    assert ask(router) == "groq"
    edits.write()
    assert not router.reload()
    assert router.status()["config"]["error"] is None


@pytest.mark.parametrize(
    "settings",
    [
        {"routing_strategy": "nonsense"},
        {"fallbacks": [{"a": ["sk-a-secret"], "b": ["c"]}], "redis_password": "sk-a-secret"},
    ],
)
def test_what_litellm_refuses_is_told_as_a_fault_of_the_file(
    make_router: MakeRouter, simulator: Simulator, settings: dict[str, Any]
) -> None:
    router = make_router()
    edits = Edits(simulator, router)
    edits.write(router_settings=settings)
    with pytest.raises(ConfigError, match=r"litellm.yaml:\d+:\d+: LiteLLM does not take this") as reloaded:
        router.reload()
    assert router.status()["config"]["error"] == str(reloaded.value)
    assert ask(router) == "groq"
    with pytest.raises(ConfigError) as made:
        Router.from_yaml(edits.path, env=simulator.env())
    assert str(made.value) == str(reloaded.value)
    assert "secret" not in str(made.value)


def test_state_cannot_change_and_the_rest_of_the_edit_counts(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    edits = Edits(simulator, router)
    edits.write(state="sqlite:///other.db", providers={"groq": {"limits": {"rpm": 1}}})
    made = router.reload()
    assert list(made.changes) == ["groq rpm 30 -> 1", "groq tpd 100000 -> none"]
    assert "state cannot change" in made.warnings[0]
    assert "litellm.yaml:" in made.warnings[0]


def test_a_setting_of_litellm_that_is_taken_out_waits_for_a_restart(
    make_router: MakeRouter, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litellm, "drop_params", False)
    router = make_router(litellm_settings={"drop_params": True})
    Edits(simulator, router).write()
    made = router.reload()
    assert "drop_params" in made.warnings[0]
    assert "restart" in made.warnings[0]


HANGS_UP = """
import gc, os, signal, sys, threading
from router_config import Router
from router_config.config.file_watch import _WATCHER
router = Router.from_yaml("litellm.yaml")
def hang_up():
    for _ in range(20_000):
        os.kill(os.getpid(), signal.SIGHUP)
thread = threading.Thread(target=hang_up)
thread.start()
while thread.is_alive():
    sum(range(1000))
print("lives", flush=True)
router.close()
del router
gc.collect()
watching = _WATCHER._thread
if watching is not None:
    watching.join(20)
os.kill(os.getpid(), signal.SIGHUP)
print("lives on", flush=True)
"""


def test_hanging_up_again_and_again_harms_nobody_and_ends_the_process_when_no_router_is_left(tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text("providers: {groq: {api_key: none, models: [x]}}\nstate: memory://\n")
    ended = subprocess.run(
        [sys.executable, "-c", HANGS_UP],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.stdout, ended.returncode) == ("lives\n", -signal.SIGHUP), ended.stderr


def test_who_waits_gets_the_room_of_a_raised_limit_at_once(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock
) -> None:
    alone = dict.fromkeys(("gemini", "openrouter", "together", "openai"))
    router = make_router(providers={"groq": {"limits": {"rpm": 1}}, **alone})
    edits = Edits(simulator, router)

    async def main() -> None:
        first = await router.acompletion(model="default", messages=message())
        waiting = [
            asyncio.create_task(router.acompletion(model="default", messages=message(), max_wait=100)) for _ in range(3)
        ]
        await until(lambda: len(clock.wakes) == 3)
        edits.write(providers={"groq": {"limits": {"rpm": 60}}, **alone})
        await asyncio.to_thread(router.reload)
        for reply in (first, *await asyncio.gather(*waiting)):
            assert route_of(reply).provider == "groq"

    asyncio.run(main())


def test_a_stream_ends_with_the_file_that_it_began_with_and_is_settled(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    router = make_router()
    edits = Edits(simulator, router)
    stream = router.completion(model="default", messages=message(), stream=True)
    next(stream)
    edits.write(providers={"groq": None})
    router.reload()
    assert list(stream)
    edits.write()
    router.reload()
    shown = limits(router)["rpm"]
    assert (shown["used"], shown["reserved"]) == (1, 0)


@pytest.mark.parametrize("without_router", [False, True])
def test_the_api_has_the_file_read_but_not_for_a_page_of_another_site(
    make_router: MakeRouter, simulator: Simulator, clock: VirtualClock, *, without_router: bool
) -> None:
    router = make_router()
    edits = Edits(simulator, router)
    assert router.config is not None
    source = ConfiguredSource(router.config, router._store, clock=clock) if without_router else router
    client = TestClient(sub_app_for(source), base_url="http://127.0.0.1")
    client.get("/healthz")
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/api/llm-providers/reload", headers=headers).status_code == 403
    edits.write(providers={"together": None})
    would = [client.get("/api/llm-providers/changes").json()["changes"] for _ in range(2)]
    assert "together" in [each["name"] for each in client.get("/api/llm-providers").json()["providers"]]
    told = client.post("/api/llm-providers/reload").json()
    assert "-together" in told["changes"]
    assert would == [told["changes"]] * 2
    edits.path.write_text("version: 2", "utf-8")
    assert client.get("/api/llm-providers/changes").status_code == 422
    assert client.get("/api/llm-providers").json()["config"]["error"] is None
    refused = client.post("/api/llm-providers/reload")
    assert refused.status_code == 422
    assert "litellm.yaml:1" in refused.json()["detail"]
    shown = client.get("/api/llm-providers").json()
    assert "litellm.yaml:1" in shown["config"]["error"]
    assert "together" not in [each["name"] for each in shown["providers"]]


def replaced(path: Path, text: str) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(text, "utf-8")
    os.replace(beside, path)


def truncated(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")


def swapped(path: Path, text: str) -> None:
    """As Kubernetes does with a ConfigMap: the file is a link through a link to a folder."""
    folder = path.parent / f"..{len(os.listdir(path.parent))}"
    folder.mkdir()
    (folder / path.name).write_text(text, "utf-8")
    link = path.parent / "..data"
    (path.parent / "..tmp").symlink_to(folder.name)
    os.replace(path.parent / "..tmp", link)
    if not path.is_symlink():
        path.unlink(missing_ok=True)
        path.symlink_to(Path("..data") / path.name)


@pytest.mark.parametrize("write", [replaced, truncated, swapped])
def test_a_change_is_seen_however_it_was_written_once_the_file_is_still(
    tmp_path: Path, write: Callable[[Path, str], None]
) -> None:
    path = tmp_path / "litellm.yaml"
    write(path, "a: 1")
    seen: list[str] = []

    class Follower:
        def changed(self) -> None:
            seen.append(path.read_text("utf-8"))

    follower = Follower()
    watch = FileWatch(path, stamp_of(path), follower.changed)
    watch.stop()  # The thread looks no more; the test does.
    assert watch.look()
    assert seen == []
    write(path, "a: 12")
    assert watch.look()
    assert seen == []  # It may still be written.
    write(path, "a: 123")
    assert watch.look()
    assert seen == []
    assert watch.look()
    assert seen == ["a: 123"]
    assert watch.look()
    assert len(seen) == 1
    del follower
    assert not watch.look()


def test_a_router_follows_its_file_and_looks_at_once_at_sighup(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    edits = Edits(simulator, router)
    unwatched = Router.from_yaml(edits.path, env=simulator.env(), watch=False)
    before = unwatched.config
    edits.write(aliases={"fast": "default"})
    os.kill(os.getpid(), signal.SIGHUP)

    def aliases() -> Any:
        return router.config and router.config.aliases

    async def main() -> None:
        await until(lambda: aliases() == {"fast": "default"})
        edits.write(aliases={"slow": "default"})
        await until(lambda: aliases() == {"slow": "default"})

    asyncio.run(main())
    assert unwatched.config is before
    unwatched.close()


def test_with_reload_off_a_router_reads_its_file_at_sighup_alone(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router(defaults={"reload": False})
    follows = make_router()
    edits = Edits(simulator, router)

    def aliases(router: Router) -> Any:
        return router.config and router.config.aliases

    async def main() -> None:
        edits.write(aliases={"one": "default"}, defaults={"reload": False})
        await until(lambda: aliases(follows) == {"one": "default"})
        assert aliases(router) != {"one": "default"}
        assert not (await router.achanges())["follows"]
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: aliases(router) == {"one": "default"})
        edits.write(aliases={"two": "default"})
        await router.areload()
        assert (await router.achanges())["follows"]
        edits.write(aliases={"three": "default"})
        await until(lambda: aliases(router) == {"three": "default"})

    asyncio.run(main())


ON_A_TERMINAL = """
import signal, sys
from router_config import Router
router = Router.from_yaml("litellm.yaml")
print("follows", flush=True)
while True:
    if "edited" in router.config.aliases:
        print("edited", flush=True)
        signal.pause()
"""


def test_sighup_has_the_file_read_on_a_terminal_too_but_a_terminal_that_is_closed_ends_the_process(
    tmp_path: Path,
) -> None:
    path = tmp_path / "litellm.yaml"
    text = "defaults: {reload: off}\nproviders: {groq: {api_key: none, models: [x]}}\nstate: memory://\n"
    path.write_text(text)
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, [sys.executable, "-c", ON_A_TERMINAL], environment())
    try:
        assert b"follows" in _heard(terminal, b"follows")
        path.write_text(f"{text}aliases: {{edited: default}}\n")
        os.kill(process, signal.SIGHUP)
        assert b"edited" in _heard(terminal, b"edited")
    finally:
        os.close(terminal)
    _, ended = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(ended) == -signal.SIGHUP


def _heard(terminal: int, what: bytes) -> bytes:
    """What a terminal showed until this was part of it, or the process ended."""
    heard = b""
    while what not in heard:
        try:
            heard += os.read(terminal, 4096)
        except OSError:  # It ended.
            break
    return heard


def test_what_became_of_an_edit_is_an_event(make_router: MakeRouter, simulator: Simulator) -> None:
    router = make_router()
    edits = Edits(simulator, router)

    def events() -> list[tuple[str, str]]:
        found = router._background.run(router.ahistory(1))["events"]
        return [(each["kind"], each["reason"]) for each in found if each["kind"].startswith("configuration")]

    async def main() -> None:
        edits.path.write_text("providers: [", "utf-8")
        for _ in range(2):
            with pytest.raises(ConfigError):
                await router.areload()
        await until(lambda: len(events()) == 1)
        assert events()[0][0] == "configuration_error"
        assert "litellm.yaml:" in events()[0][1]
        edits.write(providers={"groq": {"priority": 9}})
        await router.areload()
        await until(lambda: len(events()) == 2)
        assert events()[1] == ("configuration", "configuration changed: groq priority 1 -> 9")
        edits.write(providers={"groq": {"priority": 8}})
        await router.areload()
        await until(lambda: len(events()) == 3)  # However soon after the other.

    asyncio.run(main())


def test_no_request_fails_while_names_and_providers_change_under_it(
    make_router: MakeRouter, simulator: Simulator
) -> None:
    """Each request sees the old file or the new one: an alias never leads to a group of the other."""
    unlimited: dict[str, Any] = {name: {"limits": {}} for name in ("groq", "together", "openrouter", "openai")}
    deep = {"models": [{"name": "gemini-2.5-pro", "groups": ["deep"]}], "limits": {}}
    files: list[dict[str, Any]] = [
        {"aliases": {"agent": "default"}, "providers": {**unlimited, "gemini": None}},
        {"aliases": {"agent": "deep"}, "providers": {**unlimited, "gemini": deep}},
    ]
    simulator.set_limits({name: {} for name in ("groq", "gemini", "openrouter", "together", "openai")})
    router = make_router(**files[0])
    edits = Edits(simulator, router)

    async def edit() -> None:
        for turn in range(20):
            edits.write(**files[(turn + 1) % 2])
            await router.areload()

    async def main() -> set[str]:
        served, editing = set(), asyncio.create_task(edit())
        while not editing.done():
            replies = [router.acompletion(model="agent", messages=message()) for _ in range(5)]
            served |= {route_of(each).provider for each in await asyncio.gather(*replies)}
        await editing
        return served

    assert asyncio.run(main()) == {"groq", "gemini"}
