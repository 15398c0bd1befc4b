"""Moments and durations for people."""

from router_config.iso import epoch


def clock(moment: str) -> str:
    """`2026-11-23T12:05:00Z` as 12:05:00Z."""
    return moment.partition("T")[2] or moment


def span(seconds: float) -> str:
    """42 s, 4 min 05 s, 3 h 20 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, left = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {left:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def until(moment: str | None, now: str) -> str:
    """How long it is until a moment, and its time of day; the date too where that is another."""
    if moment is None:
        return ""
    named = clock(moment) if moment[:10] == now[:10] else moment
    return f"in {span(epoch(moment) - epoch(now))} ({named})"
