"""What a command says to the person at the terminal, and how it ends when that person has had enough."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator


def say(text: str) -> None:
    """A line of output, at once; one who has closed it misses nothing."""
    with contextlib.suppress(BrokenPipeError):
        print(text, flush=True)


def warn(text: str) -> None:
    """A line that is not part of the output."""
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def quiet_end() -> Iterator[None]:
    """Ctrl-C and SIGTERM leave the block without a traceback."""
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
    """Within it, on an event loop, Ctrl-C and SIGTERM set the event and interrupt nothing."""
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
