"""Whether memory grows: after many requests, and after many routers opened and closed."""

from collections.abc import Callable
from tempfile import TemporaryDirectory

from benchmarks.costs.replay import Replay
from benchmarks.costs.rows import Judged, Row
from benchmarks.costs.setting import Setting
from benchmarks.costs.worker import Worker

WARM_UP = 2000
AT_ONCE = 5000
"""Requests between two lines of progress."""


def memory(models: str, replay: Replay, requests: int, routers: int, say: Callable[[str], None]) -> Row:
    """Growth in MB since a warm-up of 2000 requests (600 before few) and five routers."""
    say(f"memory: {requests} requests, {routers} routers opened and closed")
    with TemporaryDirectory() as directory, Worker("ours", Setting("groq", replay.url, directory, models)) as client:
        client.do("burst", requests=WARM_UP if requests > WARM_UP else 600)  # More than are remembered.
        client.do("reopen", times=5)
        before = client.do("resident")
        for done in range(0, requests, AT_ONCE):
            client.do("burst", requests=min(AT_ONCE, requests - done))
            if requests > AT_ONCE:
                say(f"memory: {min(done + AT_ONCE, requests)} requests, {_mb(client.do('resident') - before):+.1f} MB")
        asked = client.do("resident")
        client.do("reopen", times=routers)
        reopened = client.do("resident")
    return Row(
        f"memory after {requests} requests and {routers} routers opened and closed",
        "MB",
        (
            Judged("growth by requests", _mb(asked - before)),
            Judged("growth by routers", _mb(reopened - asked)),
            Judged("growth", _mb(reopened - before), 5.0),
        ),
    )


def _mb(count: int) -> float:
    return count / 1e6
