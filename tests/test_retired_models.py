"""A model that its provider does not serve any more: told, with what to use, and replaced where the file says so."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import NOON, message
from rig_redis import RedisServer
from rig_upstream import FORMATS, OPENAIS_STREAM, Asked, Upstream, answer, upstream

from router_config import NoProviderAvailable, Router, load_config, route_of
from router_config.catalogue.kept_lists import KeptList, KeptLists
from router_config.catalogue.listing import ListedModel, Listing
from router_config.clock import VirtualClock
from router_config.ledger.opening import open_store
from router_config.ledger.rules.retired import KEPT, Retired, both, retired_of, retired_text
from router_config.status.source import ConfiguredSource

DAY = 86400.0
GONE = "The model `old-1` has been decommissioned and is no longer supported."


class Provider:
    """Serves every model but those that are gone, of which it says what a test wants."""

    def __init__(self, prefix: str = "groq") -> None:
        self.prefix = prefix
        self.gone: dict[str, bytes] = {}

    def retire(self, model: str, told: str = GONE, status: int = 404, **fields: Any) -> None:
        self.gone[model] = answer({"error": {"message": told, **fields}}, status)

    def __call__(self, asked: Asked) -> bytes:
        place = asked.line if self.prefix == "gemini" else asked.body.decode()
        named = (name for name in self.gone if f'"{name}"' in place or f"/{name}:" in place)
        return next((self.gone[name] for name in named), answer(FORMATS[self.prefix]))


class Place:
    """A folder with a file that aims a provider at an upstream, and the Routers of it."""

    def __init__(self, folder: Path, at: Upstream, prefix: str, state: str) -> None:
        self.path, self.at, self.prefix, self.state = folder / "litellm.yaml", at, prefix, state
        self.clock = VirtualClock(NOON)
        self.routers: list[Router] = []
        self.write()

    def write(self, models: Any = ("old-1",), defaults: Any = None, name: str = "acme", **more: Any) -> None:
        provider = {
            "litellm_provider": self.prefix, "api_base": self.at.address, "api_key": "a-key", "models": list(models),
            "on_retired": "successor", **more,
        }  # fmt: skip
        document = {"version": 1, "state": self.state, "defaults": defaults or {}, "providers": {name: provider}}
        self.path.write_text(yaml.safe_dump(document), "utf-8")

    def router(self) -> Router:
        self.routers.append(Router.from_yaml(self.path, env={}, clock=self.clock, watch=False))
        return self.routers[-1]

    def models_asked(self) -> list[str]:
        found = [json.loads(asked.body).get("model") for asked in self.at.asked]
        self.at.asked.clear()
        return found


@contextmanager
def place(folder: Path, provider: Provider, state: str = "memory://") -> Iterator[Place]:
    with upstream(provider) as at:
        made = Place(folder, at, provider.prefix, state)
        yield made
        for router in made.routers:
            router.close()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "redis":
        server = RedisServer()
        yield server.url
        server.stop()
    else:
        yield "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/state.db"


def ask(router: Router, **kwargs: Any) -> str:
    return route_of(router.completion(**{"model": "default", "messages": message(), **kwargs})).model


def models(status: dict[str, Any]) -> list[tuple[str, str | None, list[str], str]]:
    found = status["providers"][0]["models"]
    return [(each["name"], each["answers_as"], each["instead_of"], each["status"]) for each in found]


def disabled(router: Router) -> list[str]:
    return [e["reason"] for e in asyncio.run(router.ahistory(24))["events"] if e["kind"] == "disabled"]


@pytest.mark.parametrize("prefix", ["groq", "openai", "openrouter", "together_ai", "gemini", "anthropic"])
def test_the_model_that_an_answer_names_takes_the_place_at_once_whatever_the_wire(tmp_path: Path, prefix: str) -> None:
    provider = Provider(prefix)
    provider.retire("old-1", "The model old-1 was retired. Please use `new-2` instead.")
    with place(tmp_path, provider) as made:
        router = made.router()
        assert [ask(router) for _ in range(3)] == ["new-2"] * 3
        assert len(made.at.asked) == 4
        assert ask(router, model=f"{prefix}/old-1") == "new-2"
        assert models(router.status()) == [
            ("old-1", "new-2", [], "disabled"),
            ("new-2", None, ["old-1"], "available"),
        ]
        assert "old-1: new-2 answers in its place" in disabled(router)[0]
        assert router.explain()["chosen"] == "acme/new-2#1"


def test_it_lasts_over_restarts_and_holds_in_every_process_of_the_store(tmp_path: Path, state: str) -> None:
    provider = Provider()
    provider.retire("old-1", f"{GONE} Use new-2 instead.")
    with place(tmp_path, provider, state) as made:
        router, other = made.router(), made.router()
        assert ask(router) == "new-2"
        made.clock.advance(2)
        asked = len(made.at.asked)
        assert ask(other) == "new-2"
        if state != "memory://":
            assert len(made.at.asked) == asked + 1
            router.close()
            router = made.router()
            assert ask(router) == "new-2"
            assert len(made.at.asked) == asked + 2
            store = open_store(state)
            seen = ConfiguredSource(load_config(made.path, {}), store, clock=made.clock)
            assert models(asyncio.run(seen.astatus()))[0][1] == "new-2"
            asyncio.run(store.aclose())
        for _ in range(3 * 24):  # It is asked again seldom ...
            made.clock.advance(3600)
            assert ask(router) == "new-2"
        assert 3 <= made.models_asked().count("old-1") <= 6
        provider.gone.clear()  # ... and comes back by itself.
        made.clock.advance(DAY + 1)
        assert [ask(router) for _ in range(3)] == ["old-1"] * 3
        made.clock.advance(2)
        assert ask(other) == "old-1"
        for each in (router, other):
            assert models(each.status()) == [("old-1", None, [], "available")]
            assert each.status()["providers"][0]["models"][0]["retired"] is None


def test_an_edit_of_the_file_ends_it(tmp_path: Path) -> None:
    provider = Provider()
    provider.retire("old-1", f"{GONE} Use new-2 instead.")
    with place(tmp_path, provider) as made:
        router = made.router()
        assert ask(router) == "new-2"
        made.write(["newest-3"])
        router.reload()
        assert ask(router) == "newest-3"
        made.write(on_retired="tell")
        router.reload()
        assert models(router.status()) == [("old-1", None, [], "disabled")]
        with pytest.raises(NoProviderAvailable):
            ask(router)
        assert router.status()["providers"][0]["models"][0]["retired"] == {
            "since": "2026-11-23T12:00:00Z", "successor": "new-2",
        }  # fmt: skip
        made.write(on_retired="successor")
        router.reload()
        assert ask(router) == "new-2"


@pytest.mark.parametrize("on_retired", [{}, {"on_retired": "tell", "defaults": {"on_retired": "successor"}}])
def test_unless_the_file_says_so_it_is_told_and_no_more(tmp_path: Path, on_retired: dict[str, Any]) -> None:
    provider = Provider()
    provider.retire("old-1", f"{GONE} Use new-2 instead.")
    with place(tmp_path, provider) as made:
        made.write(**{"on_retired": "tell", **on_retired})
        router = made.router()
        with pytest.raises(NoProviderAvailable):
            ask(router)
        assert made.models_asked() == ["old-1"]
        (told,) = disabled(router)
        assert told.startswith("old-1: use new-2 in its place. Groq does not serve this model")


def test_it_may_stand_under_defaults(tmp_path: Path) -> None:
    provider = Provider()
    provider.retire("old-1", f"{GONE} Use new-2 instead.")
    with place(tmp_path, provider) as made:
        made.write(defaults={"on_retired": "successor"})
        made.path.write_text(made.path.read_text().replace("    on_retired: successor\n    models", "    models"))
        assert ask(made.router()) == "new-2"


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("groq", "llama-3.3-70b-versatile", "openai/gpt-oss-120b"),
        ("groq", "mixtral-8x7b-32768", "openai/gpt-oss-20b"),
        ("groq", "unheard-of", "openai/gpt-oss-120b"),
        ("acme", "llama-3.3-70b-versatile", None),  # Nobody knows what a server of one's own serves.
    ],
)
def test_else_the_preset_knows_one_and_the_lower_of_the_limits_holds(
    tmp_path: Path, name: str, old: str, new: str | None
) -> None:
    provider = Provider()
    provider.retire(old, f"The model `{old}` does not exist or you do not have access to it.", code="model_not_found")
    with place(tmp_path, provider) as made:
        made.write([{"name": old, "limits": {"tpm": 500}}], name=name)
        router = made.router()
        if new is None:
            with pytest.raises(NoProviderAvailable):
                ask(router)
            return
        assert ask(router) == new
        shown = router.status()["providers"][0]["models"][1]
        limits = {limit: row["limit"] for limit, row in shown["limits"].items()}
        assert limits == {"rpm": 30, "rpd": 1000, "tpd": 200_000, "tpm": 500}


def test_chains_are_followed_a_model_of_the_file_is_not_added_twice_and_circles_end(tmp_path: Path) -> None:
    provider = Provider()
    provider.retire("old-1", f"{GONE} Use new-2 instead.")
    provider.retire("new-2", "The model new-2 was retired, use new-3.")
    with place(tmp_path, provider) as made:
        router = made.router()
        assert ask(router) == "new-3"
        assert models(router.status()) == [
            ("old-1", "new-3", [], "disabled"),
            ("new-3", None, ["old-1"], "available"),
        ]
        provider.retire("new-3", "The model new-3 was retired, use old-1.")
        with pytest.raises(NoProviderAvailable):
            ask(router)
        made.write(["old-1", "new-2"])
        provider.gone.pop("new-2")
        router = made.router()
        assert ask(router) == "new-2"
        assert models(router.status()) == [("old-1", None, [], "disabled"), ("new-2", None, [], "available")]
        assert "new-2 of the file goes on" in disabled(router)[0]
        provider.retire("new-2", "The model new-2 was retired, use new-4.")
        assert ask(router) == "new-4"
        assert [each[1] for each in models(router.status())] == ["new-4", None, "new-4"]


def test_two_models_share_one_successor_with_the_groups_of_both(tmp_path: Path) -> None:
    provider = Provider()
    for name in ("old-1", "old-2"):
        provider.retire(name, f"The model {name} was retired, use new-3.")
    with place(tmp_path, provider) as made:
        made.write([{"name": "old-1", "groups": ["fast"]}, {"name": "old-2", "groups": ["default", "best"]}])
        router = made.router()
        assert [ask(router, model=group) for group in ("fast", "default", "best")] == ["new-3"] * 3
        assert [each[:3] for each in models(router.status())] == [
            ("old-1", "new-3", []), ("new-3", None, ["old-1", "old-2"]), ("old-2", "new-3", []),
        ]  # fmt: skip


def test_of_a_pool_of_accounts_each_must_lack_the_model(tmp_path: Path) -> None:
    def script(asked: Asked) -> bytes:
        if b'"old-1"' in asked.body and "first" in asked.headers["authorization"]:
            return answer({"error": {"message": f"{GONE} Use new-2 instead."}}, 404)
        return answer(FORMATS["groq"])

    with upstream(script) as at:
        made = Place(tmp_path, at, "groq", "memory://")
        made.write(api_key=["the-first-key", "the-second-key"])
        router = made.router()
        assert {ask(router) for _ in range(20)} == {"old-1"}
        assert models(router.status()) == [("old-1", None, [], "available")]
        router.close()


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, "404 page not found"),
        (404, {"detail": "Not Found"}),
        (403, {"error": {"message": "Project does not have access to model old-1", "code": "model_not_found"}}),
        (404, {"error": {"message": "No endpoints found matching your data policy", "code": 404}}),
        (400, {"error": {"message": "Model old-1 is blocked", "code": "model_blocked"}}),
        (404, {"error": {"message": "This model is only supported in v1/responses."}}),
        (503, {"error": {"message": "The model is overloaded. Use new-2 instead."}}),
        (400, {"error": {"message": "max_tokens is no longer supported. Use max_completion_tokens instead."}}),
    ],
)
def test_what_does_not_say_that_a_model_is_gone_replaces_none(tmp_path: Path, status: int, told: Any) -> None:
    provider = Provider()
    provider.gone["old-1"] = answer(told.encode() if isinstance(told, str) else told, status)
    with place(tmp_path, provider) as made:
        made.write(name="groq")
        router = made.router()
        with pytest.raises(Exception, match=r"."):
            ask(router)
        assert models(router.status())[0][1] is None
        assert set(made.models_asked()) == {"old-1"}


def test_a_free_model_is_not_replaced_by_one_that_costs(tmp_path: Path) -> None:
    provider = Provider("openrouter")
    told = "This model is unavailable for free. The paid version is available now - use this slug instead: a/b-1"
    provider.retire("a/b-1:free", told, 404)
    with place(tmp_path, provider) as made:
        made.write(["a/b-1:free"], name="openrouter")
        assert ask(made.router()) == "openrouter/free"


def test_streams_are_answered_by_it_too(tmp_path: Path) -> None:
    provider = Provider()
    provider.retire("old-1", f"{GONE} Use new-2 instead.")
    with place(tmp_path, provider) as made:
        router = made.router()

        async def main() -> str:
            stream: Any = await router.acompletion(model="default", messages=message(), stream=True)
            assert [chunk async for chunk in stream]
            return route_of(stream).model

        provider.gone["new-2"] = answer(OPENAIS_STREAM, content_type="text/event-stream")
        assert asyncio.run(main()) == "new-2"


def test_what_two_processes_know_is_one_in_any_order_and_stays_small() -> None:
    early, late = {"m": Retired(1.0, True, "n")}, {"m": Retired(2.0, False, "n"), "o": Retired(1.0, True, None)}
    assert both(early, late) == both(late, early) == late
    assert retired_of(retired_text(late)) == late
    assert len(both({str(number): Retired(number, True) for number in range(1000)}, early)) == KEPT
    for text in ("", "[", "{}", "[1]", '[["m",1,2,3]]', "null"):
        assert retired_of(text) == {}


def keep_list(made: Place, names: list[str], missing: dict[str, float], age: float = 3600.0) -> None:
    """As `router-config models` does, which read the provider's list so long ago."""
    config = load_config(made.path, {})
    (provider,) = config.providers
    kept = KeptList(
        asked_at=made.clock.now() - age,
        listing=Listing(models=tuple(ListedModel(name=name, kind="chat") for name in names)),
        missing_since={model: made.clock.now() - seconds for model, seconds in missing.items()},
    )
    assert KeptLists(config).write(provider, kept) is None


def until(condition: Callable[[], bool]) -> None:
    async def wait() -> None:
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.01)

    asyncio.run(wait())


@pytest.mark.parametrize("on_retired", ["tell", "successor"])
def test_a_model_that_its_providers_list_is_without_for_a_day_is_disabled_too(tmp_path: Path, on_retired: str) -> None:
    with place(tmp_path, Provider(), f"sqlite:///{tmp_path}/state.db") as made:
        made.write(["old-1", "other-2"], on_retired=on_retired, name="groq")
        keep_list(made, ["other-2", "openai/gpt-oss-120b"], {"old-1": 2 * DAY})
        router = made.router()
        ask(router, model="groq/other-2")
        until(lambda: models(router.status())[0][3] == "disabled")
        (told,) = disabled(router)
        assert "groq's own list of models is without it since 2026-11-21T12:00:00Z" in told
        assert ("use openai/gpt-oss-120b" if on_retired == "tell" else "openai/gpt-oss-120b answers") in told
        assert ask(router) == ("other-2" if on_retired == "tell" else "openai/gpt-oss-120b")
        made.clock.advance(7 * 3600)  # It answers all the same, and is left alone from now on.
        assert ask(router) == "old-1"
        keep_list(made, ["other-2", "openai/gpt-oss-120b"], {"old-1": 3 * DAY})
        for each in (router, made.router()):
            made.clock.advance(3601)
            assert [ask(each) for _ in range(3)] == ["old-1"] * 3
            assert each.status()["providers"][0]["models"][0]["retired"] is None


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["other-2"], {"old-1": 2 * 3600.0}),  # Not for a day yet.
        (["old-1", "other-2"], {}),
        (["old-1-2026-01-01", "other-2"], {"old-1": 2 * DAY}),  # A version of it is listed.
        ([], {"old-1": 2 * DAY}),
    ],
)
def test_a_list_that_proves_nothing_disables_none(tmp_path: Path, names: list[str], missing: dict[str, float]) -> None:
    with place(tmp_path, Provider(), f"sqlite:///{tmp_path}/state.db") as made:
        keep_list(made, names, missing)
        router = made.router()
        for _ in range(3):
            assert ask(router) == "old-1"
            made.clock.advance(3601)
        until(lambda: bool(router._succession.lists))
        assert models(router.status())[0][3] == "available"


def test_the_list_is_asked_for_a_successor_of_what_an_answer_says_is_gone(tmp_path: Path) -> None:
    provider = Provider()
    provider.retire("old-1")
    with place(tmp_path, provider, f"sqlite:///{tmp_path}/state.db") as made:
        made.write(["old-1", "other-2"], name="groq")
        keep_list(made, ["other-2", "openai/gpt-oss-20b"], {})
        router = made.router()
        ask(router, model="groq/other-2")
        until(lambda: bool(router._succession.lists))
        assert ask(router) == "openai/gpt-oss-20b"  # The preset's first choice is not in the list.
