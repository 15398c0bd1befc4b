"""A provider with a wire format that the simulator does not play: Anthropic's messages, over HTTP on loopback."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WORDS = ("Hold", " the", " line", ".")
USAGE = {"input_tokens": 12, "output_tokens": 8}
ANSWER = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-test",
    "content": [{"type": "text", "text": "".join(WORDS)}], "stop_reason": "end_turn", "stop_sequence": None,
    "usage": USAGE,
}  # fmt: skip


def _events(usage: dict[str, int]) -> Iterator[tuple[str, dict[str, Any]]]:
    begun = {**ANSWER, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield "message_start", {"message": begun}
    yield "content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}
    for word in WORDS:
        yield "content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": word}}
    yield "content_block_stop", {"index": 0}
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    yield "message_delta", {"delta": delta, "usage": usage}
    yield "message_stop", {}


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        streams, usage = asked.get("stream") is True, getattr(self.server, "usage", USAGE)
        lines = [f"event: {name}\ndata: {json.dumps({'type': name, **event})}\n\n" for name, event in _events(usage)]
        until = getattr(self.server, "until", None)
        body = "".join(lines[:until]) if streams else json.dumps({**ANSWER, "usage": usage})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streams else "application/json")
        if until is None:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
        with suppress(OSError):
            for _ in range(getattr(self.server, "pings", 0)):
                self.wfile.write(b'event: ping\ndata: {"type": "ping"}\n\n')
                self.wfile.flush()
                time.sleep(0.05)

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def anthropic(*, until: int | None = None, pings: int = 0, usage: dict[str, int] = USAGE) -> Iterator[str]:
    """Its address. until: how many events of a stream come. pings: how many follow, one each 50 ms. usage: reported."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.__dict__.update(until=until, pings=pings, usage=usage)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
