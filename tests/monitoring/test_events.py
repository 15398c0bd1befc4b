"""The event stream: what a dashboard is told, by one reader for all, and how it ends."""

import asyncio
import json
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from rig import MakeRouter, message
from rig_monitoring import PATIENCE, STATUS, Api, Serve, Start

import monitoring
from monitoring.documents import Decision, StatusDocument
from monitoring.http.answer import Answer
from monitoring.live.feed import FIRST, KEPT, Feed
from monitoring.live.shared_reading import SharedReading
from router_config import Router
from router_config.config.changes import Reloaded
from router_config.config.models import Config
from router_config.ledger.interfaces import Store
from router_config.simulator import Simulator
from router_config.status.measurements import Reading

EVENTS = f"{STATUS}/events"
Event = tuple[str, dict[str, Any]]


def ask(router: Router, times: int = 1) -> None:
    for _ in range(times):
        router.completion(model="default", messages=message(), metadata={"agent": "trader"})


def told(answer: httpx.Response) -> Iterator[Event]:
    """The events of a stream, as they come."""
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def until(events: Iterator[Event], condition: Callable[[str, dict[str, Any]], Any]) -> dict[str, Any]:
    for name, data in events:
        if condition(name, data):
            return data
    raise AssertionError("the stream ended")


def test_everything_is_told_at_once_and_then_what_changes(
    make_router: MakeRouter, api: Api, simulator: Simulator
) -> None:
    router = make_router()
    ask(router, 2)
    with api(router).stream("GET", EVENTS) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        events = told(answer)
        name, status = next(events)
        StatusDocument.model_validate(status)
        assert (name, status["next"]) == ("status", {"default": "groq"})
        name, decisions = next(events)
        assert (name, [each["number"] for each in decisions["decisions"]]) == ("decisions", [2, 1])
        Decision.model_validate(decisions["decisions"][0])
        simulator.fault("groq", status=500, times=1)
        ask(router)
        until(events, lambda name, data: name == "status" and data["providers"][0]["status"] == "cooldown")
        fresh = until(events, lambda name, _: name == "decisions")["decisions"]
        assert [(each["number"], each["provider"]) for each in fresh] == [(3, "gemini")]


def test_an_empty_log_is_told_too(make_router: MakeRouter, api: Api) -> None:
    with api(make_router()).stream("GET", EVENTS) as answer:
        assert until(told(answer), lambda name, _: name == "decisions") == {"decisions": []}


def test_a_browser_is_told_to_come_back_after_a_second(make_router: MakeRouter, api: Api) -> None:
    with api(make_router()).stream("GET", EVENTS) as answer:
        assert next(answer.iter_lines()) == "retry: 1000"


def test_a_change_is_told_within_a_second(make_router: MakeRouter, api: Api) -> None:
    router = make_router()
    with api(router).stream("GET", EVENTS) as answer:
        events = told(answer)
        next(events)
        ask(router)
        asked = time.monotonic()
        until(events, lambda name, data: name == "status" and data["providers"][0]["usage_today"]["requests"] == 1)
        assert time.monotonic() - asked < 3  # One on a machine that has nothing else to do.


def test_it_works_under_a_prefix_and_as_a_sub_app(make_router: MakeRouter, serve: Serve) -> None:
    router = make_router()
    app, inner = FastAPI(), FastAPI()
    app.include_router(monitoring.router_for(router), prefix="/llm")
    inner.include_router(monitoring.router_for(router))
    app.mount("/inner", inner)
    client = serve(app)
    for prefix in ("/llm", "/inner"):
        with client.stream("GET", f"{prefix}{EVENTS}") as answer:
            assert next(told(answer))[0] == "status"


class Source:
    """A source that counts how often it is read."""

    def __init__(self) -> None:
        self.readings = 0
        self.decided = 0
        self.lost = False

    async def astatus(self) -> dict[str, Any]:
        self.readings += 1
        return {"generated_at": str(self.readings), "decided": self.decided}

    async def adecision_log(
        self, *, after: int = 0, last: int = 50, provider: str | None = None, outcome: str | None = None
    ) -> dict[str, Any]:
        newest = 1 if self.lost else self.decided
        after = 0 if after > newest else after
        return {"decisions": [{"number": number} for number in range(newest, max(after, newest - last), -1)]}

    @property
    def store(self) -> Store:
        raise NotImplementedError

    async def aconfig(self) -> Config:
        raise NotImplementedError

    async def areload(self) -> Reloaded:
        return Reloaded()

    async def achanges(self) -> dict[str, Any]:
        raise NotImplementedError

    async def ahistory(self, hours: int = 24) -> dict[str, Any]:
        raise NotImplementedError

    async def aexplain(
        self, model: str = "default", tokens: int = 1000, needs: Sequence[str] = (), agent: str | None = None
    ) -> dict[str, Any]:
        raise NotImplementedError

    async def areading(self) -> Reading:
        raise NotImplementedError


def feed_of(source: Source) -> Feed:
    async def read() -> Answer:
        return Answer.of(await source.astatus())

    return Feed(source, SharedReading(read, 0.0))


def numbers(part: bytes) -> list[int]:
    return [each["number"] for each in json.loads(part.split(b"data: ")[1])["decisions"]]


def test_fifty_who_listen_read_the_source_as_often_as_one() -> None:
    async def story() -> None:
        source = Source()
        feed = feed_of(source)
        streams = [feed.join().events() for _ in range(50)]
        for stream in streams:
            assert await anext(stream) == b"retry: 1000\n\n"
            assert (await anext(stream)).startswith(b"event: status\n")
            assert numbers(await anext(stream)) == []
        assert source.readings == 1
        source.decided = 1
        parts = [[await anext(stream), await anext(stream)] for stream in streams]
        assert source.readings == 2
        assert {numbers(part)[0] for _, part in parts} == {1}
        assert len({id(part) for _, part in parts}) == 1, "made once for all"

    asyncio.run(story())


def test_nobody_reads_when_nobody_listens() -> None:
    async def story() -> None:
        source = Source()
        feed = feed_of(source)
        listener = feed.join()
        await anext(listener.events())
        reader = feed._reader
        assert reader
        feed.leave(listener)
        await asyncio.wait({reader})
        assert reader.cancelled()
        again = feed.join().events()
        await anext(again)
        assert (await anext(again)).startswith(b"event: status\n")

    asyncio.run(story())


def test_who_listens_slowly_gets_the_newest_and_holds_up_nobody() -> None:
    async def story() -> None:
        source = Source()
        source.decided = 3
        feed = feed_of(source)
        slow, quick = feed.join().events(), feed.join().events()
        for stream in (slow, quick):
            for _ in range(3):
                await anext(stream)
        for _ in range(3):
            source.decided += KEPT // 2
            assert (await anext(quick)).startswith(b"event: status\n")
            assert len(numbers(await anext(quick))) == KEPT // 2
        status = await anext(slow)
        assert json.loads(status.split(b"data: ")[1])["decided"] == source.decided, "those between are left out"
        assert numbers(await anext(slow)) == list(range(source.decided, source.decided - KEPT, -1))

    asyncio.run(story())


def test_at_first_the_last_fifty_are_told() -> None:
    async def story() -> None:
        source = Source()
        source.decided = 400
        feed = feed_of(source)
        for _ in range(2):
            stream = feed.join().events()
            parts = [await anext(stream) for _ in range(3)]
            assert numbers(parts[2]) == list(range(400, 400 - FIRST, -1))

    asyncio.run(story())


def test_a_store_that_lost_everything_goes_on_from_one() -> None:
    async def story() -> None:
        source = Source()
        source.decided = 7
        stream = feed_of(source).join().events()
        for _ in range(3):
            await anext(stream)
        source.lost = True
        assert numbers(await anext(stream)) == [1]

    asyncio.run(story())


def test_a_source_that_fails_is_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Source):
        async def astatus(self) -> dict[str, Any]:
            status = await super().astatus()
            if self.readings == 1:
                raise RuntimeError("not now")
            return status

    async def story() -> None:
        stream = feed_of(Failing()).join().events()
        await anext(stream)
        assert (await anext(stream)).startswith(b"event: status\n")

    asyncio.run(story())
    assert "not now" in caplog.text


def test_one_who_takes_nothing_holds_up_nobody_and_nothing_is_kept_for_it(make_router: MakeRouter, api: Api) -> None:
    """It asks and never reads; the kernel's buffers fill, and its stream waits."""
    router = make_router()
    client = api(router)
    host, port = client.base_url.host, client.base_url.port
    with socket.create_connection((host, port)) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(f"GET {EVENTS} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        with client.stream("GET", EVENTS) as answer:
            events, newest = told(answer), 0
            for number in range(1, 4):
                ask(router)
                while newest < number:
                    told_now = until(events, lambda name, data: name == "decisions" and data["decisions"])
                    newest = told_now["decisions"][0]["number"]


YAML = """\
state: sqlite:///state.db
providers:
  groq: {api_key: os.environ/GROQ_API_KEY, limits: {rpm: 30}, models: [openai/gpt-oss-120b]}
"""

OF_A_USER = """
import contextlib, socket
import uvicorn
from fastapi import FastAPI
import monitoring
from router_config import load_config
from router_config.ledger.opening import open_store

config = load_config("litellm.yaml")
app = FastAPI()
app.include_router(monitoring.router_for(monitoring.ConfiguredSource(config, open_store(config.state))))
with socket.create_server(("127.0.0.1", 0)) as bound:
    print(f"Status page: http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with contextlib.suppress(KeyboardInterrupt):  # as uvicorn.run does
        server.run(sockets=[bound])
"""


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("how", ["router-config serve", "an app of a user"])
def test_a_server_ends_while_streams_are_open(start: Start, tmp_path: Path, how: str, ending: int) -> None:
    (tmp_path / "litellm.yaml").write_text(YAML, "utf-8")
    serve = ("-m", "router_config.cli", "serve", "--port", "0")
    command = start(*(serve if how == "router-config serve" else ("-c", OF_A_USER)), GROQ_API_KEY="a-key")
    opened, ended = threading.Barrier(4), list[bool]()

    def listen() -> None:
        with httpx.Client(base_url=client.base_url, timeout=PATIENCE) as mine, mine.stream("GET", EVENTS) as answer:
            events = told(answer)
            next(events)
            opened.wait(PATIENCE)
            for _ in events:
                pass
        ended.append(True)

    with command.client() as client:
        listeners = [threading.Thread(target=listen) for _ in range(3)]
        for each in listeners:
            each.start()
        opened.wait(PATIENCE)
        _, seconds = command.end(ending)
        for each in listeners:
            each.join(PATIENCE)
    assert ended == [True] * 3, "the streams ended as streams do"
    assert seconds < max(3, command.started_in)  # Within one, where nothing else runs on the machine.
    assert "Traceback" not in command.output, command.output
