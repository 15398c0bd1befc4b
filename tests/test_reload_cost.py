"""What an edit costs the event loop, and that none leaves anything behind. Figures: benchmarks/costs/reload_cost.py."""

import gc
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from time import thread_time

import pytest

from benchmarks.costs.reload_cost import EDITS, File, Stretches
from router_config import Router
from router_config.transport.held import litellm_router

pytestmark = pytest.mark.measured


@pytest.fixture
def file(tmp_path: Path) -> File:
    return File(tmp_path / "litellm.yaml", providers=10)


@pytest.fixture
def router(file: File) -> Iterator[Router]:
    router = Router.from_yaml(file.path, watch=False)
    yield router
    router.close()


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_takes_a_fraction_of_what_litellm_takes_and_the_loop_runs_in_between(
    file: File, router: Router, edit: str
) -> None:
    began = thread_time()
    litellm_router._made(router.entries, {})
    whole = thread_time() - began
    took = []
    for turn in range(4):
        file.write(edit, turn)
        with Stretches() as stretches:
            assert router.reload()
        took.append((stretches.together, stretches.longest))
    together, longest = min(took)
    assert together < whole / 5
    assert longest < whole / 25


def test_edits_leave_nothing_behind(file: File, router: Router) -> None:
    def edits(number: int) -> None:
        for turn in range(number):
            for edit in EDITS:
                file.write(edit, turn)
                router.reload()
        gc.collect()

    edits(3)
    tracemalloc.start()
    try:
        edits(1)
        before = tracemalloc.get_traced_memory()[0]
        edits(10)
        assert tracemalloc.get_traced_memory()[0] - before < 250_000  # One catalog that is kept takes more.
    finally:
        tracemalloc.stop()
