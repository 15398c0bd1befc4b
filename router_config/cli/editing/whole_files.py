"""Files of a user that a command writes: whole at any moment, their owner's, and by one command at a time."""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from router_config.config.models import ConfigError


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Within it no other command writes into a folder. Where folders cannot be locked, without a lock."""
    with contextlib.ExitStack() as opened:
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            handle = os.open(folder, os.O_RDONLY)
            opened.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def replace_file(target: Path, text: str, shown: Path, *, private: bool) -> None:
    """Another text in the place of a file. private: only its owner may read it; else as before.

    shown: the path as the user gave it. Raises ConfigError where it cannot be written, and the file is as it was.
    """
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # Made with mode 0600.
        with open(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
            _keep_owner(target, file.fileno(), mode=not private)
        os.replace(temporary, target)
        temporary = None
        _sync_folder(target.parent)
    except OSError as error:
        raise ConfigError(f"{shown}: cannot be written ({error.strerror})\n  Make its folder writable.") from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def _keep_owner(target: Path, handle: int, *, mode: bool) -> None:
    with contextlib.suppress(OSError, AttributeError):
        there = target.stat()
        if mode:
            os.fchmod(handle, stat.S_IMODE(there.st_mode))
        if (there.st_uid, there.st_gid) != (os.getuid(), os.getgid()):
            os.fchown(handle, there.st_uid, there.st_gid)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
