"""In an app of somebody else: included, under a prefix, and as a sub-app under a path."""

import itertools
import re
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from rig import MakeRouter, message
from rig_monitoring import STATUS, Serve
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

import monitoring
from router_config import Router

TOKEN = "the-token-of-this-test"
Put = Callable[[Router], ASGIApp]


def included(router: Router) -> ASGIApp:
    app = FastAPI()
    app.include_router(monitoring.router_for(router))
    return app


def prefixed(router: Router) -> ASGIApp:
    app = FastAPI()
    app.include_router(monitoring.router_for(router), prefix="/llm")
    return app


def mounted(router: Router) -> ASGIApp:
    app, inner = FastAPI(), FastAPI()
    inner.include_router(monitoring.router_for(router))
    app.mount("/llm", inner)
    return app


def sub_app(router: Router) -> ASGIApp:
    return Starlette(routes=[Mount("/llm", monitoring.sub_app_for(router))])


@pytest.mark.parametrize(("put", "place"), [(included, ""), (prefixed, "/llm"), (mounted, "/llm"), (sub_app, "/llm")])
def test_everything_is_there(put: Put, place: str, make_router: MakeRouter, serve: Serve) -> None:
    router = make_router()
    router.completion(model="default", messages=message())
    client = serve(put(router))
    page = client.get(f"{place}/")
    assert page.headers["content-type"].startswith("text/html")
    assert "content-security-policy" in page.headers
    for file in re.findall(r'(?:href|src)="([^":]+)"', page.text):
        assert not file.startswith("/")
        assert client.get(f"{place}/{file}").status_code == 200, file
    assert client.get(f"{place}{STATUS}").json()["next"] == {"default": "groq"}
    assert client.get(f"{place}{STATUS}/groq").json()["usage_today"]["requests"] == 1
    assert client.post(f"{place}{STATUS}/explain", json={}).json()["next"] == "groq"
    assert 'llm_router_requests_total{model="llama-3.3-70b-versatile",outcome="ok",provider="groq"} 1.0' in (
        client.get(f"{place}/metrics").text
    )
    with client.stream("GET", f"{place}{STATUS}/events") as events:
        assert "event: status" in itertools.islice(events.iter_lines(), 10)
    assert client.get(f"{place}{STATUS}/decisions").json()["decisions"][0]["provider"] == "groq"
    assert client.get(f"{place}{STATUS}/history").json()["hours"] == 24
    assert client.get(f"{place}/healthz").json() == {"status": "ok"}
    missing = client.get(f"{place}{STATUS}/nobody")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


def test_the_routes_of_the_app_stay_as_they_are(make_router: MakeRouter, serve: Serve) -> None:
    app = FastAPI()

    @app.get("/metrics")
    def metrics() -> str:
        return "ours"

    app.include_router(monitoring.router_for(make_router()))
    client = serve(app)
    assert client.get("/metrics").json() == "ours"
    assert client.get(STATUS).status_code == 200


def test_a_sub_app_may_be_behind_a_token(make_router: MakeRouter, serve: Serve) -> None:
    guarded = monitoring.sub_app_for(make_router(), token=TOKEN)
    client: httpx.Client = serve(Starlette(routes=[Mount("/llm", guarded)]))
    bearer = {"Authorization": f"Bearer {TOKEN}", "Host": "app.example"}
    for path in ("/", STATUS, "/metrics", "/dashboard/scripts/page.js"):
        assert client.get(f"/llm{path}").status_code == 401
        assert client.get(f"/llm{path}", headers=bearer).status_code == 200
    with client.stream("GET", f"/llm{STATUS}/events", headers=bearer) as events:
        assert events.status_code == 200
    assert client.get(f"/llm{STATUS}/events").status_code == 401
    assert client.get("/llm/healthz").status_code == 200
    assert client.get("/llm/healthz/").status_code == 401
