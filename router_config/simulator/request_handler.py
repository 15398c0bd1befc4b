"""One request to one simulated provider, from its arrival to the last byte of its answer."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from router_config.simulator.answers import answer_to, asked_length
from router_config.simulator.dialects import Dialect, Stamp
from router_config.simulator.dialects.base import window_headers
from router_config.simulator.faults import Fault
from router_config.simulator.fixtures import fixtures
from router_config.simulator.http.connection import Connection
from router_config.simulator.messages import Answer, BadRequest, Request, Response
from router_config.simulator.quotas.admission import Admission, Demand, Refusal
from router_config.simulator.records import Call, Outcome
from router_config.simulator.scripted_answers import event_with_usage, gzip_after_blanks, read_parts, with_usage
from router_config.simulator.state import SimulatorState

_NO_MODEL = "-"
_NOTHING = Demand(0, 0)
NO_SUCH_PATH = "The simulator has no such path."
# BadRequest is raised by a dialect, the others by JSON of a shape that it does not expect.
_UNREADABLE = (BadRequest, AttributeError, KeyError, TypeError, ValueError)


class RequestHandler:
    """Answers one request, and records how it ended."""

    def __init__(self, state: SimulatorState, dialect: Dialect, connection: Connection, key: str | None) -> None:
        self.state = state
        self.dialect = dialect
        self.provider = dialect.name
        self.connection = connection
        self.key = key
        self.label = None if key is None else state.keys.label(self.provider, key)
        self.now = state.clock.now()
        self.date = state.date(self.provider, self.now)
        self.records = state.records  # a reset gives the state new ones
        self.number = self.records.next_number()
        self.call = Call(self.number, self.now, self.provider, _NO_MODEL, self.label)
        self.reserved = _NOTHING
        self.admitted = False
        self.admission: Admission | None = None
        self.settle_peak: Callable[[Demand], None]
        self.completion_tokens = self.cached = 0

    async def run(self, path: str, body: Any) -> None:
        try:
            known = self.dialect.endpoint(path) is not None
            request = self.dialect.read(path, body) if known else _unknown_request(body)
        except _UNREADABLE as error:
            self._arrive(None)
            await self._refuse(self.dialect.error(400, str(error)), "bad_request")
            return
        self._arrive(request)
        try:
            await self._serve(request)
        finally:
            if self.call.outcome == "open":  # the server is being stopped
                self._close("disconnected")

    async def _serve(self, request: Request) -> None:
        fault = self.state.faults.take(self.provider, request, self.label, reused=self.connection.reused)
        if fault.refuses:
            await self._scripted_refusal(request, fault)
        elif request.kind == "other" and fault.parts is None:
            await self._refuse(self.dialect.error(404, f"Unknown request URL. {NO_SUCH_PATH}"), "bad_request")
        elif (refused := self._refusal_before_quotas(request)) is not None:
            await self._refuse(*refused)
        else:
            await self._admit(request, fault)

    def _refusal_before_quotas(self, request: Request) -> tuple[Response, Outcome] | None:
        """What the provider refuses before it looks at quotas."""
        dialect, context = self.dialect, self.state.limits[self.provider].context
        if self.key is None:
            return dialect.no_key(), "unauthorized"
        if not self.state.keys.works(self.provider, self.key):
            return dialect.bad_key(), "unauthorized"
        state = self.state.model_state(self.provider, request.model)
        if state != "served":
            known = dialect.retired_model if state == "retired" else dialect.unknown_model
            return known(request.model), "unknown_model"
        if context is not None and request.prompt_tokens + (request.max_tokens or 0) > context:
            return dialect.context_exceeded(request, context), "bad_request"
        return None

    async def _admit(self, request: Request, fault: Fault) -> None:
        answer = self._answer(request, fault)
        demand = self._demand(request, answer)
        quotas = self.state.quotas[self.provider]
        assert self.label is not None
        admission = quotas.admit(self.label, request.model, demand, self.now)
        if isinstance(admission, Refusal):
            windows = quotas.states(self.label, request.model, self.now)
            response = self.dialect.refusal(admission, windows, request, self._stamp())
            await self._refuse(response, "too_large" if response.status == 413 else "rate_limited")
            return
        self._count(request, demand, admission)
        await self._answer_admitted(self._with_cached(request), answer, fault)

    def _with_cached(self, request: Request) -> Request:
        """The request with the tokens of its prompt that the provider reads from its cache."""
        if self.state.options.prompt_caches and request.kind == "chat" and self.label is not None:
            place = self.provider, self.label, request.model
            self.cached = self.state.prompt_caches.read(place, request.body, request.prompt_tokens, self.now)
        return replace(request, cached_tokens=self.cached) if self.cached else request

    async def _answer_admitted(self, request: Request, answer: Answer, fault: Fault) -> None:
        if not await self._stay(self._latency(fault)):
            self._close("disconnected")
        elif fault.timeout:
            await self.connection.hang(self.state.release)
            self._close("fault")
            await self._break_off()
        elif fault.parts is not None:
            await self._parts(request, answer, fault)
        elif request.stream and not fault.gzip_mb and not fault.error_body and not fault.malformed:
            await self._stream(request, answer, fault)
        else:
            await self._whole(request, answer, fault)

    async def _stay(self, seconds: float) -> bool:
        """Let the seconds pass that an answer takes; False as soon as the client has left."""
        sleep = self.state.clock.sleep
        if sleep is asyncio.sleep:
            return await self.connection.stay(seconds)
        return seconds <= 0 or await self.connection.stay_for(sleep(seconds))

    async def _whole(self, request: Request, answer: Answer, fault: Fault) -> None:
        if fault.error_event is not None:
            await self._refuse(self.dialect.error(500), "fault")
            return
        if fault.error_body:
            await self._refuse(replace(self.dialect.error(502), status=200), "fault")
            return
        content = b"".join(self._usual(request, answer, fault))
        if fault.malformed:
            await self._refuse(Response(200, content[: len(content) // 2]), "fault")
        elif fault.cut is not None:
            headers = self._success_headers(request, fault) | {"content-length": str(len(content))}
            await self.connection.start(200, headers)
            await self.connection.write(content[: len(content) // 2], more=True)
            self._close("fault", 200)
            await self.connection.drop()
        else:
            self._settle(request, answer)
            headers = self._success_headers(request, fault)
            if fault.gzip_mb:
                content = gzip_after_blanks(b"\n" + content, fault.gzip_mb)
                headers["content-encoding"] = "gzip"
            self._close("ok", 200)
            await self.connection.send(Response(200, content, headers))

    async def _stream(self, request: Request, answer: Answer, fault: Fault) -> None:
        options = self.state.options
        delay = options.chunk_delay_ms if fault.chunk_delay_ms is None else fault.chunk_delay_ms
        events = self._usual(request, answer, fault)
        if fault.ending is not None:
            events = events[: fault.cut if fault.cut is not None else fault.error_event]
        await self.connection.start(200, self._success_headers(request, fault))
        parts = events if delay else _first_and_rest(events)
        for count, part in enumerate(parts, start=1):
            if not await self.connection.stay(delay / 1000):
                self._close("disconnected", 200)
                return
            complete = count == len(parts) and fault.ending is None
            if complete:
                self._settle(request, answer)
                self._close("ok", 200)
            await self.connection.write(part, more=not complete)
        if fault.ending is not None:
            await self._end_badly(fault)

    async def _parts(self, request: Request, answer: Answer, fault: Fault) -> None:
        """An answer as it was scripted, piece by piece. It counts as answered if it ends as the usual one does."""
        usual = [] if request.kind == "other" else self._usual(request, answer, fault)
        await self.connection.start(200, self._success_headers(request, fault))
        self._settle(request, answer)
        outcome: Outcome = "fault"
        for part in read_parts(fault.parts):
            if part.completes(usual):
                outcome = "ok"
            for content in part.writes(usual):
                if not await self.connection.stay(part.every_ms / 1000):
                    self._close("disconnected", 200)
                    return
                await self.connection.write(content, more=True)
            if part.drop:
                self._close("fault", 200)
                await self.connection.drop()
                return
        self._close(outcome, 200)
        await self.connection.write(b"", more=False)

    async def _end_badly(self, fault: Fault) -> None:
        self._close("fault", 200)
        if fault.cut is not None:
            await self.connection.drop()
        else:
            await self.connection.write(self.dialect.error_event(), more=False)

    async def _scripted_refusal(self, request: Request, fault: Fault) -> None:
        if self.provider == "openrouter" and self.label is not None and fault.ending in ("status", "fixture"):
            self._count_failed(request)
        if not await self._stay(self._latency(fault) if fault.latency_ms is not None else 0.0):
            self._close("disconnected")
        elif fault.refused or fault.reset or fault.closed:
            self._close("fault")
            await self._break_off(reset=not fault.closed)
        else:
            await self._refuse(_scripted_reply(self.dialect, fault), "fault")

    def _arrive(self, request: Request | None) -> None:
        if request is not None:
            self.call = replace(
                self.call,
                model=request.model,
                kind=request.kind,
                stream=request.stream,
                parameters=tuple(sorted(request.body)),
                body=request.body if self.state.options.keep_bodies else None,
            )
        self.records.open(self.call, self.date)

    def _close(self, outcome: Outcome, status: int | None = None) -> None:
        done = outcome == "ok"
        if self.admission is not None:
            self.admission.end()
        self.call = replace(
            self.call,
            outcome=outcome,
            status=status,
            admitted=self.admitted,
            reserved=self.reserved.total,
            prompt_tokens=self.reserved.prompt if done else 0,
            completion_tokens=self.completion_tokens if done else 0,
            cached_tokens=self.cached if done else 0,
        )
        self.records.close(self.call, self.date)

    async def _refuse(self, response: Response, outcome: Outcome) -> None:
        self._close(outcome, response.status)
        await self.connection.send(response)

    async def _break_off(self, *, reset: bool = True) -> None:
        if not self.connection.gone:
            await self.connection.drop(reset=reset)

    def _stamp(self) -> Stamp:
        return Stamp(self.now, self.number)

    def _latency(self, fault: Fault) -> float:
        return self.state.latency(self.provider) if fault.latency_ms is None else fault.latency_ms / 1000

    def _answer(self, request: Request, fault: Fault) -> Answer:
        if request.kind != "chat":
            return Answer("", 0)
        options = self.state.options
        tokens = asked_length(request) if options.as_long_as_asked else None
        return answer_to(request, self.provider, fault, options.answer, tokens or options.answer_tokens)

    def _demand(self, request: Request, answer: Answer) -> Demand:
        expected = answer.completion_tokens
        if self.dialect.reserves_max_tokens and request.max_tokens is not None and request.kind == "chat":
            expected = request.max_tokens
        return Demand(request.prompt_tokens, request.prompt_tokens + expected)

    def _count(self, request: Request, demand: Demand, admission: Admission) -> None:
        """Count an admitted request. admission: what it took from the quotas."""
        quotas = self.state.quotas[self.provider]
        assert self.label is not None
        account, metered = quotas.account_of(self.label), quotas.metered(request.model)
        counter = self.state.peaks[self.provider]
        self.admission = admission
        self.settle_peak = counter.add(account, request.model, self.now, demand, metered=metered)
        self.admitted, self.reserved = True, demand

    def _count_failed(self, request: Request) -> None:
        """OpenRouter counts failed calls too: one request, no tokens."""
        assert self.label is not None
        quotas = self.state.quotas[self.provider]
        self._count(request, _NOTHING, quotas.count(self.label, request.model, _NOTHING, self.now))

    def _settle(self, request: Request, answer: Answer) -> None:
        real = Demand(request.prompt_tokens, request.prompt_tokens + answer.completion_tokens)
        assert self.admission is not None
        self.admission.settle(real, self.state.clock.now())
        self.settle_peak(real)
        self.completion_tokens = answer.completion_tokens

    def _success_headers(self, request: Request, fault: Fault) -> dict[str, str]:
        assert self.label is not None
        windows = self.state.quotas[self.provider].states(self.label, request.model, self.state.clock.now())
        kind = "text/event-stream" if request.stream else "application/json"
        told = window_headers(windows, self.state.clock.now()) if self.state.options.window_headers else {}
        return {
            "content-type": kind,
            **self.dialect.headers(windows, self._stamp()),
            **told,
            **_scripted_headers(fault),
        }

    def _usual(self, request: Request, answer: Answer, fault: Fault) -> list[bytes]:
        """The events of the usual answer; the body of one that is not a stream."""
        if request.stream:
            pieces = answer.pieces(self.state.options.chunk_tokens)
            events = list(self.dialect.chunks(request, answer, pieces, self._stamp()))
            return events if fault.usage is None else [event_with_usage(one, fault.usage) for one in events]
        body = (
            self.dialect.embedding(request, self._stamp())
            if request.kind == "embedding"
            else self.dialect.answer(request, answer, self._stamp())
        )
        return [Response(200, body if fault.usage is None else with_usage(body, fault.usage)).content()]


def _first_and_rest(events: list[bytes]) -> list[bytes]:
    """A stream without pauses goes out in two writes, since one write an event would triple its cost."""
    return [*events[:1], b"".join(events[1:])]


def _scripted_reply(dialect: Dialect, fault: Fault) -> Response:
    if fault.fixture is not None:
        recorded = fixtures(dialect.name)[fault.fixture]
        return Response(recorded.status, recorded.body, recorded.headers)
    assert fault.status is not None
    usual = dialect.error(fault.status)
    body = usual.body if fault.body is None else fault.body
    return Response(fault.status, body, {**usual.headers, **_scripted_headers(fault)})


def _scripted_headers(fault: Fault) -> dict[str, str]:
    given = fault.headers or {}
    return {name: "x" * value if isinstance(value, int) else value for name, value in given.items()}


def _unknown_request(body: Any) -> Request:
    """A request to a path that only a fault answers: Responses, images, speech and so on."""
    told = body if isinstance(body, dict) else {}
    return Request(str(told.get("model") or _NO_MODEL), 0, kind="other", stream=told.get("stream") is True, body=told)
