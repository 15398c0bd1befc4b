"""No key, and no part of one, comes out: a provider that echoes it in its error included."""

import contextlib
from pathlib import Path

import pytest
from rig import MakeRouter, message
from rig_monitoring import STATUS, Api, Start

from router_config import Router
from router_config.simulator import Simulator

KEY = "gsk_PLANTEDkJ7wQ2mVx9ZtB4nRc8YpL6sDfHg3a"
PARTS = [KEY[start : start + 8] for start in range(len(KEY) - 7)]


def leaks(text: str) -> list[str]:
    return [part for part in PARTS if part in text]


def everything(router: Router, api: Api) -> str:
    client = api(router)
    answers = [
        client.get("/"),
        client.get(STATUS),
        client.get("/openapi.json"),
        client.get(f"{STATUS}/groq"),
        client.get(f"{STATUS}/nobody"),
        client.post(f"{STATUS}/explain", json={}),
        client.post(f"{STATUS}/explain", json={"tokens": -1}),
    ]
    return "\n".join([*(f"{each.headers}{each.text}" for each in answers), repr(router.config), str(router.status())])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_a_key_that_an_error_echoes_does_not_come_out(
    status: int,
    make_router: MakeRouter,
    api: Api,
    simulator: Simulator,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    router = make_router(providers={"groq": {"api_key": KEY}})
    told = f"Incorrect API key provided: {KEY}. (key={KEY[:12]}...{KEY[-8:]})"
    simulator.fault("groq", status=status, body={"error": {"message": told, "type": "error", "code": KEY}})
    with contextlib.suppress(Exception):  # where the request is itself at fault, LiteLLM's own
        router.completion(model="default", messages=message())
    assert not leaks(everything(router, api))
    printed = capfd.readouterr()
    assert not leaks(printed.out + printed.err + caplog.text)


def test_serve_prints_no_key(start: Start, tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text(
        f"providers:\n  groq: {{api_key: {KEY}, models: [m]}}\n  gemini: {{models: [m]}}\n", "utf-8"
    )
    command = start("-m", "router_config.cli", "serve", "--port", "0", GEMINI_API_KEY=KEY[::-1])
    with command.client() as client:
        shown = "\n".join(client.get(path).text for path in ("/", STATUS, f"{STATUS}/groq", "/openapi.json"))
    command.end(2)
    assert not leaks(shown + command.output)
    assert KEY[::-1][:8] not in shown + command.output
