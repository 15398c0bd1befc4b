"""A provider that says what a test scripts, byte for byte: for what no simulator of a healthy API would send."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

ANSWER = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "played",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hold."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}, "service_tier": "on_demand",
}  # fmt: skip
GEMINIS = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hold."}]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 8, "candidatesTokenCount": 2, "totalTokenCount": 10},
    "modelVersion": "played", "responseId": "1",
}  # fmt: skip
ANTHROPICS = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "played",
    "content": [{"type": "text", "text": "Hold."}], "stop_reason": "end_turn", "stop_sequence": None,
    "usage": {"input_tokens": 8, "output_tokens": 2},
}  # fmt: skip
CHUNK = {
    "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "played",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hold."}, "finish_reason": None}],
}  # fmt: skip
LAST = {
    **CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10},
}  # fmt: skip


def events(*told: Any) -> bytes:
    """Server-sent events. An event with a `type` is named by it, as Anthropic does."""
    lines = []
    for each in told:
        named = f"event: {each['type']}\n" if isinstance(each, dict) and "type" in each else ""
        lines.append(f"{named}data: {each if isinstance(each, str) else json.dumps(each)}\n\n")
    return "".join(lines).encode()


FORMATS = {
    "groq": ANSWER, "openai": ANSWER, "openrouter": ANSWER, "together_ai": ANSWER, "gemini": GEMINIS,
    "anthropic": ANTHROPICS,
}  # fmt: skip
"""By LiteLLM's prefix, an answer in the provider's wire format."""

OPENAIS_STREAM = events(CHUNK, LAST, "[DONE]")
STREAMS = {
    **dict.fromkeys([*FORMATS, "nebius"], OPENAIS_STREAM),
    "gemini": events(GEMINIS),
    "anthropic": events(
        {"type": "message_start", "message": {**ANTHROPICS, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hold."}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": ANTHROPICS["usage"]},
        {"type": "message_stop"},
    ),
}
"""The same as a stream of events."""


@dataclass(frozen=True)
class Asked:
    """One request. connection: the number of the connection that it came over. before: requests over it until then.

    reset: have the connection end with a reset.
    """

    line: str
    headers: dict[str, str]
    body: bytes
    number: int
    connection: int
    before: int
    reset: Callable[[], None]


Script = Callable[[Asked], bytes | None]
"""The bytes of the answer; None closes the connection without a word."""


@dataclass
class Upstream:
    """address: without a path. asked: every request, in order. connections: how many were opened."""

    address: str
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0


def answer(
    body: Any = ANSWER, status: int = 200, headers: dict[str, str] | None = None, content_type: str = "application/json"
) -> bytes:
    """The bytes of an HTTP answer. body: bytes, or what becomes JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"content-type": content_type, "content-length": str(len(content)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value)
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode() + content


def _reset_at_the_end(connected: socket.socket) -> None:
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def upstream(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[Upstream]:
    """A server on loopback that keeps connections open, and answers by the script."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    running = Upstream(f"{'http' if tls is None else 'https'}://127.0.0.1:{listening.getsockname()[1]}")
    opened: set[socket.socket] = set()
    lock = threading.Lock()

    def serve(connected: socket.socket, number: int) -> None:
        with connected, connected.makefile("rb") as reading:
            before = 0
            while line := reading.readline():
                headers = {}
                while (header := reading.readline().strip()) != b"":
                    name, _, value = header.partition(b":")
                    headers[name.decode().lower()] = value.decode().strip()
                body = reading.read(int(headers.get("content-length", "0")))
                if headers.get("transfer-encoding") == "chunked":
                    while (size := int(reading.readline(), 16)) or reading.readline() == b"":
                        body += reading.read(size + 2)[:-2]
                with lock:
                    place = len(running.asked), number, before
                    asked = Asked(line.decode().strip(), headers, body, *place, partial(_reset_at_the_end, connected))
                    running.asked.append(asked)
                before += 1
                said = script(asked)
                if said is None:
                    break
                connected.sendall(said)
                if b"connection: close" in said[:500]:
                    break
        opened.discard(connected)

    def quietly(connected: socket.socket, number: int) -> None:
        with suppress(OSError, ValueError):  # The request may end in its midst.
            serve(connected if tls is None else tls.wrap_socket(connected, server_side=True), number)

    def accept() -> None:
        while True:
            try:
                connected, _ = listening.accept()
            except OSError:
                return
            running.connections += 1
            opened.add(connected)
            threading.Thread(target=quietly, args=(connected, running.connections), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield running
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for each in list(opened):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


PRICED = {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
"""Without a price LiteLLM reads every answer itself."""


def entry(prefix: str, address: str, name: str = "default", **info: Any) -> dict[str, Any]:
    """A model list's entry that asks an upstream in the wire format of a provider."""
    params = {"model": f"{prefix}/played", "api_key": "sk-simulated-secret-0123456789", "api_base": address}
    return {"model_name": name, "litellm_params": params, "model_info": {**PRICED, "rpm": 1000, **info}}
