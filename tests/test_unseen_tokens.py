"""Providers count tokens that nobody sees, by tokenizers of their own: their limits are kept, and used."""

import argparse

import pytest

from benchmarks.unseen_tokens.__main__ import ADDED, FACTORS, Row, virtual_run

LOAD = argparse.Namespace(seconds=150.0, rate=8.0, verbose=False)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("added", ADDED)
def test_once_learned_no_limit_is_exceeded_and_the_room_is_used(added: int, factor: float, processes: int) -> None:
    for seed in (1, 5):
        found = virtual_run(Row("memory", processes, added, factor, seed), LOAD)
        assert (found.first < 2, found.after, found.used > 0.96) == (True, 0, True), (seed, found)
