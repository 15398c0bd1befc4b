"""How the store of a test fails, each until the block ends: locked, full, frozen, gone."""

import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rig_redis import RedisServer


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the file."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """The file cannot grow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(f"{path}-wal"), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def frozen(server: RedisServer) -> Iterator[None]:
    """It answers nobody."""
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


@contextmanager
def gone(server: RedisServer) -> Iterator[None]:
    """It comes back empty."""
    server.stop()
    yield
    server.start()
