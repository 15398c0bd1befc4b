"""Follows files by looking at them twice a second, on one thread of the process.

Looking at two files costs microseconds. It needs no package, sees the swap of a ConfigMap's links, and works where
inotify tells nothing: network file systems, and folders that a container shares with its host.
"""

import os
import queue
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final
from weakref import WeakMethod

from router_config.forks import in_forked_child, taken_for_forks

EVERY: Final = 0.5
"""Seconds between two looks. A file that changes is read when it has been still for one look."""

Stamp = tuple[tuple[int, int, int] | None, ...]
"""Time, size and inode of each file, by which a change is seen; None for a file that is not there."""


def stamp_of(path: Path) -> Stamp:
    """Of a configuration and the `.env` beside it, where their links lead."""
    return tuple(_stamp_of(each) for each in (path, path.parent / ".env"))


class FileWatch:
    """Calls a method, on the watching thread, whenever a configuration or the `.env` beside it has changed.

    It ends with the method's object. seen: the files as they were when they were read. by_itself: False calls it at a
    SIGHUP alone.
    """

    def __init__(self, path: Path, seen: Stamp, changed: Callable[[], Any], *, by_itself: bool = True) -> None:
        self.by_itself = by_itself
        self._path, self._changed = path, WeakMethod(changed)
        self._seen, self._moving = seen, seen
        _WATCHER.add(self)

    def look(self, *, at_once: bool = False) -> bool:
        """Whether it goes on. at_once: a file that may still be written is read, too."""
        changed = self._changed()
        if changed is None:
            return False
        if not (self.by_itself or at_once):
            return True
        stamp = stamp_of(self._path)
        still, self._moving = stamp == self._moving, stamp
        if at_once or (still and stamp != self._seen):
            self._seen = stamp
            changed()
        return True

    def read(self, stamp: Stamp) -> None:
        """The files were read by somebody else, as they were then."""
        self._seen = stamp

    def stop(self) -> None:
        _WATCHER.remove(self)


class _Watcher:
    """The one thread. It ends when nobody follows a file any more."""

    def __init__(self) -> None:
        self.has_terminal = False
        self._lock = taken_for_forks(threading.Lock())
        self._watches: list[FileWatch] = []
        self._thread: threading.Thread | None = None
        self._hung_up: queue.SimpleQueue[None] = queue.SimpleQueue()  # Its put may interrupt itself; Event.set may not.
        in_forked_child(self._go_on_in_the_child)

    def add(self, watch: FileWatch) -> None:
        with self._lock:
            self._watches.append(watch)
            if self._thread is None:
                self._start()
        listen_for_sighup()

    def remove(self, watch: FileWatch) -> None:
        with self._lock:
            self._watches = [each for each in self._watches if each is not watch]

    def look_at_once(self, signum: int, _: FrameType | None) -> None:
        """The handler of SIGHUP. It still ends a process whose terminal is closed, or that follows no file any more."""
        if self._thread is None or (self.has_terminal and not _has_terminal()):
            signal.signal(signum, signal.SIG_DFL)
            signal.raise_signal(signum)
        elif self._hung_up.empty():
            self._hung_up.put(None)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="router-config files", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            at_once = self._asked_within(EVERY)
            over = [each for each in self._watches if not each.look(at_once=at_once)]
            with self._lock:
                self._watches = [each for each in self._watches if each not in over]
                if not self._watches:
                    self._thread = None
                    return

    def _asked_within(self, seconds: float) -> bool:
        try:
            self._hung_up.get(timeout=seconds)
        except queue.Empty:
            return False
        return True

    def _go_on_in_the_child(self) -> None:
        self._hung_up = queue.SimpleQueue()
        self._thread = None
        if self._watches:
            self._start()


_WATCHER: Final = _Watcher()


def listen_for_sighup() -> None:
    """SIGHUP has the files read on the spot, unless the process does something else at it.

    Only the main thread may say so; in others this does nothing.
    """
    hangup = getattr(signal, "SIGHUP", None)  # Not on Windows.
    if hangup is None or threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(hangup) is signal.SIG_DFL:
        _WATCHER.has_terminal = _has_terminal()
        signal.signal(hangup, _WATCHER.look_at_once)


def _has_terminal() -> bool:
    """Whether the process was started from a terminal that is still there."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
