"""The controls of a simulation over HTTP: everything that the Python class can do, for other processes."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from router_config.simulator.dialects import API_BASES
from router_config.simulator.faults import FaultError, make_fault, plain_fault
from router_config.simulator.fixtures import fixtures
from router_config.simulator.lists.listed_models import SERVICES, ListedError, read_listed
from router_config.simulator.options import OptionsError, change_options, listing_name, plain_options
from router_config.simulator.quotas.limits import PROVIDERS, REFERENCE, LimitsError, provider_name
from router_config.simulator.quotas.plain_limits import read_limits, write_limits
from router_config.simulator.records import Call
from router_config.simulator.state import SimulatorState

_PAGE = 1000

HELP = """\
Simulated LLM providers: groq, gemini, openrouter, together, openai. Nothing here is real.

Ask one:
  curl {url}/groq/openai/v1/chat/completions -H 'Authorization: Bearer any' \\
       -d '{{"model": "llama-3.3-70b-versatile", "messages": [{{"role": "user", "content": "Hi"}}]}}'

LiteLLM's api_base of each:
{bases}

Controls (JSON in, JSON out):
  counts, busiest rolling minute, windows:
    curl {url}/_control/summary
  requests, newest last:
    curl '{url}/_control/requests?provider=groq&since=0&last=10'
  faults: one ending of status, fixture, timeout, refused, reset, closed, cut, error_event, error_body, malformed,
          parts (raw text, events of the usual answer, waits), gzip_mb; with or without it body, headers, usage,
          latency_ms, chunk_delay_ms, answer, tool_call; for requests with text, kind, stream, reused (connection),
          model, key, share; times: so often. Each is explained in router_config/simulator/faults.py
    curl {url}/_control/faults -d '{{"provider": "groq", "status": 500, "times": 3}}'
    curl {url}/_control/faults -d '{{"status": 500, "text": "poison"}}'
    curl {url}/_control/faults -d '{{"status": 307, "headers": {{"location": "http://localhost:9/", "x-long": 60000}}}}'
    curl {url}/_control/faults -d '{{"usage": {{"total_tokens": -1}}}}'
    curl {url}/_control/faults -d '{{"stream": true, "parts": [
        {{"events": [0, 3], "replace": {{"\\n": "\\r\\n"}}}}, "retry: 3000\\n\\n",
        {{"text": ": ping\\n\\n", "repeat": 50, "every_ms": 100}}, {{"events": [3, 4], "first": 20, "drop": true}}]}}'
    curl -X DELETE '{url}/_control/faults?provider=groq'
    curl {url}/_control/fixtures
  models that a provider lists and serves from now on, and others no more:
    curl {url}/_control/models -d '{{"provider": "groq", "add": {{"m": {{"context": 8192}}}}, "retire": ["n"]}}'
  time (set, advance, freeze):
    curl {url}/_control/clock -d '{{"advance": 60}}'
  quotas (those of litellm.yaml: rpm tpm itpm otpm rph tph rpd tpd rpw tpw rpmo tpmo, usd_per_day, usd_per_month with
          a price, parallel, requests and tokens; day, week, month; models, each_model; shared_account,
          strict_rolling, free_only, context):
    curl {url}/_control/limits -d '{{"groq": {{"rpm": 30, "tpd": 100000}}}}'
    curl {url}/_control/limits -d '{{"openai": {{"usd_per_month": 5, "price": {{"input": 0.15, "output": 0.60}},
        "requests": {{"per": "5h", "max": 200}}, "month": {{"day": 14}}, "parallel": 1}}}}'
  behaviour, keys that do not work, a new beginning:
    curl {url}/_control/options -d '{{"latency_ms": "50-800", "answer": "Hold."}}'
    curl {url}/_control/keys -d '{{"provider": "groq", "bad": ["a-key", "groq#1"]}}'
    curl -X POST {url}/_control/reset
"""


def control_app(state: SimulatorState, on_change: Callable[[], Awaitable[None]] | None) -> ASGIApp:
    """The application below `/_control`, and the help at `/`."""
    controls = _Controls(state, on_change)
    routes = [
        Route("/", controls.help),
        Route("/healthz", controls.health),
        Route("/_control/clock", controls.clock, methods=["GET", "POST"]),
        Route("/_control/faults", controls.faults, methods=["GET", "POST", "DELETE"]),
        Route("/_control/fixtures", controls.fixtures),
        Route("/_control/keys", controls.keys, methods=["GET", "POST"]),
        Route("/_control/limits", controls.limits, methods=["GET", "POST"]),
        Route("/_control/models", controls.models, methods=["GET", "POST"]),
        Route("/_control/options", controls.options, methods=["GET", "POST"]),
        Route("/_control/requests", controls.requests),
        Route("/_control/reset", controls.reset, methods=["POST"]),
        Route("/_control/summary", controls.summary),
    ]
    mistakes = (LimitsError, FaultError, OptionsError, ListedError, _ControlError)
    errors: dict[Any, Any] = dict.fromkeys(mistakes, _wrong_usage)
    return Starlette(routes=routes, exception_handlers=errors)


class _ControlError(ValueError):
    """A control that was called wrongly."""


async def _wrong_usage(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=400)


class _Controls:
    def __init__(self, state: SimulatorState, on_change: Callable[[], Awaitable[None]] | None) -> None:
        self.state = state
        self.on_change = on_change

    async def help(self, request: Request) -> Response:
        url = str(request.base_url).rstrip("/")
        bases = "\n".join(f"  {name:11}{url}{base}" for name, base in API_BASES.items())
        return PlainTextResponse(HELP.format(url=url, bases=bases))

    async def health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok", "simulated": True})

    async def clock(self, request: Request) -> Response:
        clock = self.state.clock
        if request.method == "POST":
            change = await _body(request, {"set", "advance", "freeze"})
            if change.get("freeze") is not None:
                clock.freeze() if change["freeze"] else clock.thaw()
            if "set" in change:
                clock.set(_number(change, "set"))
            if "advance" in change:
                clock.advance(_number(change, "advance"))
        return JSONResponse({"now": clock.now(), "frozen": clock.frozen, "real": time.time()})

    async def faults(self, request: Request) -> Response:
        state = self.state
        if request.method == "POST":
            given = await _body(request)
            number = state.faults.add(make_fault(given.pop("provider", "*"), **given))
            await self._changed()
            return JSONResponse({"id": number}, status_code=201)
        if request.method == "DELETE":
            wanted = request.query_params.get("id")
            if wanted is not None and not wanted.isdigit():
                raise _ControlError(f"id: expected a fault's number, not {wanted!r}")
            cleared = state.clear_faults(_provider(request), None if wanted is None else int(wanted))
            await self._changed()
            return JSONResponse({"cleared": cleared})
        listing = state.faults.listing().items()
        return JSONResponse({"faults": [{"id": number} | plain_fault(fault) for number, fault in listing]})

    async def fixtures(self, request: Request) -> Response:
        return JSONResponse({name: sorted(fixtures(name)) for name in PROVIDERS})

    async def keys(self, request: Request) -> Response:
        keys = self.state.keys
        if request.method == "POST":
            given = await _body(request, {"provider", "bad", "good"})
            name = provider_name(str(given.get("provider")))
            if "bad" in given:
                keys.set_bad(name, _strings(given, "bad") or [])
            if "good" in given:
                keys.set_good(name, _strings(given, "good"))
        return JSONResponse({"keys": keys.labels()})

    async def limits(self, request: Request) -> Response:
        if request.method == "POST":
            given = await _body(request)
            self.state.set_limits(REFERENCE if given == {"reference": True} else read_limits(given))
        return JSONResponse(write_limits(self.state.limits))

    async def models(self, request: Request) -> Response:
        state = self.state
        if request.method == "POST":
            given = await _body(request, {"provider", "add", "retire"})
            retire = _strings(given, "retire") if "retire" in given else None
            state.change_models(
                listing_name(str(given.get("provider"))), read_listed(given.get("add") or {}), retire or []
            )
        return JSONResponse({name: sorted(state.listed(name)) for name in (*PROVIDERS, *SERVICES)})

    async def options(self, request: Request) -> Response:
        if request.method == "POST":
            self.state.options = change_options(self.state.options, await _body(request))
        return JSONResponse(plain_options(self.state.options))

    async def requests(self, request: Request) -> Response:
        provider = _provider(request)
        query = request.query_params
        try:
            since = float(query["since"]) if "since" in query else None
            last = int(query.get("last", _PAGE))
        except ValueError:
            raise _ControlError("since is in seconds since 1970, last a whole number") from None
        calls = self.state.records.calls(provider, since)
        shown = calls[-last:] if last > 0 else []
        count = self.state.records.count(provider)
        told = {"count": count, "matching": len(calls), "requests": [plain_call(c) for c in shown]}
        # In ASCII: a body that was kept may hold what UTF-8 cannot say.
        return Response(json.dumps(told), media_type="application/json")

    async def reset(self, request: Request) -> Response:
        self.state.reset()
        await self._changed()
        return JSONResponse({"reset": True})

    async def summary(self, request: Request) -> Response:
        provider = _provider(request)
        return JSONResponse(self.state.summary(PROVIDERS if provider is None else (provider,)))

    async def _changed(self) -> None:
        if self.on_change is not None:
            await self.on_change()


def plain_call(call: Call) -> dict[str, Any]:
    """A call as JSON."""
    return asdict(call) | {"tokens": call.tokens}


def _provider(request: Request) -> str | None:
    name = request.query_params.get("provider")
    return None if name is None else provider_name(name)


async def _body(request: Request, known: set[str] | None = None) -> dict[str, Any]:
    try:
        given = json.loads(await request.body() or b"{}")
    except ValueError:
        raise _ControlError("the body is not JSON") from None
    if not isinstance(given, dict):
        raise _ControlError("the body must be a JSON object")
    if known is not None and (unknown := sorted(set(given) - known)):
        raise _ControlError(f"unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return given


def _number(given: dict[str, Any], name: str) -> float:
    if isinstance(given[name], bool) or not isinstance(given[name], int | float):
        raise _ControlError(f"{name}: expected seconds, not {given[name]!r}")
    return float(given[name])


def _strings(given: dict[str, Any], name: str) -> list[str] | None:
    if given[name] is None:
        return None
    if not isinstance(given[name], list):
        raise _ControlError(f"{name}: expected a list of keys or labels")
    return [str(each) for each in given[name]]
