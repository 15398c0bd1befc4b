"""Counts follow the account behind a key, wherever the key stands and whatever its provider is called."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import message
from rig_ledger import START, Place, run, spend, taken, used
from rig_redis import RedisServer

from router_config import Config, ConfigError, NoProviderAvailable, Router, load_config
from router_config.clock import VirtualClock
from router_config.deployments.catalog import Catalog
from router_config.deployments.model_list import generate
from router_config.ledger.interfaces import Store
from router_config.ledger.local.memory import MemoryStore
from router_config.ledger.opening import open_store
from router_config.ledger.rules.gates import Cooldown
from router_config.ledger.rules.meters import Amount, Limit
from router_config.ledger.values import Lease
from router_config.simulator import Simulator

KEYS = {"ONE": "key-one", "TWO": "key-two", "THREE": "key-three", "NEW": "key-new"}


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "redis"])
def state(request: pytest.FixtureRequest) -> str:
    """A store that outlives its router."""
    if request.param == "sqlite":
        return "sqlite:///state.db"
    server: RedisServer = request.getfixturevalue("redis_server")
    server.ask("FLUSHALL")
    return server.url


class Runs:
    """Routers one after the other, each with its file, on one store."""

    def __init__(self, state: str, simulator: Simulator, clock: VirtualClock, folder: Path) -> None:
        self.state, self.simulator, self.clock, self.folder = state, simulator, clock, folder

    def config(self, keys: Any, name: str = "groq", env: Mapping[str, str] = KEYS, **more: Any) -> Config:
        provider = {
            "litellm_provider": "groq",
            "api_base": self.simulator.api_base("groq"),
            "api_key": keys,
            "limits": {"rpm": 5},
            "models": ["llama"],
            **more,
        }
        path = self.folder / "litellm.yaml"
        path.write_text(yaml.safe_dump({"state": self.state, "providers": {name: provider}}))
        return load_config(path, env)

    def served(self, most: int, keys: Any, *args: Any, **more: Any) -> list[str]:
        """The keys that answered so many requests, or fewer: until no key has room."""
        path = self.config(keys, *args, **more).path
        assert path is not None
        env = more.get("env", KEYS)
        before = len(self.simulator.calls("groq"))
        with closing(Router.from_yaml(path, env=env, clock=self.clock)) as router:
            for _ in range(most):
                try:
                    router.completion(model="default", messages=message())
                except NoProviderAvailable:
                    break
        return [str(call.key) for call in self.simulator.calls("groq")[before:]]


@pytest.fixture
def runs(state: str, simulator: Simulator, clock: VirtualClock, tmp_path: Path) -> Runs:
    return Runs(state, simulator, clock, tmp_path)


def of(*names: str) -> list[str]:
    return [f"os.environ/{name}" for name in names]


@pytest.mark.parametrize("after", [("THREE", "ONE", "TWO"), ("TWO", "THREE", "ONE")])
def test_each_key_of_a_pool_keeps_its_count_at_another_place(runs: Runs, after: tuple[str, ...]) -> None:
    assert len(runs.served(5, of("ONE"))) == 5
    assert len(runs.served(5, of("ONE", "TWO"))) == 5
    assert len(set(runs.served(10, of(*after)))) == 1  # Only THREE has room.
    assert runs.served(1, of(*reversed(after))) == []


@pytest.mark.parametrize("pool", ["separate", "shared"])
def test_a_pool_that_was_reordered_or_renamed_has_no_more_room(runs: Runs, pool: str) -> None:
    most = 15 if pool == "separate" else 5
    assert len(runs.served(20, of("ONE", "TWO", "THREE"), pool=pool)) == most
    assert runs.served(1, of("THREE", "ONE", "TWO"), pool=pool) == []
    assert runs.served(1, of("TWO", "ONE", "THREE"), "fast", pool=pool) == []


def test_other_keys_under_the_same_names_are_other_accounts(runs: Runs) -> None:
    first = {"ONE": "a", "TWO": "b"}
    second = {"ONE": "c", "TWO": "d"}
    assert len(runs.served(11, of("ONE", "TWO"), env=first)) == 10
    assert len(runs.served(11, of("ONE", "TWO"), env=second)) == 10
    assert runs.served(1, of("ONE", "TWO"), env=first) == []


@pytest.mark.parametrize("by_key", [True, False])
def test_a_named_account_keeps_its_counts_with_another_key_and_another_name(runs: Runs, by_key: bool) -> None:
    def keys(name: str) -> Any:
        return [{"key": f"os.environ/{name}", "account": "mine"}] if by_key else f"os.environ/{name}"

    more = {} if by_key else {"account": "mine"}
    assert len(runs.served(3, of("ONE"))) == 3
    assert len(runs.served(1, keys("ONE"), **more)) == 1  # Named before the key is changed: nothing is lost.
    assert len(runs.served(5, keys("NEW"), **more)) == 1
    assert runs.served(1, keys("NEW"), "fast", **more) == []


def test_keys_of_one_account_count_together(runs: Runs) -> None:
    first, second, third = of("ONE", "TWO", "THREE")
    pool = [{"key": first, "account": "mine"}, second, {"key": third, "account": "mine"}]
    assert len(runs.served(20, pool)) == 10


@pytest.mark.parametrize("pool", ["separate", "shared"])
def test_what_an_older_version_counted_by_place_is_taken_over_once(runs: Runs, pool: str) -> None:
    config = runs.config(of("ONE", "TWO"), pool=pool)
    catalog = Catalog(generate(config).model_list, 1.0)
    places = ("groq",) if pool == "shared" else ("groq#1", "groq#2")
    now = runs.clock.now()

    store = open_store(config.state)
    older = [Place(name, (Limit("rpm", 5),)) for name in places]
    for place, requests in zip(older, (4, 1), strict=False):
        for _ in range(requests):
            spend(store, leased(store, place, now), at=now)
    leased(store, older[-1], now)  # It is open still.
    key = catalog.deployments["groq/llama#2"].scopes.key
    (old,) = (old for old, new in catalog.formerly.items() if new == key)
    run(store.begin_cooldown(Cooldown(old, "disabled", "bad key", now, now + 3600)))
    run(store.aclose())

    # One room is left at the first place, three at the second, whose key is disabled.
    assert len(runs.served(20, of("ONE", "TWO"), pool=pool)) == (0 if pool == "shared" else 1)
    if pool == "separate":
        assert runs.served(20, of("TWO", "ONE")) == []
        assert len(runs.served(20, of("NEW", "ONE"))) == 5


def leased(store: Store, place: Place, now: float) -> Lease:
    lease = taken(store, place, at=now)
    assert lease is not None
    return lease


def test_a_store_of_one_process_takes_over_counts_leases_and_cooldowns() -> None:
    """As when an account gets its name in the file while the router runs."""
    store, before, after = MemoryStore(), Place("groq#1", (Limit("rpm", 3),)), Place("groq/mine", (Limit("rpm", 3),))
    spend(store, leased(store, before, START))
    lease = leased(store, before, START)
    run(store.begin_cooldown(Cooldown("key:groq#1", "cooldown", "it failed", START, START + 300)))
    store.register_meters(after.meters, dict(zip(before.scopes, after.scopes, strict=True)))
    assert taken(store, after) is None  # In a cooldown.
    run(store.end_cooldown("key:groq/mine"))
    assert used(store, after) == (Amount(1, 100), Amount(1, 100))
    spend(store, lease)
    assert used(store, after) == (Amount(), Amount(2, 200))
    assert used(store, after, START + 86_500) == (Amount(), Amount())


def test_what_names_an_account_is_checked(runs: Runs) -> None:
    for wrong, said in (
        ([{"key": "os.environ/ONE", "acount": "mine"}], "neither a key nor a variable"),
        ([{"account": "mine"}], "neither a key nor a variable"),
        ([{"key": "os.environ/ONE", "account": "my account"}], "no name of an account"),
    ):
        with pytest.raises(ConfigError, match=said):
            runs.config(wrong)
    assert runs.config([{"key": "os.environ/ONE", "account": "mine"}]).providers[0].keys[0].account == "mine"
