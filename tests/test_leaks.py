"""Whoever runs for months leaves nothing open: no descriptor, thread or client of a loop that has ended."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rig_upstream import ANSWER, GEMINIS, STREAMS, Asked, answer, upstream

pytestmark = pytest.mark.machine_clock

TESTS = Path(__file__).parent
EMBEDDED = {
    "object": "list", "model": "played", "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}],
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}  # fmt: skip


def said(asked: Asked) -> bytes:
    if "embeddings" in asked.line:
        return answer(EMBEDDED)
    if "images" in asked.line:
        return answer({"created": 1, "data": [{"url": "http://here"}]})
    if "generateContent" in asked.line or "predict" in asked.line:
        return answer({**GEMINIS, "predictions": [{"bytesBase64Encoded": "aGVsbG8="}]})
    if json.loads(asked.body).get("stream"):
        return answer(STREAMS["groq"], content_type="text/event-stream")
    return answer(ANSWER)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with upstream(said) as provider:
        done = subprocess.run(
            [sys.executable, TESTS / "rig_leaks.py", provider.address, tmp_path_factory.mktemp("states"), "100"],
            cwd=TESTS.parent,
            env={"PYTHONPATH": f"{TESTS.parent}:{TESTS}", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_as_much_is_open_after_a_hundred_loops_or_time_outs_as_after_ten(left: Any) -> None:
    grown = {name: last - early for name, (early, last) in left["ways"].items()}
    assert max(grown.values()) < 6, grown  # Threads of a pool come one by one.


def test_a_router_that_is_dropped_goes_with_its_thread_sockets_and_files(left: Any) -> None:
    before, after = left["dropped"]
    assert after - before < 6, "of twenty Routers LiteLLM's logging may hold the last"


def test_no_provider_is_at_fault_when_descriptors_run_out(left: Any) -> None:
    found = left["without"]
    assert found["told"] not in ("served", "NoProviderAvailable")
    assert set(found["statuses"].values()) == {"available"}
    assert found["served"] == "Hold."
