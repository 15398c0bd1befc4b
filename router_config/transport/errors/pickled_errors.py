"""LiteLLM's errors between processes: they take more arguments than they keep, so pickle cannot make them again."""

import pickle
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, TypeVar
from weakref import ref

E = TypeVar("E", bound=BaseException)

REDUCE: Final = "__reduce_ex__"


def picklable(error: E) -> E:
    """The error, which pickle and copy can make again from now on: its class, texts and attributes."""
    if type(error).__module__ != "builtins" and type(error).__reduce__ is BaseException.__reduce__:
        setattr(error, REDUCE, partial(_reduced, ref(error)))
    return error


def _reduced(weak: "ref[BaseException]", protocol: int) -> tuple[Any, ...]:
    error = weak()
    if error is None:
        raise pickle.PicklingError("the error is gone")
    kept = {name: value for name, value in vars(error).items() if name != REDUCE and _can_be_pickled(value, protocol)}
    return _made_again, (type(error), error.args, kept)


def _made_again(kind: type[E], args: tuple[Any, ...], attributes: Mapping[str, Any]) -> E:
    error = kind.__new__(kind, *args)
    error.args = args
    vars(error).update(attributes)
    return picklable(error)


def _can_be_pickled(value: Any, protocol: int) -> bool:
    try:
        pickle.dumps(value, protocol)
    except Exception:  # A lock, a connection, a class of one function: whatever it is, the other process does without.
        return False
    return True
