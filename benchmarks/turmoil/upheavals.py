"""What befalls the callers' processes and their store, one after another: killed, forked, a file gone, a clock set."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

EVERY: Final = 6.0
"""Seconds from one to the next."""

LASTS: Final = 1.5
"""Seconds for which a disk is full, or a server away."""


class Told(Protocol):
    """A process of callers that takes orders, a line each."""

    def say(self, line: str) -> None: ...


class Server(Protocol):
    """A server of the store that can be ended, and started again without what it held."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Upheaval:
    """One kind: what to do to the process of this number."""

    name: str
    happens: Callable[[int], None]


class Upheavals(threading.Thread):
    """Thrown in a thread of their own, for some take seconds; every kind is dealt before any comes again.

    callers: the processes. restart: ends one at once and starts another in its place. state: the SQLite file, or none.
    server: the Redis server, or none.
    """

    def __init__(
        self,
        seed: int,
        seconds: float,
        callers: Sequence[Told],
        restart: Callable[[int], None],
        state: Path | None,
        server: Server | None,
    ) -> None:
        super().__init__(daemon=True)
        self._chance = random.Random(seed)
        self._until = time.monotonic() + seconds
        self._callers, self._restart = callers, restart
        self._state, self._server = state, server
        self._stopped = threading.Event()
        self.happened: list[tuple[float, str]] = []

    def run(self) -> None:
        for each in self._dealt():
            if self._stopped.wait(EVERY) or time.monotonic() > self._until - EVERY:
                return
            self.happened.append((time.time(), each.name))
            each.happens(self._chance.randrange(len(self._callers)))

    def stop(self) -> None:
        """No more of them; waits for the one that happens now."""
        self._stopped.set()
        self.join(60.0)

    def kinds(self) -> list[Upheaval]:
        found = [
            Upheaval("kill -9 and restart", self._restart),
            Upheaval("fork", self._order("fork")),
            Upheaval("wall clock an hour ahead", self._clock(3600)),
            Upheaval("wall clock a day back", self._clock(-86_400)),
        ]
        if self._state is not None:
            found += [
                Upheaval("state file deleted", lambda _: self._delete()),
                Upheaval("state file truncated", lambda _: self._write(b"")),
                Upheaval("state file overwritten", lambda _: self._write(b"no database at all. " * 400)),
                Upheaval("disk full", self._order("disk full", "disk free")),
            ]
        if self._server is not None:
            found.append(Upheaval("Redis killed and restarted", lambda _: self._bounce()))
        return found

    def _dealt(self) -> Iterator[Upheaval]:
        while True:
            kinds = self.kinds()
            yield from self._chance.sample(kinds, len(kinds))

    def _order(self, first: str, then: str = "") -> Callable[[int], None]:
        def happens(number: int) -> None:
            self._callers[number].say(first)
            if then:
                time.sleep(LASTS)
                self._callers[number].say(then)

        return happens

    def _clock(self, ahead: int) -> Callable[[int], None]:
        """Processes of one machine, which share a file, have one clock; those of several, on a Redis, one each."""

        def happens(number: int) -> None:
            told = self._callers if self._server is None else [self._callers[number]]
            for seconds in (ahead, 0):
                for each in told:
                    each.say(f"wall {seconds}")
                if seconds:
                    time.sleep(LASTS)

        return happens

    def _delete(self) -> None:
        assert self._state is not None
        for each in self._state.parent.glob(f"{self._state.name}*"):
            each.unlink(missing_ok=True)

    def _write(self, content: bytes) -> None:
        assert self._state is not None
        with open(self._state, "r+b") as file:
            file.write(content)
            file.truncate(len(content))

    def _bounce(self) -> None:
        assert self._server is not None
        self._server.stop()
        time.sleep(LASTS)
        self._server.start()
