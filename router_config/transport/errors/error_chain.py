"""What led to an error."""

from collections.abc import Iterator
from typing import Final

LONGEST_CHAIN: Final = 100


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything that led to it, outermost first."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        original = getattr(each, "original_exception", None)  # Of LiteLLM's MidStreamFallbackError.
        if isinstance(original, BaseException):
            waiting.append(original)
        waiting.extend((each.__context__, each.__cause__))


def first_cause(error: BaseException) -> BaseException:
    """The error that all others came of."""
    for _ in range(LONGEST_CHAIN):
        before = error.__cause__ or error.__context__
        if before is None:
            break
        error = before
    return error
