"""OpenAI: token buckets. The request headers are of the minute or of the day, whichever is in force."""

from router_config.signals.observed_windows import by_refill, of_token_buckets
from router_config.signals.parsed_reply import ParsedReply
from router_config.signals.types import Observation


def observations(reply: ParsedReply) -> tuple[Observation, ...]:
    return of_token_buckets(reply, by_refill)
