"""The command `router-config`.

Each command is a module of `commands`, with a function of its name. It is imported when it runs, so that the quick
commands are quick: LiteLLM takes seconds to import.
"""

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from router_config.cli.arguments import parser

FINE, NO, WRONG = 0, 1, 2
_INTERRUPTED, _NOBODY_READS = 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 fine, 1 the answer is no, 2 wrong usage or file."""
    _open_standard_streams()
    try:
        arguments = parser().parse_args(argv)
        command = import_module(f"{__name__}.commands.{arguments.command}")
        code: int = getattr(command, arguments.command)(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Python flushes stdout once more when it exits, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    except Exception as error:
        if not _is_expected(error):
            raise
        print(_message(error), file=sys.stderr)
        return WRONG


def _open_standard_streams() -> None:
    """Whoever starts a command with one closed wants no output, and no error for it either."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


def _is_expected(error: Exception) -> bool:
    from router_config.config.models import ConfigError
    from router_config.ledger.interfaces import StoreError
    from router_config.presets.lookup import UnknownPreset

    return isinstance(error, ConfigError | StoreError | UnknownPreset | OSError)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"router-config: {where}{error.strerror}"
    return str(error)
