"""No key, and no part of one, comes out: a provider that echoes it in its error included."""

import itertools
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rig import MakeRouter, message, reference
from rig_monitoring import STATUS, Api, Start

from router_config import Router, cli
from router_config.simulator import Simulator

KEYS = {
    "with a known prefix": "gsk_" + "PLANTED0fake1no2real3key4of5a6test78",
    "of letters alone": "PlantedWithoutAnyDigitXqWvZkJhGfDsLpMnB",
}
TOKEN = "PLANTED-status-token-5Rt8Yq"
PASSWORD = "PLANTEDredisPa55word"


def leaks(text: str, secret: str) -> list[str]:
    return [part for start in range(len(secret) - 7) if (part := secret[start : start + 8]) in text]


@pytest.fixture(params=list(KEYS.values()), ids=list(KEYS))
def key(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def echo(key: str) -> dict[str, Any]:
    """An error body that says the key whole, in part, and starred."""
    told = f"Incorrect API key provided: {key}. (key={key[:12]}...{key[-8:]}, not {key[:8]}, {key[4:9]}****{key[-4:]})"
    return {"error": {"message": told, "type": "error", "code": key, "param": key[10:]}}


def everything(router: Router, api: Api) -> str:
    client = api(router)
    answers = [
        client.get("/"),
        client.get(STATUS),
        client.get("/openapi.json"),
        client.get("/metrics"),
        client.get(f"{STATUS}/groq"),
        client.get(f"{STATUS}/nobody"),
        client.get(f"{STATUS}/decisions"),
        client.get(f"{STATUS}/history"),
        client.post(f"{STATUS}/explain", json={}),
        client.post(f"{STATUS}/explain", json={"tokens": -1}),
    ]
    with client.stream("GET", f"{STATUS}/events") as events:
        lines = events.iter_lines()
        streamed = [*itertools.takewhile(lambda line: line != "event: decisions", lines), next(lines)]
    seen = [f"{each.headers}{each.text}" for each in answers]
    return "\n".join([*seen, *streamed, repr(router.config), str(router.status())])


def told_by(ask: Callable[[], object]) -> str:
    """All that an error of a request says, its causes and traceback included; nothing where there is none."""
    try:
        ask()
    except Exception as error:
        names = ("message", "body", "args", "verdicts", "attempts")
        return "".join(traceback.format_exception(error)) + repr([getattr(error, name, None) for name in names])
    return ""


@pytest.fixture
def printed(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    def read() -> str:
        seen = capfd.readouterr()
        return seen.out + seen.err + caplog.text

    return read


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_a_key_that_an_error_echoes_does_not_come_out(
    status: int,
    stream: bool,
    key: str,
    make_router: MakeRouter,
    api: Api,
    simulator: Simulator,
    printed: Callable[[], str],
) -> None:
    router = make_router(providers={"groq": {"api_key": key}})
    simulator.fault("groq", status=status, body=echo(key))
    told = told_by(lambda: list(router.completion(model="default", messages=message(), stream=stream)))
    assert not leaks(told, key)
    assert not leaks(everything(router, api), key)
    assert not leaks(printed(), key)


@pytest.mark.parametrize("status", [400, 422])
def test_an_error_that_goes_to_the_caller_is_without_it(
    status: int, key: str, make_router: MakeRouter, simulator: Simulator, printed: Callable[[], str]
) -> None:
    others: dict[str, Any] = dict.fromkeys(("gemini", "openrouter", "together", "openai"))
    router = make_router(providers={**others, "groq": {"api_key": key}})
    body = {"error": {"message": f"max_tokens must be a number; asked by {key}, that is {key[:10]}...", "param": key}}
    simulator.fault("groq", status=status, body=body)
    told = told_by(lambda: router.completion(model="default", messages=message()))
    assert "max_tokens must be a number" in told
    assert not leaks(told + printed(), key)


def test_it_does_not_come_out_when_nobody_can_serve(
    key: str, make_router: MakeRouter, api: Api, simulator: Simulator, printed: Callable[[], str]
) -> None:
    others: dict[str, Any] = dict.fromkeys(("gemini", "openrouter", "together", "openai"))
    router = make_router(providers={**others, "groq": {"api_key": key}})
    simulator.fault("groq", status=401, body=echo(key), times=10)
    for _ in range(2):
        told = told_by(lambda: router.completion(model="default", messages=message()))
        assert "NoProviderAvailable" in told
        assert not leaks(told, key)
    assert not leaks(everything(router, api) + printed(), key)


@pytest.fixture
def used(tmp_path: Path, simulator: Simulator, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder whose litellm.yaml and environment hold the key, and whose store holds what a provider echoed."""
    document = reference(simulator, state="sqlite:///state.db", providers={"groq": {"api_key": key}})
    (tmp_path / "litellm.yaml").write_text(yaml.safe_dump(document), "utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in simulator.env().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GEMINI_API_KEY", key[::-1])
    monkeypatch.setenv("ROUTER_STATUS_TOKEN", TOKEN)
    simulator.fault("groq", status=401, body=echo(key), times=10)
    simulator.fault("gemini", status=500, body=echo(key[::-1]), times=10)
    cli.main(["ask", "Hello?"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["status"],
        ["status", "--json"],
        ["explain"],
        ["explain", "--json"],
        ["check"],
        ["show"],
        ["show", "--json"],
        ["env", "--show"],
        ["doctor"],
        ["doctor", "--json"],
        ["ask", "Hello?"],
        ["ask", "Hello?", "--json"],
    ],
    ids=" ".join,
)
def test_no_command_prints_one(
    used: None, key: str, arguments: list[str], printed: Callable[[], str], simulator: Simulator
) -> None:
    assert cli.main(arguments) in (0, 1)
    seen = printed()
    assert "openrouter" in seen
    for secret in (key, key[::-1], TOKEN):
        assert not leaks(seen, secret)


def test_the_state_file_holds_none(used: None, key: str, tmp_path: Path) -> None:
    kept = b"".join(each.read_bytes() for each in tmp_path.glob("state.db*")).decode("latin-1")
    assert "bad_key" in kept
    for secret in (key, key[::-1], TOKEN):
        assert not leaks(kept, secret)


def test_serve_prints_no_key(start: Start, tmp_path: Path, key: str) -> None:
    (tmp_path / "litellm.yaml").write_text(
        f"providers:\n  groq: {{api_key: {key}, models: [m]}}\n  gemini: {{models: [m]}}\n", "utf-8"
    )
    command = start(
        "-m", "router_config.cli", "serve", "--port", "0", GEMINI_API_KEY=key[::-1], ROUTER_STATUS_TOKEN=TOKEN
    )
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    with command.client() as client:
        paths = ("/", STATUS, f"{STATUS}/groq", "/openapi.json", "/metrics")
        shown = "\n".join(client.get(path, headers=bearer).text for path in paths)
        refused = client.get(STATUS, headers={"Authorization": f"Bearer {TOKEN[:-1]}"})
    command.end(2)
    assert refused.status_code == 401
    for secret in (key, key[::-1], TOKEN):
        assert not leaks(shown + refused.text + command.output, secret)


def test_a_store_that_does_not_answer_is_named_without_its_password(start: Start, tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text(
        f"state: redis://:{PASSWORD}@127.0.0.1:1/0\nproviders:\n  groq: {{models: [m]}}\n", "utf-8"
    )
    command = start("-m", "router_config.cli", "serve", "--port", "0")
    with command.client() as client:
        shown = [client.get(path).text for path in (STATUS, STATUS, "/metrics")]
        assert "degraded" in shown[1]
    command.end(2)
    others = [start("-m", "router_config.cli", name) for name in ("status", "explain", "check", "show")]
    assert [each.code() for each in others] == [0, 0, 0, 0]
    assert not leaks("\n".join([*shown, *(each.output for each in [command, *others])]), PASSWORD)
