"""Forks: the child has only the thread that forked, so what other threads were about must be whole, and is not its own.

Our locks are taken before a fork and released after it on both sides. So no child finds one locked for ever, or data
that another thread was changing.
"""

import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import _bootstrap
from typing import Any, Final, TypeVar
from weakref import ReferenceType, WeakMethod, ref

L = TypeVar("L")

PATIENCE: Final = 1.0
"""Seconds that a fork waits for one lock. Longer than any step holds one; a fork must never wait for ever."""

Reference = ReferenceType[Any]

_forking = threading.Lock()
_locks: dict[int, Reference] = {}
_before: dict[int, Reference] = {}
_in_child: dict[int, Reference] = {}
_taken: list[Any] = []
_late: list[Any] = []


def taken_for_forks(lock: L) -> L:
    """The same lock, which a fork takes first. Nobody may fork who holds it."""
    _keep(_locks, ref(lock))
    return lock


def before_forks(method: Callable[[], None]) -> None:
    """Call a bound method in the parent before each fork, when all locks are taken, for as long as its object lives."""
    _keep(_before, WeakMethod(method))


def in_forked_child(method: Callable[[], None]) -> None:
    """Call a bound method in each child first of all, for as long as its object lives."""
    _keep(_in_child, WeakMethod(method))


def _keep(references: dict[int, Reference], reference: Reference) -> None:
    dead = [name for name, each in list(references.items()) if each() is None] if len(references) % 64 == 63 else ()
    for name in dead:
        references.pop(name, None)
    references[id(reference)] = reference


def _call_all(references: dict[int, Reference]) -> None:
    for reference in list(references.values()):
        method = reference()
        if method is not None:
            method()


def _about_to_fork() -> None:
    _forking.acquire()
    for reference in list(_locks.values()):
        lock = reference()
        if lock is not None:
            (_taken if lock.acquire(timeout=PATIENCE) else _late).append(lock)
    _call_all(_before)


def _release() -> None:
    for lock in reversed(_taken):
        lock.release()
    _taken.clear()
    _late.clear()
    _forking.release()


def _forget_imports_of_others() -> None:
    """Let the child import anew what another thread was importing: Python leaves the lock of such a module held."""
    locks: dict[str, Any] = getattr(_bootstrap, "_module_locks", {})
    for name, reference in list(locks.items()):
        if getattr(reference(), "owner", None) not in (None, threading.get_ident()):
            locks.pop(name, None)
            if getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False):
                sys.modules.pop(name, None)


def _forked() -> None:
    _forget_imports_of_others()
    for lock in _late:
        with suppress(AttributeError):
            lock._at_fork_reinit()  # As threading does with its own.
    try:
        _call_all(_in_child)
    finally:
        _release()


os.register_at_fork(before=_about_to_fork, after_in_parent=_release, after_in_child=_forked)
