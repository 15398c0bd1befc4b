"""GET /metrics: what it counts, that Prometheus likes it, and that no traffic can make it grow."""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text
from rig import MODELS, MakeRouter, message
from rig_monitoring import ROOT, Api, Serve, Start

from monitoring import router_for
from monitoring.documents import Status
from monitoring.http.guard import app_for
from monitoring.metrics.families import OUTCOMES
from router_config import Router
from router_config.ledger.rules.meters import NOTHING
from router_config.ledger.rules.totals import BUCKETS, HEDGES
from router_config.ledger.values import Lease, Outcome, Settlement
from router_config.simulator import Simulator

METRICS = "/metrics"
ALERTS = ROOT / "monitoring/prometheus/alerts.yml"
DASHBOARD = ROOT / "monitoring/grafana/llm-router.json"
LABELS = {"provider", "model", "outcome", "le", "status", "tier", "priority", "window", "unit", "edge"}
without_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not on PATH; it comes with Debian's prometheus"
)


def scrape(client: httpx.Client) -> str:
    answer = client.get(METRICS)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in read_text(text):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def value(text: str, name: str, **labels: str) -> float:
    """The sum of all samples with these labels."""
    found = [each for other, has, each in samples(text) if other == name and labels.items() <= has.items()]
    assert found, f"no {name} {labels}"
    return sum(found)


def ask(router: Router, times: int = 1) -> None:
    for _ in range(times):
        router.completion(model="default", messages=message())


def promtool(*arguments: str | Path, text: str = "") -> str:
    done = subprocess.run(["promtool", *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def driven(make_router: MakeRouter, simulator: Simulator, api: Api) -> str:
    """The metrics of a router that has seen answers, a failure, a 429 and a key that is refused."""
    router = make_router(providers={"openai": {"limits": {"rpm": 60, "rpd": 1000, "usd_per_day": 1}}})
    simulator.fault("groq", status=500, times=1)
    simulator.fault("gemini", status=401, times=1)
    simulator.fault("openrouter", status=429, times=1)
    ask(router, 3)
    return scrape(api(router))


def test_classes_of_agents_are_told_where_there_are_some(make_router: MakeRouter, api: Api, driven: str) -> None:
    assert "llm_router_class_" not in driven
    classes = {"trader": {"reserve": "30%"}, "batch": {"share": "20%"}}
    router = make_router(classes=classes, providers={"groq": {"limits": {"rpm": 10}}})
    router.completion(model="default", messages=message(), metadata={"agent": "trader"})
    text = scrape(api(router))
    assert value(text, "llm_router_class_requests_today", **{"class": "trader"}) == 1
    assert value(text, "llm_router_class_refused_today", **{"class": "batch"}) == 0
    of_groq = {"provider": "groq", "limit": "rpm", "model": ""}
    assert value(text, "llm_router_class_kept", **{"class": "trader"}, **of_groq) == 2
    assert value(text, "llm_router_class_share", **{"class": "batch"}, **of_groq) == 2


def test_it_counts_attempts_by_how_they_ended(driven: str) -> None:
    requests = "llm_router_requests_total"
    assert value(driven, requests, outcome="ok") == 3
    assert value(driven, requests, provider="groq", outcome="server_error") == 1
    assert value(driven, requests, provider="gemini", outcome="bad_key") == 1
    assert value(driven, requests, provider="openrouter", outcome="rate_limit") == 1
    assert value(driven, requests, provider="openai", outcome="ok") == 0
    assert value(driven, "llm_router_tokens_total", provider="together") > 0


def test_it_counts_what_went_wrong(driven: str) -> None:
    assert value(driven, "llm_router_cooldowns_total", provider="groq") == 1
    assert value(driven, "llm_router_failovers_total", provider="groq") == 1
    assert value(driven, "llm_router_failovers_total", provider="gemini") == 1
    assert value(driven, "llm_router_upstream_429_responses_total", provider="openrouter") == 1
    assert value(driven, "llm_router_upstream_429_responses_total", provider="groq") == 0
    assert value(driven, "llm_router_disabled_keys", provider="gemini") == 1
    assert value(driven, "llm_router_disabled_keys", provider="groq") == 0
    assert value(driven, "llm_router_store_errors_total") == 0
    assert value(driven, "llm_router_store_up") == 1


def test_each_provider_has_one_status(driven: str) -> None:
    for provider in MODELS:
        assert value(driven, "llm_router_provider_status", provider=provider) == 1
    assert value(driven, "llm_router_provider_status", provider="groq", status="cooldown") == 1
    assert value(driven, "llm_router_provider_status", provider="gemini", status="disabled") == 1
    assert value(driven, "llm_router_provider_info", provider="openai", tier="paid", priority="5") == 1


def test_it_tells_what_is_left_of_each_window(driven: str) -> None:
    assert value(driven, "llm_router_limit_requests", provider="together", window="minute") == 40
    assert value(driven, "llm_router_remaining_requests", provider="together", window="minute") == 37
    assert value(driven, "llm_router_limit_tokens", provider="together", window="day") == 100_000
    spent = value(driven, "llm_router_tokens_total", provider="together")
    assert value(driven, "llm_router_remaining_tokens", provider="together", window="day") == 100_000 - spent
    assert value(driven, "llm_router_remaining_dollars", provider="openai", window="day") == 1
    reset = value(driven, "llm_router_window_reset_timestamp_seconds", provider="together", unit="tokens")
    assert reset > 1_795_435_200


def test_durations_are_a_histogram_of_answers(make_router: MakeRouter, simulator: Simulator, api: Api) -> None:
    router = make_router()
    ask(router, 2)
    simulator.fault("groq", status=500, times=1)
    ask(router)
    text = scrape(api(router))
    name = "llm_router_request_duration_seconds"
    assert value(text, f"{name}_count", provider="groq") == 2
    assert value(text, f"{name}_bucket", provider="groq", le="+Inf") == 2
    below = [value(text, f"{name}_bucket", provider="groq", le=str(bound)) for bound in BUCKETS]
    assert below == [2.0] * len(BUCKETS)  # On the clock of the tests an answer takes no time.


def test_an_answer_that_its_caller_gave_up_is_counted_apart(make_router: MakeRouter, api: Api) -> None:
    router = make_router()

    async def leave() -> None:
        stream = await router.acompletion(model="default", messages=message(), stream=True)
        await anext(stream)
        await stream.aclose()

    asyncio.run(leave())
    text = scrape(api(router))
    assert value(text, "llm_router_requests_total", provider="groq", outcome="cancelled") == 1
    assert value(text, "llm_router_requests_total", outcome="ok") == 0
    assert value(text, "llm_router_request_duration_seconds_count", provider="groq") == 0


def test_counters_survive_a_restart_and_cover_all_processes(make_router: MakeRouter, api: Api) -> None:
    for number in range(1, 4):
        router = make_router(state="sqlite:///state.db")
        ask(router, 2)
        assert value(scrape(api(router)), "llm_router_requests_total", outcome="ok") == 2 * number
        router.close()
    idle = make_router(state="sqlite:///state.db")
    assert value(scrape(api(idle)), "llm_router_requests_total", outcome="ok") == 6


def test_only_the_configuration_and_fixed_words_become_labels(make_router: MakeRouter, api: Api) -> None:
    router = make_router()

    async def spoil(outcome: Outcome) -> None:
        now = router._clock.now()
        lease = Lease("x", "", (), NOTHING, now, now)
        await router._store.settle(lease, Settlement(None, now, now, outcome=outcome), now)

    before = scrape(api(router))
    router._background.run(spoil(Outcome("of-yesterday", "m", 1.0)))
    router._background.run(spoil(Outcome("groq", "of-yesterday", 1.0)))
    router._background.run(spoil(Outcome("groq", "llama-3.3-70b-versatile", 1.0, "of-tomorrow")))
    router._background.run(spoil(Outcome("groq", "llama-3.3-70b-versatile", 1.0, "of-next-week")))
    after = scrape(api(router))
    assert len(after.splitlines()) == len(before.splitlines()) + 1
    assert value(after, "llm_router_requests_total", outcome="other") == 2
    with pytest.raises(Exception, match="no-such-model"):
        make_router(aliases={}).completion(model="no-such-model", messages=message())
    words: dict[str, set[str]] = {
        "provider": {"", *MODELS},
        "model": {"", *(model for models in MODELS.values() for model in models)},
        "outcome": {*OUTCOMES, "other", *HEDGES},
        "status": set(get_args(Status)),
        "window": {"minute", "day"},
        "unit": {"requests", "tokens", "dollars"},
        "tier": {"free", "paid"},
        "edge": {"early", "middle", "late"},
    }
    models = sum(map(len, MODELS.values()))
    limits = 2 * len(MODELS)
    assert len(list(samples(after))) <= 15 * len(MODELS) + 34 * models + 3 * limits + 4 * (len(MODELS) + 1) + 3
    for _, labels, _ in samples(after):
        assert labels.keys() <= LABELS
        for name, allowed in words.items():
            assert labels.get(name) is None or labels[name] in allowed


def test_names_keep_prometheus_conventions(driven: str) -> None:
    """The rules of `promtool check metrics` that matter here, for machines without it."""
    families = list(read_text(driven))
    assert len({family.name for family in families}) == len(families)
    for family in families:
        told = [sample.name for sample in family.samples]
        assert re.fullmatch(r"llm_router_[a-z0-9_]+", family.name)
        assert family.documentation.endswith(".")
        assert not re.search(r"_(ms|milliseconds|minutes|hours|days|percent|usd)(_|$)", family.name)
        assert not re.search(r"_(gauge|counter|histogram|metric)(_|$)", family.name)
        if family.type == "counter":
            assert all(name.endswith("_total") for name in told)
        else:
            assert not any(name.endswith("_total") for name in told)
        if family.type != "histogram":
            assert not any(name.endswith(("_bucket", "_sum", "_count")) for name in told)


def test_a_scraper_may_ask_for_openmetrics(make_router: MakeRouter, api: Api) -> None:
    client = api(make_router())
    answer = client.get(METRICS, headers={"Accept": "application/openmetrics-text;version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    plain = {family.name for family in read_text(scrape(client))}
    families = read_openmetrics(answer.text)  # type: ignore[no-untyped-call]
    assert {family.name for family in families} == {name.removesuffix("_total") for name in plain}


def test_prometheus_brings_the_token_as_bearer(make_router: MakeRouter, serve: Serve) -> None:
    app = app_for([router_for(make_router())], host="0.0.0.0", token="the-token-of-this-test", insecure=False)
    client = serve(app)
    assert client.get(METRICS).status_code == 401
    bearer = {"Authorization": "Bearer the-token-of-this-test", "Host": "router.example:8888"}
    assert client.get(METRICS, headers=bearer).status_code == 200


def test_without_prometheus_client_it_says_what_to_install(start: Start, tmp_path: Path) -> None:
    (tmp_path / "litellm.yaml").write_text("providers: {groq: {models: [m]}}\n", "utf-8")
    code = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from router_config.cli import main; sys.exit(main(['serve', '--port', '0']))"
    )
    command = start("-c", code)
    with command.client() as client:
        answer = client.get(METRICS)
        assert client.get("/api/llm-providers").status_code == 200
    command.end(2)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "pip install 'litellm-router-config[metrics]'" in answer.json()["detail"]


def used_names(expressions: list[str]) -> set[str]:
    return {name for each in expressions for name in re.findall(r"\bllm_router_[a-z0-9_]+", each)}


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_there_are_four_alerts_that_say_what_to_do() -> None:
    assert len(rules()) == 4
    for rule in rules():
        assert rule["alert"].startswith("LLMRouter")
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"].keys() == {"summary", "description"}


def test_alerts_and_dashboard_use_only_metrics_that_exist(driven: str) -> None:
    served = {name for name, _, _ in samples(driven)} | {family.name for family in read_text(driven)}
    alerts = used_names([rule["expr"] for rule in rules()])
    shown = used_names([DASHBOARD.read_text("utf-8")])
    assert alerts
    assert alerts <= served
    assert shown <= served


def test_the_dashboard_names_no_data_source_of_ours() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {"${datasource}"}
    numbers = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(numbers)) == len(numbers)


@without_promtool
def test_promtool_has_no_complaint_about_the_metrics(driven: str) -> None:
    assert promtool("check", "metrics", text=driven) == ""


@without_promtool
def test_promtool_has_no_complaint_about_the_alerts_and_they_fire_when_they_should() -> None:
    assert "SUCCESS: 4 rules found" in promtool("check", "rules", ALERTS)
    assert "SUCCESS" in promtool("test", "rules", ROOT / "tests/monitoring/alerts_test.yml")


@without_promtool
def test_promtool_can_read_every_query_of_the_dashboard(tmp_path: Path) -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    recorded = [
        {"record": f"query_{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(queries)
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}), "utf-8")
    promtool("check", "rules", tmp_path / "rules.yml")
