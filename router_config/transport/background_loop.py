"""One event loop in a thread of its own, on which synchronous calls run.

LiteLLM's synchronous Router makes a new event loop for each call, and with it new connections (50 calls opened 31);
one loop keeps them.
"""

import asyncio
import concurrent.futures
import sys
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, TypeVar
from weakref import WeakSet

from router_config.forks import in_forked_child, taken_for_forks

T = TypeVar("T")

MOMENT: Final = 0.1
"""Seconds for which a dropped loop still runs."""

_THREADS: WeakSet[threading.Thread] = WeakSet()


def on_background_loop() -> bool:
    """Whether the calling thread is that of any BackgroundLoop."""
    return threading.current_thread() in _THREADS


class BackgroundLoop:
    """Started at its first use, stopped by `close()` or when it is dropped; a fork starts its own."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = taken_for_forks(threading.RLock())  # A finalizer may submit while this very thread holds it.
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._inherited: list[object] = []
        in_forked_child(self._leave_to_the_parent)

    @property
    def is_here(self) -> bool:
        """Whether the calling thread is the loop's own."""
        return threading.current_thread() is self._thread

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start `work` on the loop, in a copy of the caller's context. Raises RuntimeError at the interpreter's end."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._running())
        except RuntimeError:
            work.close()
            raise

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` on the loop and wait for its result; an interrupt of the caller cancels it.

        Raises RuntimeError on the loop's own thread, where waiting would never end.
        """
        if self.is_here:
            work.close()
            raise RuntimeError(
                "a synchronous call inside an asynchronous callback would wait for itself; await the async one"
            )
        future = self.submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def submit_quietly(self, work: Coroutine[Any, Any, None]) -> None:
        """Start `work` if that is still possible, as from a finalizer; at the interpreter's end it is not."""
        try:
            self.submit(work)
        except RuntimeError:
            work.close()

    def close(self) -> None:
        """Cancel what still runs and end the thread. The next call starts another."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        if thread is not threading.current_thread():
            thread.join(timeout=5)

    def __del__(self) -> None:
        """Nobody can submit any more but finalizers that run right now: what they submit gets a moment."""
        loop = self.__dict__.get("_loop")
        if loop is None or sys.is_finalizing():
            return
        with suppress(RuntimeError):  # It is closed.
            loop.call_soon_threadsafe(loop.call_later, MOMENT, loop.stop)

    def _leave_to_the_parent(self) -> None:
        self._inherited += self._loop, self._thread  # Collecting them would close what the parent uses.
        self._loop = self._thread = None

    def _running(self) -> asyncio.AbstractEventLoop:
        if sys.is_finalizing():
            # A finalizer runs: no thread starts or goes on any more, so waiting for one would never end.
            raise RuntimeError("the interpreter is ending")
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_serve, args=(self._loop,), name=self._name, daemon=True)
                _THREADS.add(self._thread)
                self._thread.start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    helpers = ThreadPoolExecutor(thread_name_prefix="router-config")
    loop.set_default_executor(helpers)
    try:
        loop.run_forever()
    finally:
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        helpers.shutdown(wait=False, cancel_futures=True)
        loop.close()
