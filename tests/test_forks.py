"""A process forks while its Router is busy, and either side may go first: no child hangs, no count is lost."""

import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from rig import NOON, message, reference
from rig_redis import RedisServer

from router_config import NoProviderAvailable, Router
from router_config.clock import VirtualClock
from router_config.simulator import Simulator

FORKS = 30
THREADS = 8
ROOM = 20
ALONE = {"gemini": None, "openrouter": None, "together": None, "openai": None}


@pytest.fixture(params=["memory", "sqlite", "redis"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "redis":
        server = RedisServer()
        yield server.url
        server.stop()
    else:
        yield "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/state.db"


def opened(simulator: Simulator, state: str, tmp_path: Path, rpd: int) -> Router:
    simulator.set_limits({"groq": {"rpd": rpd}})
    limits = {"groq": {"limits": {"rpd": rpd}, "models": ["llama-3.3-70b-versatile"]}}
    path = tmp_path / "litellm.yaml"
    path.write_text(yaml.safe_dump(reference(simulator, state=state, providers={**ALONE, **limits})), "utf-8")
    return Router.from_yaml(path, env=simulator.env(), clock=VirtualClock(NOON))


def child(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid


def joined(pid: int, seconds: float = 30.0) -> int:
    """The exit status; a child that hangs is ended, and its status is minus its signal."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def ask(router: Router) -> bool:
    try:
        router.completion(model="default", messages=message())
    except NoProviderAvailable:
        return False
    return True


def used(router: Router) -> int:
    groq = next(each for each in router.status()["providers"] if each["name"] == "groq")
    assert groq["limits"]["rpd"]["reserved"] == 0
    return int(groq["usage_today"]["requests"])


def test_forked_while_eight_threads_are_busy_no_child_hangs_and_every_request_is_counted(
    simulator: Simulator, tmp_path: Path, state: str
) -> None:
    router = opened(simulator, state, tmp_path, rpd=100_000)
    assert ask(router)
    over = threading.Event()

    def busy() -> None:
        while not over.is_set():
            assert ask(router)

    def in_child() -> None:
        assert ask(router)
        if os.getpid() % 2:
            router.close()

    threads = [threading.Thread(target=busy) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        waiting: list[int] = []
        statuses: list[int] = []
        for _ in range(FORKS):
            waiting.append(child(in_child))
            if len(waiting) == 4:
                statuses.append(joined(waiting.pop(0)))
        statuses += map(joined, waiting)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert statuses == [0] * FORKS
    own = FORKS if state.startswith("memory") else 0  # A child's memory is its own.
    assert used(router) == simulator.count("groq") - own
    router.close()


def test_a_child_imports_what_a_thread_of_its_parent_was_importing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "slowly_imported.py").write_text("import fork_gate\nfork_gate.wait()\nDONE = True\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importing, forked = threading.Event(), threading.Event()
    parent = os.getpid()

    def wait() -> None:
        if os.getpid() == parent:
            importing.set()
            forked.wait(30)

    gate: Any = ModuleType("fork_gate")
    gate.wait = wait
    monkeypatch.setitem(sys.modules, "fork_gate", gate)
    thread = threading.Thread(target=importlib.import_module, args=("slowly_imported",))
    thread.start()
    assert importing.wait(30)
    pid = child(lambda: importlib.import_module("slowly_imported").DONE)
    assert joined(pid, 10) == 0
    forked.set()
    thread.join()


@pytest.mark.parametrize("first", ["parent", "child", "child, unclosed"])
def test_parent_and_child_close_in_any_order_and_spend_a_limit_once(
    simulator: Simulator, tmp_path: Path, first: str
) -> None:
    state = f"sqlite:///{tmp_path}/state.db"
    router = opened(simulator, state, tmp_path, rpd=ROOM)
    assert [ask(router) for _ in range(5)] == [True] * 5
    told, tell = os.pipe()

    def in_child() -> None:
        assert all(ask(router) for _ in range(5))
        os.write(tell, b".")
        if first == "child":
            router.close()
        elif first == "parent":
            while not (tmp_path / "closed").exists():
                time.sleep(0.005)
            assert all(ask(router) for _ in range(5))
            router.close()

    pid = child(in_child)
    assert os.read(told, 1) == b"."
    if first == "parent":
        router.close()
        (tmp_path / "closed").touch()
        assert joined(pid) == 0
        router = opened(simulator, state, tmp_path, rpd=ROOM)
    else:
        assert joined(pid) == 0
        assert [ask(router) for _ in range(5)] == [True] * 5
    assert [ask(router) for _ in range(10)] == [True] * 5 + [False] * 5
    assert used(router) == simulator.count("groq") == ROOM
    router.close()


def test_a_child_of_a_child_and_a_second_router_on_the_same_file(simulator: Simulator, tmp_path: Path) -> None:
    state = f"sqlite:///{tmp_path}/state.db"
    router = opened(simulator, state, tmp_path, rpd=ROOM)
    other = opened(simulator, state, tmp_path, rpd=ROOM)
    assert ask(router)
    assert ask(other)

    def grandchild() -> None:
        assert ask(router)
        assert ask(other)
        router.close()
        assert ask(other)

    def in_child() -> None:
        assert joined(child(grandchild)) == 0
        assert ask(other)
        other.close()
        assert ask(router)

    assert joined(child(in_child)) == 0
    router.close()
    assert used(other) == simulator.count("groq") == 7
    other.close()
