"""Groq: token buckets per organisation and model; request headers are per day, token headers per minute."""

from __future__ import annotations

from router_config.signals import generic
from router_config.signals.evidence import Evidence
from router_config.signals.observed_windows import Window, from_headers, from_words, merged
from router_config.signals.types import Metric, Observation, Period, Verdict


def judge(e: Evidence, seen: tuple[Observation, ...]) -> Verdict:
    """By the general rules: they read `(TPD): Limit 200000, Used 197050`, and a 413 never benches."""
    return generic.judge(e, seen)


def observe(e: Evidence) -> tuple[Observation, ...]:
    found = list(from_headers(e, _period))
    if e.failed:
        found.extend(from_words(e.text))
    return merged(found) if found else ()


def _period(metric: Metric, window: Window) -> Period:
    return "day" if metric == "requests" else "minute"
