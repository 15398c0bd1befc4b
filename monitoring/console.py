"""Output of the commands, and how Ctrl-C and SIGTERM end them."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator


def say(text: str) -> None:
    """Print a line at once. A closed output is no error."""
    with contextlib.suppress(BrokenPipeError):
        print(text, flush=True)


def warn(text: str) -> None:
    """Print a line on stderr."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def quiet_end() -> Iterator[None]:
    """Within it Ctrl-C and SIGTERM end the block without a traceback."""
    ended = False

    def end(*_: object) -> None:
        nonlocal ended
        ended = True
        raise KeyboardInterrupt

    try:
        before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread, which alone gets signals
        yield
        return
    try:
        yield
    except BaseException:
        # Whatever it is: raised amid an import, an interrupt comes out as an error of the module that was imported.
        if not ended:
            raise
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextlib.contextmanager
def ending_at_signal() -> Iterator[asyncio.Event]:
    """Within it, on an event loop, Ctrl-C and SIGTERM set the event that it gives, and interrupt nothing."""
    loop, ending = asyncio.get_running_loop(), asyncio.Event()
    caught: list[signal.Signals] = []
    for each in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError, RuntimeError):  # as above
            loop.add_signal_handler(each, ending.set)
            caught.append(each)
    try:
        yield ending
    finally:
        for each in caught:
            loop.remove_signal_handler(each)
