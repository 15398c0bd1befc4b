"""Steps of a store of this process, taken without an event loop."""

from collections.abc import Coroutine
from typing import Any, TypeVar, cast

T = TypeVar("T")


def done(step: Coroutine[Any, Any, T]) -> T:
    """What a step gives: it never waits for anything."""
    try:
        step.send(None)
    except StopIteration as end:
        return cast(T, end.value)
    raise AssertionError("a step of the memory store waited")
