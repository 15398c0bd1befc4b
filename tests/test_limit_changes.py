"""Limits that a provider reports otherwise than the file has them: remembered, told, used where the file says so."""

import asyncio
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import NOON, message
from rig_cli import run_router_config
from rig_redis import RedisServer
from rig_upstream import ANSWER, Asked, Upstream, answer, entry, upstream

from router_config import NoProviderAvailable, Router, load_config
from router_config.clock import VirtualClock
from router_config.ledger.opening import open_store
from router_config.ledger.rules.steady_limits import KEPT, SteadyLimit, both, limits_of, limits_text
from router_config.status.source import ConfiguredSource


class Provider:
    """A provider that reports whatever limits a test sets, in one of the ways in which providers do."""

    def __init__(self, way: str) -> None:
        self.way, self.refuses = way, False
        self.limits: dict[str, int] = {"rpm": 60}
        self.models: dict[str, dict[str, int]] = {}

    def __call__(self, asked: Asked) -> bytes:
        model = next((name for name in self.models if f'"{name}"'.encode() in asked.body), "")
        limits = {**self.limits, **self.models.get(model, {})}
        if self.refuses:
            told = f"requests per minute (RPM): Limit {limits['rpm']}, Used {limits['rpm']}"
            problem = {"message": f"Rate limit reached on {told}, Requested 1.", "code": "rate_limit_exceeded"}
            return answer({"error": problem}, 429)
        return answer(ANSWER, headers=self._headers(limits))

    def _headers(self, limits: dict[str, int]) -> dict[str, str]:
        rpm = limits["rpm"]
        match self.way:
            case "openai":
                reset = f"{60 / rpm:.3f}s"
                of = {"limit": rpm, "remaining": rpm - 1, "reset": reset}
                return {f"x-ratelimit-{name}-requests": str(value) for name, value in of.items()}
            case "named":
                of = {"limit": rpm, "remaining": rpm - 1}
                return {f"x-ratelimit-{name}-requests-minute": str(value) for name, value in of.items()}
            case "draft":
                return {"ratelimit": f"limit={rpm}, remaining={rpm - 1}, reset=30", "ratelimit-policy": f"{rpm};w=60"}
        return {}


@pytest.fixture(params=["memory", "sqlite", "redis"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        server = request.getfixturevalue("redis_of_its_own")
        return str(server.url)
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/state.db"


@pytest.fixture
def redis_of_its_own() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


class Place:
    """A folder with a file that aims a provider at an upstream, and the Routers of it."""

    def __init__(self, folder: Path, at: Upstream, clock: VirtualClock, state: str, prefix: str) -> None:
        self.path, self.at, self.clock, self.state = folder / "litellm.yaml", at, clock, state
        self.routers: list[Router] = []
        self.prefix = prefix
        self.write()

    def write(self, models: Any = ("m",), limits: Any = None, **more: Any) -> None:
        provider = {
            "litellm_provider": self.prefix, "api_base": self.at.address, "api_key": "none", "models": list(models),
            "limits": {"rpm": 30} if limits is None else limits, **more,
        }  # fmt: skip
        document = {"version": 1, "state": self.state, "providers": {"acme": provider}}
        self.path.write_text(yaml.safe_dump(document), "utf-8")

    def router(self) -> Router:
        self.routers.append(Router.from_yaml(self.path, env={}, clock=self.clock, watch=False))
        return self.routers[-1]


@contextmanager
def place(folder: Path, provider: Provider, state: str = "memory://") -> Iterator[Place]:
    with upstream(provider) as at:
        made = Place(folder, at, VirtualClock(NOON), state, "nebius" if provider.way == "draft" else "openai")
        yield made
        for router in made.routers:
            router.close()


def ask(router: Router, times: int = 1, **kwargs: Any) -> int:
    """How many of so many requests were answered."""

    async def main() -> int:
        answered = 0
        for _ in range(times):
            try:
                await router.acompletion(**{"model": "default", "messages": message(), **kwargs})
            except NoProviderAvailable:
                continue
            answered += 1
        return answered

    return asyncio.run(main())


def ask_steadily(made: Place, router: Router, seconds: float = 50.0, **kwargs: Any) -> None:
    for _ in range(3):
        ask(router, **kwargs)
        made.clock.advance(seconds)


def changed(status: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = status["providers"][0]["limits_changed"]
    return found


def events(router: Router) -> list[str]:
    told = asyncio.run(router.ahistory(24))["events"]
    return [each["reason"] for each in told if each["kind"] == "limit_changed"]


@pytest.mark.parametrize("way", ["openai", "named", "draft"])
def test_a_higher_limit_is_told_with_its_day_and_its_edit_and_is_not_used(tmp_path: Path, state: str, way: str) -> None:
    with place(tmp_path, Provider(way), state) as made:
        router = made.router()
        ask(router, 2)
        made.clock.advance(10)
        ask(router, 3)
        assert changed(router.status()) == []  # It may be an oddity of this minute.
        made.clock.advance(80)
        ask(router)
        (told,) = changed(router.status())
        assert told == {
            "scope": "account", "model": None, "limit": "rpm", "file": 30, "reported": 60,
            "since": "2026-11-23T12:00:00Z", "seen": "2026-11-23T12:01:30Z", "source": "headers", "in_force": False,
            "edit": "router-config set acme.limits.rpm 60",
        }  # fmt: skip
        made.clock.advance(61)
        assert ask(router, 31) == 30
        assert len(events(router)) == 1
        assert "the file says 30, acme says 60" in events(router)[0]
        made.clock.advance(3 * 86400)
        if state != "memory://":  # Another process, which only looks, and one that begins anew.
            store = open_store(state)
            source = ConfiguredSource(load_config(made.path, {}), store, clock=made.clock)
            assert changed(asyncio.run(source.astatus()))[0]["since"] == told["since"]
            asyncio.run(store.aclose())
            router.close()
            router = made.router()
        ask_steadily(made, router)
        assert changed(router.status())[0]["since"] == told["since"]
        assert len(events(router)) == (0 if made.clock.now() > NOON + 86400 else 1)  # Not told a second time.
        made.write(limits={"rpm": 60})
        router.reload()
        assert changed(router.status()) == []
        made.write(limits={"rpm": 100})
        router.reload()
        assert changed(router.status())[0] | {"seen": ""} == {**told, "file": 100, "in_force": True, "seen": ""}


def test_a_higher_limit_is_used_at_once_where_the_file_trusts_the_provider(tmp_path: Path, state: str) -> None:
    provider = Provider("openai")
    with place(tmp_path, provider, state) as made:
        made.write(trust="upstream")
        router = made.router()
        ask_steadily(made, router)
        made.clock.advance(61)
        assert ask(router, 61) == 60
        shown = router.status()["providers"][0]
        assert shown["limits"]["rpm"] | {"resets_at": ""} == {
            "limit": 60, "used": 60, "reserved": 0, "remaining": 0, "resets_at": "", "source": "upstream",
        }  # fmt: skip
        assert [(each["file"], each["reported"], each["in_force"]) for each in shown["limits_changed"]] == [
            (30, 60, True)
        ]
        if state != "memory://":  # At once in another process, and in one that begins anew.
            made.clock.advance(61)
            another = made.router()
            assert ask(another, 61) == 60
            store = open_store(state)
            source = ConfiguredSource(load_config(made.path, {}), store, clock=made.clock)
            assert asyncio.run(source.astatus())["providers"][0]["limits"]["rpm"]["limit"] == 60
            asyncio.run(store.aclose())
        made.clock.advance(61)
        provider.limits["rpm"] = 10  # A lower one holds from the first answer on.
        assert ask(router, 30) == 10
        provider.limits["rpm"] = 60
        made.clock.advance(2 * 86400)  # Nobody knows whether it is still so.
        assert ask(router, 35) == 30
        made.write(trust="file")
        router.reload()
        made.clock.advance(61)
        assert ask(router, 35) == 30


@pytest.mark.parametrize(
    ("models", "limits", "reported", "told", "served"),
    [
        (["m", "n"], {"rpm": 30}, {"m": 60, "n": 90}, [(None, 30, 60)], 60),
        (["m", "n"], {"rpm": 30}, {"m": 60, "n": 20}, [("n", 30, 20)], 30),
        (["m", "n"], {"rpm": 30}, {"m": 60}, [(None, 30, 60)], 30),  # Nobody knows of the other model.
        ([{"name": "m", "limits": {"rpm": 5}}], {}, {"m": 60}, [("m", 5, 60)], 60),
        ([{"name": "m", "limits": {"rpm": 5}}], {"rpm": 9}, {"m": 7}, [("m", 5, 7)], 7),
        ([{"name": "m", "limits": {"rpm": 5}}], {"rpm": 9}, {"m": 60}, [(None, 9, 60), ("m", 5, 60)], 60),
        ([{"name": "m", "limits": {"rpm": 50}}], {"rpm": 30}, {"m": 30}, [("m", 50, 30)], 30),
        ([{"name": "m", "limits": {"rpm": 60}}], {"rpm": 60}, {"m": 60}, [], 60),
        (["m"], {"tpd": 1000000}, {"m": 60}, [], 60),  # The file says nothing of it.
    ],
)
def test_what_is_reported_of_a_model_is_told_of_what_the_file_limits(
    tmp_path: Path, models: list[Any], limits: dict[str, Any], reported: dict[str, int], told: list[Any], served: int
) -> None:
    provider = Provider("named")
    provider.models = {name: {"rpm": rpm} for name, rpm in reported.items()}
    with place(tmp_path, provider) as made:
        made.write(models, limits, trust="upstream")
        router = made.router()
        for name in reported:
            ask_steadily(made, router, model=f"openai/{name}")
        made.clock.advance(61)
        found = changed(router.status())
        assert [(each["model"], each["file"], each["reported"]) for each in found] == told
        assert ask(router, 70, model="openai/m") == served
        for each in found:  # The command does what it says.
            _, command, path, value = each["edit"].split()
            assert (command, run_router_config(tmp_path, command, path, value).returncode) == ("set", 0)
        router.reload()
        left = [each for each in changed(router.status()) if each["reported"] == each["file"]]
        assert left == []


def test_a_router_without_a_file_tells_no_command(tmp_path: Path) -> None:
    clock = VirtualClock(NOON)
    with upstream(Provider("openai")) as at:
        router = Router(model_list=[entry("openai", at.address, rpm=30)], clock=clock)
        for _ in range(3):
            ask(router)
            clock.advance(50)
        (told,) = changed(router.status())
        assert (told["file"], told["reported"], told["edit"]) == (30, 60, None)
        assert "router-config" not in events(router)[0]
        router.close()


def test_a_refusal_tells_a_limit_too_and_a_lower_one_is_in_force(tmp_path: Path) -> None:
    provider = Provider("none")
    provider.limits["rpm"], provider.refuses = 20, True
    with place(tmp_path, provider) as made:
        router = made.router()
        ask_steadily(made, router, 200.0)
        (told,) = changed(router.status())
        assert (told["file"], told["reported"], told["source"], told["in_force"]) == (30, 20, "429", True)
        assert "in force" in events(router)[0]


def test_what_is_not_reported_steadily_is_not_told(tmp_path: Path) -> None:
    provider = Provider("openai")
    with place(tmp_path, provider) as made:
        router = made.router()
        for rpm in [60, 90] * 10:
            provider.limits["rpm"] = rpm
            ask(router)
            made.clock.advance(40)
        assert changed(router.status()) == []
        provider.limits["rpm"] = 60
        ask_steadily(made, router)
        provider.limits["rpm"] = 90
        ask(router, 3)
        assert [each["reported"] for each in changed(router.status())] == [60]
        made.clock.advance(81)
        ask(router)
        assert [each["reported"] for each in changed(router.status())] == [90]
        assert len(events(router)) == 2


def test_a_limit_of_a_day_that_passes_for_one_of_a_minute_is_none(tmp_path: Path) -> None:
    """A bucket of 14400 a day is full again six seconds after each request, as one of a minute would be."""
    told = {"x-ratelimit-limit-requests": "14400", "x-ratelimit-remaining-requests": "14399"}
    with upstream(lambda asked: answer(ANSWER, headers={**told, "x-ratelimit-reset-requests": "6s"})) as at:
        made = Place(tmp_path, at, VirtualClock(NOON), "memory://", "nebius")
        router = made.router()
        ask_steadily(made, router)
        assert changed(router.status()) == []
        router.close()


def test_of_a_pool_of_keys_the_lowest_is_told_and_each_goes_by_its_own(tmp_path: Path) -> None:
    def script(asked: Asked) -> bytes:
        rpm = 60 if "first" in asked.headers["authorization"] else 40
        of = {"limit": rpm, "remaining": rpm - 1}
        return answer(ANSWER, headers={f"x-ratelimit-{name}-requests-minute": str(of[name]) for name in of})

    with upstream(script) as at:
        made = Place(tmp_path, at, VirtualClock(NOON), "memory://", "openai")
        made.write(trust="upstream", api_key=["the-first-key", "the-second-key"])
        router = made.router()
        for _ in range(4):
            ask(router, 20)
            made.clock.advance(61)
        assert [(each["file"], each["reported"]) for each in changed(router.status())] == [(30, 40)]
        assert ask(router, 120) == 100
        router.close()


def test_check_live_tells_what_is_reported_at_this_moment(tmp_path: Path) -> None:
    with place(tmp_path, Provider("openai")) as made:
        ran = run_router_config(tmp_path, "check", "--live", OPENAI_API_KEY="x")
        assert ran.returncode == 0, ran.stderr
        assert "1 of 1 key and model answered. Limits that changed:" in ran.stdout
        (row,) = [line.split("  ") for line in ran.stdout.splitlines() if line.startswith("acme ")]
        assert [cell.strip() for cell in row if cell] == [
            "acme", "the account", "rpm", "30", "60", "just now", "the file's", "router-config set acme.limits.rpm 60",
        ]  # fmt: skip
        made.write(limits={"rpm": 60})
        assert "no limit is reported otherwise" in run_router_config(tmp_path, "check", "--live").stdout
        made.write(limits={"rpm": 61})
        ran = run_router_config(tmp_path, "check", "--live", "--strict", "--json")
        assert (ran.returncode, json.loads(ran.stdout)["limits_changed"][0]["in_force"]) == (1, True)


def test_texts_of_any_two_processes_are_merged_alike_in_any_order_and_stay_small() -> None:
    rng = random.Random(7)
    places = [(f"account:{number}", rng.choice(["rpm", "tpd"])) for number in range(300)]

    def some() -> dict[Any, SteadyLimit]:
        chosen = rng.sample(places, 250)
        return {
            each: SteadyLimit(rng.choice([30, 60]), NOON + rng.randrange(5), NOON + 10 + rng.randrange(40 * 86400))
            for each in chosen
        }

    for _ in range(20):
        one, other, third = some(), some(), some()
        assert both(one, other) == both(other, one)
        assert both(one, one) == both(both(one, one), one)
        assert limits_of(limits_text(both(one, third))) == both(one, third)
    many = {(f"model:{number}", "rpm"): SteadyLimit(60, NOON, NOON) for number in range(5000)}
    assert len(both(many, {})) == KEPT
    for text in ("", "[", "{}", "[1]", '[["a","rpm",1,2]]', '[["a","odd",1,2,3,"headers"]]', "null"):
        assert limits_of(text) == {}
