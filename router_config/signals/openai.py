"""OpenAI: token buckets; the request headers are those of the minute or of the day, whichever is in force."""

from __future__ import annotations

from router_config.signals import generic
from router_config.signals.evidence import Evidence
from router_config.signals.observed_windows import by_refill, from_headers, from_words, merged
from router_config.signals.types import Observation, Verdict


def judge(e: Evidence, seen: tuple[Observation, ...]) -> Verdict:
    """By the general rules: `insufficient_quota` on a 429 is credit, "too large" the request's size."""
    return generic.judge(e, seen)


def observe(e: Evidence) -> tuple[Observation, ...]:
    found = list(from_headers(e, by_refill))
    if e.failed:
        found.extend(from_words(e.text))
    return merged(found) if found else ()
