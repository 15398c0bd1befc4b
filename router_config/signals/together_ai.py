"""Together: dynamic limits per organisation and model, with the wait in `x-ratelimit-reset`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from router_config.signals import generic
from router_config.signals.evidence import Evidence
from router_config.signals.observed_windows import merged, observation
from router_config.signals.types import Observation, Scope, Verdict

_STATED = re.compile(r"(\d{1,12}) (rpm|tpm|queries per minute|requests per minute|tokens per minute)\b")


def judge(e: Evidence, seen: tuple[Observation, ...]) -> Verdict:
    # "credit_limit" on a 429 is the old minute limit; on a 402 it is the credit
    if e.status == 429 and e.has_code("dynamic_", "credit_limit"):
        return generic.short_window_spent(e, Scope.model, hints=e.header_waits("x-ratelimit-reset"))
    return generic.judge(e, seen)


def observe(e: Evidence) -> tuple[Observation, ...]:
    """Only the limits that a 429 states in words: the bare `x-ratelimit-limit` header is per second."""
    return merged(_stated(e)) if e.status == 429 else ()


def _stated(e: Evidence) -> Iterator[Observation]:
    for match in _STATED.finditer(e.text):
        tokens = match[2].startswith("t")
        yield from observation("tokens" if tokens else "requests", "minute", int(match[1]), None, None, "model")
