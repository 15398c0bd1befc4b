"""A model list of litellm.Router: names with a wildcard, and deployments of one team."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from litellm.exceptions import BadRequestError
from rig import message

from router_config import NoProviderAvailable, Router, route_of
from router_config.simulator import Simulator

pytestmark = pytest.mark.contract
Make = Callable[..., Router]


@pytest.fixture
def make(simulator: Simulator) -> Iterator[Make]:
    """A Router of (name, model, model_info) at the simulator."""
    made = []
    simulator.set_options(keep_bodies=True)

    def _make(*listed: tuple[str, str] | tuple[str, str, dict[str, Any]], **settings: Any) -> Router:
        entries = []
        for name, model, *info in listed:
            provider = model.partition("/")[0].replace("*", "openai")
            params = {"model": model, "api_key": "k", "api_base": simulator.api_base(provider)}
            entries.append({"model_name": name, "litellm_params": params, "model_info": dict(*info)})
        made.append(Router(entries, num_retries=0, **settings))
        return made[-1]

    yield _make
    for router in made:
        router.close()


def model_asked(simulator: Simulator) -> list[Any]:
    """The models that were asked for at the provider, in turn."""
    return [(call.body or {})["model"] for call in simulator.calls("openai")]


@pytest.mark.parametrize(
    ("name", "model", "asked", "sent"),
    [
        ("openai/*", "openai/*", "openai/gpt-4o", "gpt-4o"),
        ("openai/*", "openai/*", "gpt-4o", "gpt-4o"),
        ("mine/*", "openai/*", "mine/gpt-4o", "gpt-4o"),
        ("*", "openai/*", "gpt-4o", "gpt-4o"),
        ("*", "*", "openai/gpt-4o", "gpt-4o"),
        ("my-*-x", "openai/foo-*-y", "my-4o-x", "foo-4o-y"),
        ("*/m.*", "openai/*/*", "a/m.b", "a/b"),
        ("*/*", "openai/*", "openai/b", "b"),
        ("mine/*", "openai/gpt-4o", "mine/any", "gpt-4o"),
        ("a.c/*", "openai/*", "abc/gpt-4o", None),
        ("mine/*", "openai/*", "yours/gpt-4o", None),
        ("mine/*-x", "openai/*", "mine/a-x-y", None),
    ],
)
def test_a_wildcard_serves_the_names_that_it_matches(
    make: Make, simulator: Simulator, name: str, model: str, asked: str, sent: str | None
) -> None:
    router = make((name, model))
    if sent is None:
        with pytest.raises(BadRequestError, match="no healthy deployments"):
            router.completion(asked, message())
        assert simulator.count() == 0
        return
    assert route_of(router.completion(asked, message())).model == sent
    assert route_of(router.completion(asked, message(), stream=True)).model == sent
    assert sent == model_asked(simulator)[0]
    assert router.explain(asked)["chosen"]
    entry: Any = router.get_available_deployment(asked)
    assert entry["litellm_params"]["model"].endswith(sent)


def test_the_nearest_name_serves(make: Make) -> None:
    router = make(
        ("*", "openai/any"),
        ("my/*", "openai/my"),
        ("my/gpt-*", "openai/my-gpt"),
        ("my/gpt-4o", "openai/exact"),
        model_group_alias={"short": "my/gpt-5"},
    )
    asked = ("my/gpt-4o", "my/gpt-5", "my/z", "q", "short")
    served = [route_of(router.completion(name, message())).model for name in asked]
    assert served == ["exact", "my-gpt", "my", "any", "my-gpt"]


@pytest.mark.parametrize(
    ("failing", "asked"),
    [("openai/gpt-4o",) * 2, ("gpt-4o", "openai/gpt-4o"), ("openai/gpt-4o", "gpt-4o"), ("*", "openai/gpt-4o")],
)
def test_a_fallback_is_found_with_and_without_the_prefix(make: Make, failing: str, asked: str) -> None:
    router = make(("openai/*", "openai/*"), ("h", "groq/h"), fallbacks=[{failing: ["h"]}])
    assert route_of(router.completion(asked, message(), mock_testing_fallbacks=True)).provider == "groq"


@pytest.mark.parametrize("fast_path", [True, False])
def test_each_model_of_a_wildcard_is_asked_counted_and_in_cooldown_by_itself(
    make: Make, simulator: Simulator, fast_path: bool
) -> None:
    router = make(("openai/*", "openai/*", {"rpm": 3}), fast_path=fast_path)
    for name in ("openai/a", "openai/b"):
        assert [route_of(router.completion(name, message())).model for _ in range(3)] == [name[-1]] * 3
        with pytest.raises(NoProviderAvailable):
            router.completion(name, message())
    assert model_asked(simulator) == ["a"] * 3 + ["b"] * 3
    simulator.fault(
        "openai", status=404, body={"error": {"message": "no such model", "code": "model_not_found"}}, times=1
    )
    with pytest.raises(NoProviderAvailable):
        router.completion("openai/c", message())
    assert route_of(router.completion("openai/d", message())).model == "d"
    assert router.status()["providers"][0]["usage_today"]["requests"] == 8


def test_an_accounts_limit_is_that_of_all_models_of_a_wildcard(make: Make, simulator: Simulator) -> None:
    router = make(("openai/*", "openai/*", {"account_limits": {"rpm": 2}}))
    for name in ("openai/a", "openai/b"):
        router.completion(name, message())
    with pytest.raises(NoProviderAvailable):
        router.completion("openai/c", message())
    assert simulator.count() == 2


TEAM = "user_api_key_team_id"


@pytest.mark.parametrize("asked", ["chat", "any/chat"])
@pytest.mark.parametrize(
    ("metadata", "served"),
    [({TEAM: "red"}, {"red", "all"}), ({TEAM: "blue"}, {"blue", "all"}), ({TEAM: "green"}, {"all"}), (None, {"all"})],
)
def test_a_teams_deployment_serves_that_team_alone(
    make: Make, metadata: dict[str, Any] | None, served: set[str], asked: str
) -> None:
    name = asked.replace("any", "*")
    router = make(
        (name, "openai/red", {"team_id": "red", "rpm": 1}),
        (name, "openai/blue", {"team_id": "blue", "rpm": 1}),
        (name, "openai/all", {"rpm": 1}),
    )
    kwargs = {} if metadata is None else {"metadata": metadata}
    replies = [router.completion(asked, message(), **kwargs) for _ in served]
    assert {route_of(reply).model for reply in replies} == served
    with pytest.raises(NoProviderAvailable):
        router.completion(asked, message(), **kwargs)


def test_a_group_of_another_team_does_not_exist(make: Make, simulator: Simulator) -> None:
    router = make(("chat", "openai/red", {"team_id": "red"}))
    with pytest.raises(BadRequestError, match=r"No deployments available .* no healthy deployments"):
        asyncio.run(router.acompletion("chat", message(), metadata={TEAM: "blue"}))
    assert simulator.count() == 0
