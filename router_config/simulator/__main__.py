"""The simulator from the command line: `python -m router_config.simulator`."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from router_config.simulator.http.server import HOST
from router_config.simulator.options import OptionsError
from router_config.simulator.quotas.limits import REFERENCE, LimitsError
from router_config.simulator.simulator import Simulator, env_at

_DESCRIPTION = "Five simulated LLM providers on loopback, each with its own wire format and real quotas."
_EXAMPLES = """\
examples:
  %(prog)s                                    the reference limits on port 8899
  %(prog)s --latency 50-800                   answers take 50 to 800 ms
  %(prog)s --limits limits.json               {"groq": {"rpm": 30, "models": {"some-model": {"tpm": 8000}}}}
  %(prog)s --no-limits --answer "Hold."       no quotas, always the same answer
  eval "$(%(prog)s --print-env)"              aim LiteLLM at a simulator on port 8899

Everything else is controlled over HTTP while it runs: open http://127.0.0.1:8899/ for a help.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run until interrupted. Returns the exit code: 0 ended by the user, 2 wrong usage or a busy port."""
    wanted = _parser().parse_args(argv)
    try:
        simulator = Simulator(
            {} if wanted.no_limits else _limits(wanted.limits),
            port=wanted.port,
            own_ports=wanted.own_ports,
            freeze=wanted.freeze,
            seed=wanted.seed,
            latency_ms=wanted.latency,
            answer=wanted.answer,
            answer_tokens=wanted.answer_tokens,
        )
        if wanted.print_env:
            for name, value in env_at(f"http://{HOST}:{wanted.port}").items():
                print(f"export {name}={value}")
            return 0
        simulator.start()
    except (LimitsError, OptionsError) as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"port {wanted.port} cannot be used: {error.strerror}. Choose another with --port.")
    _run_until_interrupted(simulator)
    return 0


def _run_until_interrupted(simulator: Simulator) -> None:
    interrupted = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: interrupted.set())
    print(f"simulated providers at {simulator.url} (help: curl {simulator.url}/), Ctrl-C ends them", flush=True)
    for name, value in simulator.env().items():
        print(f"  {name}={value}", flush=True)
    interrupted.wait()
    simulator.stop()


def _limits(path: Path | None) -> Any:
    if path is None:
        return REFERENCE
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LimitsError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise LimitsError(f"{path}: not JSON: {error}") from None
    if not isinstance(given, dict):
        raise LimitsError(f'{path}: expected an object such as {{"groq": {{"rpm": 30}}}}')
    return given


def _complain(message: str) -> int:
    print(f"simulator: {message}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m router_config.simulator",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--port",
        type=int,
        default=8899,
        help="port of all providers and the controls (default 8899; 0: a free one)",
    )
    add(
        "--own-ports",
        action="store_true",
        help="besides, a port for each provider, which `refused` really closes",
    )
    add("--limits", type=Path, metavar="FILE", help="JSON file of limits (default: the reference limits)")
    add("--no-limits", action="store_true", help="no quotas at all")
    add("--latency", default="0", metavar="MS", help="milliseconds before an answer, such as 200 or 50-800")
    add("--answer", metavar="TEXT", help="what every model says")
    add("--answer-tokens", type=int, default=40, metavar="N", help="length of the usual answer (default 40)")
    add("--freeze", action="store_true", help="the clock moves only when told over HTTP")
    add("--seed", type=int, default=0, help="of latencies and of faults that hit a share of the requests")
    add("--print-env", action="store_true", help="print the variables that aim LiteLLM at --port, and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
