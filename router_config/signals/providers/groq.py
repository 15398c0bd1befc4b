"""Groq: token buckets of each organisation and model. Request headers are per day, token headers per minute."""

from router_config.signals.observed_windows import ReportedWindow, of_token_buckets
from router_config.signals.parsed_reply import ParsedReply
from router_config.signals.types import Metric, Observation, Period


def observations(reply: ParsedReply) -> tuple[Observation, ...]:
    return of_token_buckets(reply, _period)


def _period(metric: Metric, window: ReportedWindow) -> Period:
    return "day" if metric == "requests" else "minute"
