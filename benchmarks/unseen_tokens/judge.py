"""Three providers that judge by exact rolling minutes from each request's arrival. It shares no code with the router.

What they charge for a prompt is `added` tokens and `factor` for every 3.5 characters; and all of max_tokens at arrival.
"""

import asyncio
import json
import math
import random
import sys
import time
from collections import deque
from typing import Any, Final

LIMITS: Final[dict[str, dict[str, int]]] = {
    "first": {"rpm": 30},
    "second": {"rpm": 60},
    "third": {"rpm": 50, "tpm": 1500},
}
LATENCY: Final = (0.05, 0.8)
CHARACTERS: Final = 3.5


def charge(prompt: str, added: int, factor: float) -> int:
    """Tokens that a provider counts for a prompt."""
    return added + math.ceil(factor * len(prompt) / CHARACTERS)


class Window:
    """Requests and tokens of the last minute at one provider."""

    def __init__(self, limits: dict[str, int]) -> None:
        self.limits = limits
        self.held: deque[tuple[float, int]] = deque()
        self.admitted = self.answered = 0
        self.refused: list[tuple[float, int]] = []
        """When each request was refused, and how many had been answered in full by then."""

    def admits(self, tokens: int, now: float) -> bool:
        while self.held and self.held[0][0] <= now - 60.0:
            self.held.popleft()
        used = sum(each for _, each in self.held)
        fits = len(self.held) < self.limits["rpm"] and used + tokens <= self.limits.get("tpm", math.inf)
        if fits:
            self.held.append((now, tokens))
            self.admitted += 1
        else:
            self.refused.append((now, self.answered))
        return fits


class Judge:
    """times: seconds of the load in one second of the machine. began: epoch seconds at which both clocks agree."""

    def __init__(self, added: int, factor: float, times: float, began: float) -> None:
        self.added, self.factor, self.times, self.began = added, factor, times, began
        self.windows = {name: Window(limits) for name, limits in LIMITS.items()}
        self._chance = random.Random(5)

    def now(self) -> float:
        return self.began + (time.time() - self.began) * self.times

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection, one after the other."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                _, path, _ = lines[0].split(" ")
                fields = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                await self._answer(path.strip("/").split("/")[0], body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, name: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        if name == "report":
            told = {name: [each.admitted, each.refused] for name, each in self.windows.items()}
            return await _send(writer, 200, told)
        asked = json.loads(body)
        prompt = charge(asked["messages"][-1]["content"], self.added, self.factor)
        tokens = asked["max_tokens"]
        if name in self.windows and not self.windows[name].admits(prompt + tokens, self.now()):
            error = {"message": "Rate limit reached", "type": "tokens", "code": "rate_limit_exceeded"}
            return await _send(writer, 429, {"error": error})
        await asyncio.sleep(self._chance.uniform(*LATENCY) / self.times)
        if name in self.windows and not asked.get("stream"):
            self.windows[name].answered += not writer.is_closing()
        usage = {"prompt_tokens": prompt, "completion_tokens": tokens, "total_tokens": prompt + tokens}
        common = {"id": "one", "created": 1, "model": asked["model"]}
        if not asked.get("stream"):
            message = {"role": "assistant", "content": "word " * tokens}
            choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
            return await _send(writer, 200, {**common, "object": "chat.completion", "choices": choices, "usage": usage})
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "word "}, *[{"content": "word "}] * 4, {}]
        for place, delta in enumerate(deltas):
            choice = {"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}
            await _event(writer, {**common, "object": "chat.completion.chunk", "choices": [choice]})
            await asyncio.sleep(0.05 * place / self.times)
        await _event(writer, {**common, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        writer.write(b"data: [DONE]\n\n")
        await writer.drain()
        writer.close()


async def _event(writer: asyncio.StreamWriter, document: dict[str, Any]) -> None:
    writer.write(b"data: " + json.dumps(document).encode() + b"\n\n")
    await writer.drain()


async def _send(writer: asyncio.StreamWriter, status: int, document: Any) -> None:
    body = json.dumps(document).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def main() -> None:
    """Serve until killed. Arguments: added, factor, times, began. Prints its port."""
    judge = Judge(int(sys.argv[1]), *map(float, sys.argv[2:5]))
    server = await asyncio.start_server(judge.serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
