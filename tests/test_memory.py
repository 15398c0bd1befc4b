"""Nothing is kept of a request or a router that has ended. The full figures are in benchmarks/overhead.py."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.costs.replay import Replay
from benchmarks.costs.setting import Setting
from benchmarks.costs.worker import Worker
from router_config.ledger.rules.decisions import DECISIONS_KEPT

REQUESTS = 400
ROUTERS = 10

pytestmark = pytest.mark.measured


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Worker]:
    """A process with our Router that has asked often enough for all that is kept of the last requests to be full."""
    with Replay() as replay, Worker("ours", Setting("groq", replay.url, str(tmp_path))) as client:
        client.do("burst", requests=DECISIONS_KEPT + 100)
        yield client


def test_requests_leave_nothing_behind(client: Worker) -> None:
    before, used = client.do("objects"), client.do("resident")
    client.do("burst", requests=REQUESTS)
    assert client.do("objects") - before < 4 * REQUESTS  # One answer that is kept holds dozens.
    assert client.do("resident") - used < 5_000_000


def test_routers_that_were_closed_leave_nothing_behind(client: Worker) -> None:
    client.do("reopen", times=2)
    before, used = client.do("objects"), client.do("resident")
    assert client.do("reopen", times=ROUTERS) <= 2  # One of them was not closed; another may still be on the stack.
    # Each Router that is kept holds thousands; the last one may still be on the stack.
    assert client.do("objects") - before < 1000 * ROUTERS
    assert client.do("resident") - used < 5_000_000
