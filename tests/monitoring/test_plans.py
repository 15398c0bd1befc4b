"""POST /api/llm-providers/plan: a plan beside the requests, one at a time, that nobody has to wait for."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from rig import MakeRouter, message
from rig_monitoring import PATIENCE, STATUS, Api, Serve, Start

import monitoring
from monitoring import ConfiguredSource
from monitoring.plans.plan_json import PlanAnswer, PlanState
from router_config import Router
from router_config.clock import VirtualClock
from router_config.config.loading import load_text
from router_config.ledger.local.memory import MemoryStore
from router_config.planner.assumptions.workload import even_load
from router_config.planner.own_process import PlanFailed, PlanProcess
from router_config.planner.question import MOST_REQUESTS, Asked, question_of

NOW = 1_795_438_800.0
PLAN = f"{STATUS}/plan"
SMALL = {"tokens_per_day": 20_000, "days": 3}
LONG = {"tokens_per_day": 9_000_000, "days": 300}
"""It takes a minute or two."""


@pytest.fixture
def client(make_router: MakeRouter, api: Api) -> httpx.Client:
    return api(make_router())


def asked(tokens_per_day: float) -> Asked:
    return Asked((even_load(tokens_per_day=tokens_per_day),), "some")


class Asking:
    """A plan that somebody waits for in a thread."""

    def __init__(self, client: httpx.Client, body: dict[str, Any]) -> None:
        self._client = httpx.Client(base_url=client.base_url, timeout=PATIENCE)
        self._body = body
        self.answer: httpx.Response | None = None
        self.processes: set[int] = set()
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        with suppress(httpx.HTTPError):
            self.answer = self._client.post(PLAN, json=self._body)

    def end(self) -> httpx.Response | None:
        self._thread.join(PATIENCE)
        self._client.close()
        assert not self._thread.is_alive()
        return self.answer


@pytest.fixture
def asking(client: httpx.Client) -> Iterator[Asking]:
    """A long plan in the making."""
    before = children(os.getpid())
    asked = Asking(client, LONG)
    wait_for(lambda: client.get(f"{PLAN}/progress").json()["making"])
    asked.processes = children(os.getpid()) - before
    yield asked
    client.delete(PLAN)
    asked.end()


def wait_for(condition: Any) -> Any:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def children(pid: int) -> set[int]:
    """The processes that a process has started, and that have not ended."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return {int(child) for task in tasks for child in (task / "children").read_text().split()}


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_plan_is_answered_and_kept_with_when_and_for_what_it_was_made(client: httpx.Client) -> None:
    assert client.get(PLAN).json() == {"making": None, "last": None}
    answer = client.post(PLAN, json={**SMALL, "timezone": "Asia/Tokyo"})
    assert answer.status_code == 200, answer.text
    made = answer.json()
    PlanAnswer.model_validate(made)
    assert made["told"] == "Yes. 100 % of 20k tokens a day are served for 3 days by free providers alone."
    assert (made["asked"], made["simulated"], made["timezone"]) == ("20k tokens a day", False, "Asia/Tokyo")
    assert [each["name"] for each in made["providers"]] == ["groq"]
    state = client.get(PLAN).json()
    PlanState.model_validate(state)
    assert state == {"making": None, "last": made}


def test_without_a_body_it_is_for_the_workload_of_the_file(make_router: MakeRouter, api: Api) -> None:
    client = api(make_router(workload=[{"requests_per_day": 40, "tokens": "1k"}]))
    made = client.post(PLAN, json={"days": 2}).json()
    assert made["asked"] == "the file's workload"
    assert 50 < made["requests"] < 110
    assert client.post(PLAN).json()["asked"] == "the file's workload"


def test_without_a_workload_what_was_asked_before_is_asked_again(
    make_router: MakeRouter, api: Api, clock: VirtualClock
) -> None:
    router = make_router()
    for _ in range(6):
        router.completion(model="default", messages=message(), metadata={"agent": "trader"})
        clock.advance(600)
    made = api(router).post(PLAN, json={"days": 3}).json()
    assert made["asked"] == "what was asked before"
    assert made["remarks"][0].startswith("Replayed: 6 requests of the last ")
    assert made["requests"] > 12
    assert "tokens a day are served" in made["told"]
    assert made["remarks"][1].startswith("Answers take as long as each provider's last ones did: groq ")
    assert api(router).post(PLAN, json={"days": 3, "replay": "2h"}).json()["requests"] == made["requests"]


def test_what_would_help_is_told_where_the_answer_is_no(make_router: MakeRouter, api: Api) -> None:
    others: dict[str, Any] = dict.fromkeys(["gemini", "openrouter", "together", "openai"])
    client = api(make_router(providers={**others, "groq": {"limits": {"tpd": "5k"}}}))
    made = client.post(PLAN, json=SMALL).json()
    assert made["answer"] is False
    assert made["binding"] == {"provider": "groq", "limit": "tpd"}
    assert made["advice"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "there is no workload, and nobody has asked yet: ask for tokens_per_day"),
        ({"replay": "7d"}, "nobody has asked yet"),
        ({"replay": "soon"}, "soon"),
        ({"replay": "5m"}, "too short"),
        ({**SMALL, "replay": "7d"}, "not for both"),
        ({"tokens_per_day": 1, "requests_per_hour": 1}, "not for both"),
        ({"tokens_per_day": 0}, "tokens_per_day"),
        ({"tokens_per_day": "many"}, "tokens_per_day"),
        ({"tokens_per_day": float(10**13)}, "tokens_per_day"),
        ({**SMALL, "days": 367}, "days"),
        ({**SMALL, "days": 0}, "days"),
        ({**SMALL, "tokens": 0}, "tokens"),
        ({**SMALL, "timezone": "Nowhere/Land"}, "there is no 'Nowhere/Land'"),
        ({**SMALL, "timezone": "../../etc/passwd"}, "there is no"),
        ({**SMALL, "timezone": ""}, "there is no"),
        ({"token_per_day": 9}, "token_per_day"),
        ({"tokens_per_day": 1e9, "days": 366}, f"requests, and a plan here has {MOST_REQUESTS // 10**6}M at most"),
        ([], "dictionary"),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_problem_that_says_why(
    client: httpx.Client, body: Any, told: str
) -> None:
    answer = client.post(PLAN, json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert told in answer.json()["detail"]


def test_a_limit_in_dollars_of_an_unknown_price_is_a_problem(serve: Serve) -> None:
    text = "providers:\n  openai: {tier: paid, limits: {usd_per_day: 1}, models: [nobody-knows-it]}\n"
    app = FastAPI()
    app.include_router(monitoring.router_for(ConfiguredSource(load_text(text, "litellm.yaml", {}), MemoryStore())))
    answer = serve(app).post(PLAN, json=SMALL)
    assert answer.status_code == 422, answer.text
    assert "price" in answer.json()["detail"]


def test_a_router_of_a_model_list_has_no_file_to_plan(api: Api) -> None:
    router = Router(model_list=[{"model_name": "m", "litellm_params": {"model": "openai/m", "api_key": "k"}}])
    try:
        answer = api(router).post(PLAN, json=SMALL)
        assert answer.status_code == 409
        assert "litellm.yaml" in answer.json()["detail"]
    finally:
        router.close()


def test_a_second_plan_is_refused_while_one_is_being_made(client: httpx.Client, asking: Asking) -> None:
    refused = client.post(PLAN, json=SMALL)
    assert refused.status_code == 409
    assert "already" in refused.json()["detail"]
    making = client.get(PLAN).json()["making"]
    assert (making["asked"], making["days"]) == ("9M tokens a day", 300)
    wait_for(lambda: client.get(f"{PLAN}/progress").json()["making"]["progress"] > 0)


def test_whoever_asks_may_end_it_and_the_next_one_is_made(client: httpx.Client, asking: Asking) -> None:
    assert asking.processes
    assert client.delete(PLAN).status_code == 204
    answer = asking.end()
    assert answer is not None
    assert answer.status_code == 409
    assert answer.json()["detail"] == "the plan was cancelled"
    assert not any(map(is_running, asking.processes))
    assert client.delete(PLAN).status_code == 204
    assert client.post(PLAN, json=SMALL).status_code == 200


def test_a_client_that_goes_away_ends_it(client: httpx.Client) -> None:
    before = children(os.getpid())
    with httpx.Client(base_url=client.base_url) as other, pytest.raises(httpx.ReadTimeout):
        other.post(PLAN, json=LONG, timeout=httpx.Timeout(PATIENCE, read=0.5))
    wait_for(lambda: client.get(PLAN).json()["making"] is None)
    wait_for(lambda: not any(map(is_running, children(os.getpid()) - before)))


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_page_of_another_site_may_neither_make_nor_end_one(client: httpx.Client, method: str) -> None:
    for headers in ({"Origin": "http://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.request(method, PLAN, headers=headers).status_code == 403
    assert client.get(PLAN).json()["last"] is None


def test_the_page_answers_while_a_plan_is_made(client: httpx.Client, asking: Asking) -> None:
    for _ in range(5):
        assert client.get(STATUS).elapsed.total_seconds() < 2
    assert asking.answer is None


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_server(start: Start, tmp_path: Path, ending: int) -> None:
    (tmp_path / "litellm.yaml").write_text(
        "state: memory://\nproviders:\n  groq: {api_key: none, limits: {tpd: 10k}, models: [m]}\n", "utf-8"
    )
    command = start("-m", "router_config.cli", "serve", "--port", "0")
    with command.client() as client:
        asked = Asking(client, LONG)
        wait_for(lambda: client.get(PLAN).json()["making"])
        processes = children(command.process.pid)
        assert processes
        command.end(ending)
        asked.end()
    wait_for(lambda: not any(map(is_running, processes)))
    assert "Traceback" not in command.output


def test_a_process_that_is_ended_from_outside_is_told(make_router: MakeRouter) -> None:
    config = make_router().config
    assert config is not None
    ended = threading.Event()
    process = PlanProcess(question_of(config, asked(1e6), NOW, days=366), lambda share: None, ended.set)
    os.kill(process.pid, signal.SIGKILL)
    assert ended.wait(PATIENCE)
    with pytest.raises(PlanFailed, match="ended with code -9"):
        process.result()


def test_it_starts_in_whatever_folder_and_with_no_litellm(
    make_router: MakeRouter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_router().config
    assert config is not None
    for name in ("json.py", "router_config.py", "litellm.py"):
        (tmp_path / name).write_text("raise SystemExit('not this one')\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    ended = threading.Event()
    process = PlanProcess(question_of(config, asked(9000), NOW, days=1), lambda share: None, ended.set)
    assert ended.wait(PATIENCE)
    assert b'"answer":true' in process.result()


def test_the_demo_marks_its_plans_as_simulated(make_router: MakeRouter, serve: Serve) -> None:
    router = make_router()
    router.simulated = True
    app = FastAPI()
    app.include_router(monitoring.router_for(router, reading_lasts=0.0))
    assert serve(app).post(PLAN, json=SMALL).json()["simulated"] is True
