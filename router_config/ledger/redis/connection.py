"""Calls of Lua scripts: one connection for each event loop; steps asked for at the same time go out together."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from weakref import WeakKeyDictionary

import redis
from redis.asyncio import Connection, ConnectionPool
from redis.exceptions import NoScriptError, RedisError, ResponseError

from router_config.forks import taken_for_forks
from router_config.ledger.interfaces import StoreError
from router_config.ledger.redis.scripts import Script

CONNECT: Final = 1.0
"""Seconds that connecting may take, name lookup and sign-in included."""

ANSWER: Final = 1.0
"""Seconds within which Redis must have answered."""

STARVED: Final = 0.2
"""Seconds more, from the moment at which this process notices that the time is up. An answer may have come while the
event loop was busy. It is read first, so that a busy process does not take the server for dead."""

TOGETHER: Final = 64
"""At most so many steps go out at once, so that none waits long for the others."""

Argument = bytes | str | int | float


@dataclass(slots=True)
class _Call:
    script: Script
    arguments: tuple[Argument, ...]
    reply: asyncio.Future[Any]


class Lines:
    """The lines of one store, by event loop. A forked process and every new loop get their own."""

    def __init__(self, url: str, prefix: str) -> None:
        try:
            self._pool = ConnectionPool.from_url(
                url, socket_connect_timeout=CONNECT, socket_timeout=None, decode_responses=False
            )
            self._pool.make_connection()  # type: ignore[no-untyped-call]
        except (ValueError, TypeError, RedisError) as error:
            raise StoreError(f"this is no URL of a Redis: {error}. Write redis://host:6379/0.") from None
        self._url = url
        options = self._pool.connection_kwargs
        self.address = options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
        self.address += " over TLS" if url.startswith("rediss:") else ""
        self._prefix = prefix
        self._lock = taken_for_forks(threading.Lock())
        self._pid = os.getpid()
        self._open: WeakKeyDictionary[asyncio.AbstractEventLoop, tuple[Line, AsyncGenerator[None]]]
        self._open = WeakKeyDictionary()
        self._inherited: list[object] = []

    async def here(self) -> "Line":
        """The line of the running event loop."""
        if self._pid != os.getpid():
            # The parent still uses its connections, and collecting them would close them.
            self._inherited.append(self._open)
            self._pid, self._open = os.getpid(), WeakKeyDictionary()
        loop = asyncio.get_running_loop()
        held = self._open.get(loop)
        if held is None:
            line = Line(self._pool, self._prefix, self.address)
            closing = _closing(line)
            held = line, closing
            with self._lock:
                self._open[loop] = held
            await anext(closing)
        return held[0]

    def first_call(self, step: Script, argument: Callable[[], bytes]) -> Any:
        """The reply to a step. It blocks: for the start of a process, when no event loop runs."""
        try:
            with redis.Redis.from_url(self._url, socket_connect_timeout=CONNECT, socket_timeout=ANSWER) as client:
                client.ping()
                return client.eval(step.text, 1, self._prefix, argument())
        except (RedisError, OSError, ValueError) as error:
            raise StoreError(f"Redis at {self.address} does not answer: {_told(error)}") from None

    async def aclose(self) -> None:
        """Close the connection of this loop, and have the others close theirs."""
        with self._lock:
            lines, self._open = list(self._open.items()), WeakKeyDictionary()
        for loop, (_, closing) in lines:
            if loop is asyncio.get_running_loop():
                await closing.aclose()
            elif loop.is_running():
                asyncio.run_coroutine_threadsafe(closing.aclose(), loop)


async def _closing(line: "Line") -> AsyncGenerator[None]:
    """Waits for the end of its event loop, which closes unfinished generators; there is no other sign of that end."""
    try:
        yield
    finally:
        await line.aclose()


class Line:
    """One connection. A call that its caller gives up is carried out all the same."""

    def __init__(self, pool: ConnectionPool, prefix: str, address: str) -> None:
        self._pool = pool
        self._prefix = prefix
        self._address = address
        self._waiting: list[_Call] = []
        self._sending: asyncio.Task[None] | None = None
        self._connection: Connection | None = None

    def call(self, script: Script, *arguments: Argument) -> asyncio.Future[Any]:
        """The reply to come. Raises StoreError, when awaited, where Redis did not answer or refused."""
        reply: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Call(script, arguments, reply))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        return reply

    async def aclose(self) -> None:
        if self._waiting and self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        if self._sending is not None:
            _, late = await asyncio.wait({self._sending}, timeout=ANSWER)
            for task in late:
                task.cancel()
                await asyncio.wait(late)
        await self._disconnect()

    async def _send_all(self) -> None:
        batch: list[_Call] = []
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                await self._send(batch)
        finally:
            # Cancelled with its event loop: what has not been sent yet is sent when the line is closed.
            self._sending = None
            _fail(batch, StoreError(f"the connection to Redis at {self._address} is closed"))

    async def _send(self, batch: list[_Call]) -> None:
        try:
            connection = self._connection or await self._connect()
            async with _within(ANSWER):
                replies = await self._exchange(connection, [("EVALSHA", call.script.sha, call) for call in batch])
                unknown = [call for call, reply in zip(batch, replies, strict=True) if isinstance(reply, NoScriptError)]
                if unknown:  # A new server, or one whose scripts were flushed; it ran none of these.
                    again = iter(
                        await self._exchange(connection, [("EVAL", each.script.text, each) for each in unknown])
                    )
                    replies = [next(again) if isinstance(reply, NoScriptError) else reply for reply in replies]
        except (RedisError, OSError, TimeoutError) as error:
            await self._disconnect()
            _fail(batch, StoreError(f"Redis at {self._address} does not answer: {_told(error)}"))
            return
        except BaseException:
            await self._disconnect()
            raise
        for call, reply in zip(batch, replies, strict=True):
            if call.reply.done():
                continue
            if isinstance(reply, ResponseError):
                refused = f"Redis at {self._address} refused the step {call.script.name}: {reply}"
                call.reply.set_exception(StoreError(refused))
            else:
                call.reply.set_result(reply)

    async def _exchange(self, connection: Connection, calls: Sequence[tuple[str, str, _Call]]) -> list[Any]:
        packed = [
            part
            for command, script, call in calls
            for part in connection.pack_command(command, script, 1, self._prefix, *call.arguments)
        ]
        await connection.send_packed_command(packed, check_health=False)
        return [await self._reply(connection) for _ in calls]

    async def _reply(self, connection: Connection) -> Any:
        try:
            return await connection.read_response()
        except ResponseError as error:
            return error

    async def _connect(self) -> Connection:
        connection: Connection = self._pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            async with _within(CONNECT):
                await connection.connect()  # type: ignore[no-untyped-call]
        except BaseException:
            await connection.disconnect(nowait=True)
            raise
        self._connection = connection
        return connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)


@asynccontextmanager
async def _within(seconds: float) -> AsyncGenerator[None]:
    """Raises TimeoutError where it takes longer, not counting what the event loop was kept from doing."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:
        noticed = loop.call_later(seconds, lambda: limit.reschedule(loop.time() + STARVED))
        try:
            yield
        finally:
            noticed.cancel()


def _fail(calls: Sequence[_Call], error: StoreError) -> None:
    for call in calls:
        if not call.reply.done():
            call.reply.set_exception(error)
            call.reply.exception()  # Its caller may have left; an error that nobody awaits would be logged.


def _told(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return f"no answer within {ANSWER:g} s"
    return str(error) or type(error).__name__
