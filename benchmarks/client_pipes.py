"""What is said to a client process, and what it answers: JSON, a line each; and to the person who waits."""

import json
import subprocess
import sys
import time
from typing import Any


def tell(process: "subprocess.Popen[str]", what: dict[str, Any]) -> None:
    """Send one line of JSON."""
    assert process.stdin is not None
    process.stdin.write(json.dumps(what) + "\n")
    process.stdin.flush()


def answer_of(process: "subprocess.Popen[str]") -> str:
    """Its next line. Ends the benchmark where the process has ended."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise SystemExit(f"{process.args!r} ended early with code {process.wait()}; run it alone to see why")
    return line


def say(text: str) -> None:
    """Progress, with the time, where it does not mix with the figures."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
