"""One request at one simulated provider, from arrival to the last byte."""

from dataclasses import dataclass, replace
from typing import Any

from router_config.simulator.answers import answer_to
from router_config.simulator.dialects import Dialect, Moment
from router_config.simulator.exchange import Answer, Ask, BadRequest, Json, Reply
from router_config.simulator.faults import Fault
from router_config.simulator.fixtures import fixtures
from router_config.simulator.http.connection import Connection
from router_config.simulator.quotas.admission import Admission, Demand, Refusal
from router_config.simulator.quotas.judge import Entry
from router_config.simulator.records import Call, Outcome
from router_config.simulator.world import World

_NO_MODEL = "-"
_NOTHING = Demand(0, 0)
# Besides what a dialect complains of: JSON of another shape than it reads.
_NONSENSE = (BadRequest, AttributeError, KeyError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class _Ticket:
    """An admitted request: what was taken where, until it is settled."""

    admission: Admission
    entry: Entry

    def settle(self, real: Demand, now: float) -> None:
        self.admission.settle(real, now)
        self.entry.settle(real)


class Visit:
    """A request on its way through the provider."""

    def __init__(self, world: World, dialect: Dialect, connection: Connection, key: str | None) -> None:
        self.world = world
        self.dialect = dialect
        self.provider = dialect.name
        self.connection = connection
        self.key = key
        self.label = None if key is None else world.keys.label(self.provider, key)
        self.now = world.clock.now()
        self.date = world.date(self.provider, self.now)
        self.records = world.records  # a reset in the middle gives the world new ones
        self.number = self.records.next_number()
        self.call = Call(self.number, self.now, self.provider, _NO_MODEL, self.label)
        self.reserved = _NOTHING
        self.admitted = False
        self.said = 0

    async def run(self, path: str, body: Any) -> None:
        try:
            ask = self.dialect.read(path, body)
        except _NONSENSE as error:
            self._arrive(None)
            await self._refuse(self.dialect.error(400, str(error)), "bad_request")
            return
        self._arrive(ask)
        try:
            await self._serve(ask)
        finally:
            if self.call.outcome == "open":  # the server is being stopped
                self._close("disconnected")

    async def _serve(self, ask: Ask) -> None:
        fault = self.world.faults.take(self.provider, ask.model, self.label)
        if fault.refuses:
            await self._scripted_refusal(ask, fault)
        elif (stopped := self._gatekeeper(ask)) is not None:
            await self._refuse(*stopped)
        else:
            await self._admit(ask, fault)

    def _gatekeeper(self, ask: Ask) -> tuple[Reply, Outcome] | None:
        """Whom the provider sends away before it looks at quotas."""
        dialect, context = self.dialect, self.world.limits[self.provider].context
        if self.key is None:
            return dialect.no_key(), "unauthorized"
        if not self.world.keys.works(self.provider, self.key):
            return dialect.bad_key(), "unauthorized"
        state = self.world.model_state(self.provider, ask.model)
        if state != "served":
            known = dialect.retired_model if state == "retired" else dialect.unknown_model
            return known(ask.model), "unknown_model"
        if context is not None and ask.prompt_tokens + (ask.max_tokens or 0) > context:
            return dialect.context_exceeded(ask, context), "bad_request"
        return None

    async def _admit(self, ask: Ask, fault: Fault) -> None:
        answer = self._answer(ask, fault)
        demand = self._demand(ask, answer)
        quotas = self.world.quotas[self.provider]
        assert self.label is not None
        admission = quotas.admit(self.label, ask.model, demand, self.now)
        if isinstance(admission, Refusal):
            gates = quotas.states(self.label, ask.model, self.now)
            reply = self.dialect.refusal(admission, gates, ask, self._moment())
            await self._refuse(reply, "too_large" if reply.status == 413 else "rate_limited")
            return
        ticket = self._ticket(ask, demand, admission)
        await self._answer_admitted(ask, answer, fault, ticket)

    async def _answer_admitted(self, ask: Ask, answer: Answer, fault: Fault, ticket: _Ticket) -> None:
        if not await self.connection.stay(self._latency(fault)):
            self._close("disconnected")
        elif fault.timeout:
            await self.connection.hang(self.world.release)
            self._close("fault")
            await self._break_off()
        elif ask.stream and not fault.error_body and not fault.malformed:
            await self._stream(ask, answer, fault, ticket)
        else:
            await self._whole(ask, answer, fault, ticket)

    async def _whole(self, ask: Ask, answer: Answer, fault: Fault, ticket: _Ticket) -> None:
        if fault.error_event is not None:
            await self._refuse(self.dialect.error(500), "fault")
            return
        if fault.error_body:
            await self._refuse(replace(self.dialect.error(502), status=200), "fault")
            return
        content = Reply(200, self._body(ask, answer)).content()
        if fault.malformed:
            await self._refuse(Reply(200, content[: len(content) // 2]), "fault")
        elif fault.cut is not None:
            headers = self._success_headers(ask) | {"content-length": str(len(content))}
            await self.connection.start(200, {"content-type": "application/json", **headers})
            await self.connection.write(content[: len(content) // 2], more=True)
            self._close("fault", 200)
            await self.connection.drop()
        else:
            self._settle(ask, answer, ticket)
            reply = Reply(200, content, self._success_headers(ask))
            self._close("ok", 200)
            await self.connection.send(reply)

    async def _stream(self, ask: Ask, answer: Answer, fault: Fault, ticket: _Ticket) -> None:
        delay = self.world.options.chunk_delay_ms if fault.chunk_delay_ms is None else fault.chunk_delay_ms
        events = list(self.dialect.chunks(ask, answer, self._pieces(answer), self._moment()))
        if fault.ending is not None:
            events = events[: fault.cut if fault.cut is not None else fault.error_event]
        headers = self._success_headers(ask)
        await self.connection.start(200, {"content-type": "text/event-stream", **headers})
        parts = events if delay else _first_and_rest(events)
        for count, part in enumerate(parts, start=1):
            if not await self.connection.stay(delay / 1000):
                self._close("disconnected", 200)
                return
            complete = count == len(parts) and fault.ending is None
            if complete:
                self._settle(ask, answer, ticket)
                self._close("ok", 200)
            await self.connection.write(part, more=not complete)
        if fault.ending is not None:
            await self._end_badly(fault)

    async def _end_badly(self, fault: Fault) -> None:
        self._close("fault", 200)
        if fault.cut is not None:
            await self.connection.drop()
        else:
            await self.connection.write(self.dialect.error_event(), more=False)

    async def _scripted_refusal(self, ask: Ask, fault: Fault) -> None:
        if self.provider == "openrouter" and self.label is not None and not (fault.refused or fault.reset):
            self._count_failed(ask)
        if not await self.connection.stay(self._latency(fault) if fault.latency_ms is not None else 0.0):
            self._close("disconnected")
        elif fault.refused or fault.reset:
            self._close("fault")
            await self._break_off()
        else:
            await self._refuse(_scripted_reply(self.dialect, fault), "fault")

    # smaller steps

    def _arrive(self, ask: Ask | None) -> None:
        if ask is not None:
            body = ask.body if self.world.options.keep_bodies else None
            parameters = tuple(sorted(ask.body))
            self.call = Call(
                number=self.number,
                at=self.now,
                provider=self.provider,
                model=ask.model,
                key=self.label,
                kind=ask.kind,
                stream=ask.stream,
                parameters=parameters,
                body=body,
            )
        self.records.open(self.call, self.date)

    def _close(self, outcome: Outcome, status: int | None = None) -> None:
        done = outcome == "ok"
        self.call = replace(
            self.call,
            outcome=outcome,
            status=status,
            admitted=self.admitted,
            reserved=self.reserved.total,
            prompt_tokens=self.reserved.prompt if done else 0,
            completion_tokens=self.said if done else 0,
        )
        self.records.close(self.call, self.date)

    async def _refuse(self, reply: Reply, outcome: Outcome) -> None:
        self._close(outcome, reply.status)
        await self.connection.send(reply)

    async def _break_off(self) -> None:
        if not self.connection.gone:
            await self.connection.drop()

    def _moment(self) -> Moment:
        return Moment(self.now, self.number)

    def _latency(self, fault: Fault) -> float:
        return self.world.latency(self.provider) if fault.latency_ms is None else fault.latency_ms / 1000

    def _answer(self, ask: Ask, fault: Fault) -> Answer:
        if ask.kind == "embedding":
            return Answer("", 0)
        options = self.world.options
        return answer_to(ask, self.provider, fault, options.answer, options.answer_tokens)

    def _demand(self, ask: Ask, answer: Answer) -> Demand:
        expected = answer.completion_tokens
        if self.dialect.reserves_max_tokens and ask.max_tokens is not None and ask.kind == "chat":
            expected = ask.max_tokens
        return Demand(ask.prompt_tokens, ask.prompt_tokens + expected)

    def _ticket(self, ask: Ask, demand: Demand, admission: Admission) -> _Ticket:
        quotas = self.world.quotas[self.provider]
        assert self.label is not None
        account, metered = quotas.account_of(self.label), quotas.metered(ask.model)
        entry = self.world.judges[self.provider].add(account, ask.model, self.now, demand, metered=metered)
        self.admitted = True
        self.reserved = demand
        return _Ticket(admission, entry)

    def _count_failed(self, ask: Ask) -> None:
        """OpenRouter counts failed calls too: one request, no tokens."""
        assert self.label is not None
        quotas = self.world.quotas[self.provider]
        self._ticket(ask, _NOTHING, quotas.count(self.label, ask.model, _NOTHING, self.now))

    def _settle(self, ask: Ask, answer: Answer, ticket: _Ticket) -> None:
        real = Demand(ask.prompt_tokens, ask.prompt_tokens + answer.completion_tokens)
        ticket.settle(real, self.world.clock.now())
        self.said = answer.completion_tokens

    def _success_headers(self, ask: Ask) -> dict[str, str]:
        assert self.label is not None
        gates = self.world.quotas[self.provider].states(self.label, ask.model, self.world.clock.now())
        return self.dialect.headers(gates, self._moment())

    def _body(self, ask: Ask, answer: Answer) -> Json:
        if ask.kind == "embedding":
            return self.dialect.embedding(ask, self._moment())
        return self.dialect.answer(ask, answer, self._moment())

    def _pieces(self, answer: Answer) -> list[str]:
        size = self.world.options.chunk_tokens * 4
        return [answer.text[i : i + size] for i in range(0, len(answer.text), size)]


def _first_and_rest(events: list[bytes]) -> list[bytes]:
    """A stream without pauses in two writes: one for each event would triple its cost."""
    return [*events[:1], b"".join(events[1:])]


def _scripted_reply(dialect: Dialect, fault: Fault) -> Reply:
    if fault.fixture is not None:
        recorded = fixtures(dialect.name)[fault.fixture]
        return Reply(recorded.status, recorded.body, recorded.headers)
    assert fault.status is not None
    usual = dialect.error(fault.status)
    body = usual.body if fault.body is None else fault.body
    return Reply(fault.status, body, {**usual.headers, **(fault.headers or {})})
