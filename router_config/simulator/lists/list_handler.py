"""One request for a list of models: the key, the faults that are scripted, the page that is asked for."""

import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from router_config.simulator.dialects import DIALECTS
from router_config.simulator.faults import Fault
from router_config.simulator.http.connection import Connection
from router_config.simulator.lists.listed_models import SERVICES, Wanted, account, of_provider
from router_config.simulator.messages import Request, Response
from router_config.simulator.records import Call, Outcome
from router_config.simulator.state import SimulatorState

_MOST = 1000
_NO_MODEL = "-"
_Answer = tuple[Response, Outcome]


async def answer_list(
    state: SimulatorState, provider: str, connection: Connection, key: str | None, query: str, *, of_key: bool = False
) -> None:
    """Answer a request for the list of a provider; of_key: for what is told of the key. No quota counts it."""
    now = state.clock.now()
    label = None if key is None else state.keys.label(provider, key)
    date = state.date(provider, now)
    call = Call(state.records.next_number(), now, provider, _NO_MODEL, label, kind="models")
    state.records.open(call, date)
    fault = state.faults.take(provider, Request(_NO_MODEL, 0, kind="models"), label, reused=connection.reused)
    outcome: Outcome = "fault"
    status: int | None = None
    try:
        if not await connection.stay((fault.latency_ms or 0.0) / 1000):
            outcome = "disconnected"
        elif fault.timeout:
            await connection.hang(state.release)
        elif fault.refused or fault.reset or fault.closed:
            await connection.drop(reset=not fault.closed)
        else:
            response, outcome = _response(state, provider, key, query, fault, of_key)
            status = response.status
            await connection.send(response)
    finally:
        state.records.close(replace(call, outcome=outcome, status=status), date)


def _response(state: SimulatorState, provider: str, key: str | None, query: str, fault: Fault, of_key: bool) -> _Answer:
    if fault.status is not None:
        headers = {name: str(value) for name, value in (fault.headers or {}).items()}
        return Response(fault.status, {} if fault.body is None else fault.body, headers), "fault"
    if (refused := _refusal(state, provider, key)) is not None:
        return refused, "unauthorized"
    body: Any = account() if of_key else _list(state, provider, query)
    response = Response(200, body)
    if fault.malformed:
        return Response(200, response.content()[: len(response.content()) // 2]), "fault"
    return response, "ok"


def _refusal(state: SimulatorState, provider: str, key: str | None) -> Response | None:
    if provider in SERVICES:
        needs = SERVICES[provider].header is not None
        bad = needs and (key is None or not state.keys.works(provider, key))
        return Response(401, {"error": {"message": "invalid api key"}}) if bad else None
    if key is None:
        return DIALECTS[provider].no_key()
    return None if state.keys.works(provider, key) else DIALECTS[provider].bad_key()


def _list(state: SimulatorState, provider: str, query: str) -> Any:
    models = state.listed(provider)
    wanted = _wanted(query, state.options.list_page, list(models))
    service = SERVICES.get(provider)
    return of_provider(provider, models, wanted) if service is None else service.body(models, wanted)


def _wanted(query: str, most: int, names: list[str]) -> Wanted:
    """The page that a query asks for, in whatever words the providers have for it."""
    told = {name: values[0] for name, values in parse_qs(query).items()}
    sizes = (told[name] for name in ("pageSize", "page_size", "limit", "per_page") if told.get(name, "").isdigit())
    size = max(1, min(int(next(sizes, _MOST)), most))
    token = re.fullmatch(r"token(\d+)", told.get("pageToken") or told.get("page_token") or "")
    begins = int(token[1]) if token else 0
    if told.get("after_id") in names:
        begins = names.index(told["after_id"]) + 1
    if told.get("page", "").isdigit():
        begins = (int(told["page"]) - 1) * size
    return Wanted(size, begins)
