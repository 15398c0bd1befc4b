"""A plan in a process of its own, so that it takes no time from the requests of this one.

The process is told the question on standard input, and tells lines: a word, and JSON. It ends when standard input does,
so that it outlives nobody who has started it.
"""

import json
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Literal

from router_config.planner.question import Question

PROGRAM: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    f"from {__name__} import answer_standard_input; answer_standard_input()"
)
NICE: Final = 10
"""Whoever asks providers goes first."""

Cause = Literal["refused", "cancelled", "failed"]


class PlanFailed(Exception):
    """There is no plan; the message says why. cause: the question, who asked, or the process."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(message)
        self.cause = cause


class PlanProcess:
    """A process that makes one plan. Call `kill`, or it goes on.

    told: how much of it is made, from 0 to 1. ended: when it has ended; then `result` gives the plan's JSON. Both are
    called on a thread of this object's.
    """

    def __init__(self, question: Question, told: Callable[[float], None], ended: Callable[[], None]) -> None:
        self._told, self._ended = told, ended
        self._found: tuple[bytes, bytes] | None = None
        self._killed = False
        # -P: the folder in which this process was started holds whatever it holds.
        command = [sys.executable, "-P", "-c", PROGRAM, json.dumps(sys.path)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        threading.Thread(target=self._run, args=(pickle.dumps(question),), name="plan", daemon=True).start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def kill(self) -> None:
        """End it, if it has not ended."""
        self._killed = True
        self._process.kill()

    def result(self) -> bytes:
        """The JSON of the plan, once it has ended. Raises PlanFailed."""
        word, content = self._found or (b"", b"")
        if word == b"plan":
            return content
        if word == b"refused":
            raise PlanFailed("refused", json.loads(content))
        if word == b"failed":
            raise PlanFailed("failed", json.loads(content))
        if self._killed:
            raise PlanFailed("cancelled", "the plan was cancelled")
        raise PlanFailed("failed", f"the process that made the plan ended with code {self._process.returncode}")

    def _run(self, question: bytes) -> None:
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        try:
            pipe_in.write(question)
            pipe_in.flush()
            for line in pipe_out:
                word, _, content = line.rstrip(b"\n").partition(b" ")
                if word == b"progress":
                    self._told(float(content))
                else:
                    self._found = word, content
        except OSError:  # It has ended before it was told all.
            pass
        finally:
            self._process.kill()
            self._process.wait()
            pipe_out.close()
            with suppress(OSError):
                pipe_in.close()
            self._ended()


def answer_standard_input() -> None:
    """What the process does. It does not come back."""
    output = os.dup(1)
    os.dup2(2, 1)  # Whatever is printed by others is no line of ours.
    question = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    if hasattr(os, "nice"):
        os.nice(NICE)

    def tell(word: str, content: str) -> None:
        line = memoryview(f"{word} {content}\n".encode())
        while line:
            line = line[os.write(output, line) :]

    try:
        tell("plan", _made(question, lambda share: tell("progress", f"{share:.4f}")))
    except BrokenPipeError:
        pass
    except Exception as error:
        from router_config.config.models import ConfigError

        if isinstance(error, ConfigError):
            tell("refused", json.dumps(str(error)))
        else:
            tell("failed", json.dumps(f"the plan could not be made: {type(error).__name__}: {error}"))
    os._exit(0)  # The thread that reads standard input would hold up any other end.


def _end_with_standard_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


def _made(question: Question, progress: Callable[[float], None]) -> str:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from router_config.iso import iso
    from router_config.planner.document import document
    from router_config.planner.planning import plan
    from router_config.planner.wording import first_line, rounded

    began = time.monotonic()
    begins = datetime.fromtimestamp(question.now, ZoneInfo(question.timezone)).date()
    made = plan(
        question.config,
        question.loads,
        question.days,
        begins=begins,
        timezone=question.timezone,
        latency=question.latency,
        progress=progress,
    )
    took = time.monotonic() - began
    about = {
        "asked": question.asked,
        "made_at": iso(question.now + took),
        "seconds": round(took, 1),
        "simulated": question.simulated,
    }
    amount = question.amount or f"{rounded(made.tokens_per_day)} tokens a day"
    told = first_line(made, question.config, amount)
    return json.dumps({**document(made, told, question.remarks), **about}, separators=(",", ":"))
