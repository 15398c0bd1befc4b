"""Five providers that say one thing each: what the simulator answered once, replayed byte by byte.

A process of its own: `python -m benchmarks.costs.replay` prints the port. The simulator itself takes a millisecond for
an answer; this takes a fiftieth, so that it is never what a client waits for.
"""

import asyncio
import http.client
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Final, Self

from benchmarks.costs.setting import KINDS, PLENTY, PLENTY_OF_TOKENS, SHIPPED
from router_config.simulator import Simulator
from router_config.simulator.dialects import API_BASES

ROOT: Final = Path(__file__).resolve().parent.parent.parent
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_STREAMS: Final = re.compile(rb'"stream": *true')

Answers = dict[tuple[str, bool], tuple[bytes, ...]]
"""What is written, piece by piece, for each kind of provider, streaming or not."""


def record() -> Answers:
    """Ask each simulated provider once for an answer and once for a stream."""
    quota = {"rpm": PLENTY, "tpm": PLENTY_OF_TOKENS, "rpd": PLENTY, "tpd": PLENTY_OF_TOKENS}
    with Simulator(dict.fromkeys(KINDS, quota)) as simulator:
        return {(kind, stream): _ask(simulator.url, kind, stream) for kind in KINDS for stream in (False, True)}


def _ask(url: str, kind: str, stream: bool) -> tuple[bytes, ...]:
    path, body = f"{API_BASES[kind]}/chat/completions", _chat(kind, stream)
    if kind == "gemini":
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        path, body = f"{API_BASES[kind]}/models/{SHIPPED[kind]}:{method}", _gemini()
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    key = {"authorization": "Bearer fake-key", "x-goog-api-key": "fake-key"}
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json", **key})
    reply = connection.getresponse()
    said = reply.read()
    headers = [(name, value) for name, value in reply.getheaders() if name not in ("content-length", "connection")]
    connection.close()
    if not stream:
        return (_head([*headers, ("content-length", str(len(said)))]) + said,)
    events = [event + b"\n\n" for event in said.split(b"\n\n") if event]
    return (_head(headers), *(b"%x\r\n%s\r\n" % (len(event), event) for event in events), b"0\r\n\r\n")


def _chat(kind: str, stream: bool) -> dict[str, object]:
    messages = [{"role": "user", "content": "hello"}]
    return {"model": SHIPPED[kind], "messages": messages, "stream": stream, "stream_options": {"include_usage": True}}


def _gemini() -> dict[str, object]:
    return {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}


def _head(headers: list[tuple[str, str]]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 200 OK\r\n{lines}\r\n".encode("latin-1")


class Replaying(asyncio.Protocol):
    """One connection. GET /counts tells connections and answers so far, and CPU seconds of this process."""

    opened = 0
    answered: ClassVar[Counter[str]] = Counter()

    def __init__(self, answers: Answers) -> None:
        self._answers, self._unread = answers, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        Replaying.opened += 1
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n")) >= 0:
            head, length = self._unread[:end], _LENGTH.search(self._unread, 0, end)
            ends = end + 4 + (int(length[1]) if length else 0)
            if len(self._unread) < ends:
                return
            body, self._unread = self._unread[end + 4 : ends], self._unread[ends:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        path = head.split(b" ", 2)[1]
        if path == b"/counts":
            told = {"opened": Replaying.opened, "answered": Replaying.answered, "cpu": time.process_time()}
            counts = json.dumps(told).encode()
            self._transport.write(_head([("content-length", str(len(counts)))]) + counts)
            return
        stream = b"streamGenerateContent" in path or _STREAMS.search(body) is not None
        kind = path.split(b"/", 2)[1].decode()
        Replaying.answered[kind] += 1
        for piece in self._answers[kind, stream]:
            self._transport.write(piece)


async def serve() -> None:
    answers = record()
    server = await asyncio.get_running_loop().create_server(lambda: Replaying(answers), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class Replay:
    """The process, from the outside."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "benchmarks.costs.replay"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def counts(self) -> dict[str, Any]:
        """`opened`: connections so far, this one included. `answered`: by kind of provider. `cpu`: seconds used."""
        with urllib.request.urlopen(f"{self.url}/counts") as answer:
            return dict(json.load(answer))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, t: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()


if __name__ == "__main__":
    asyncio.run(serve())
