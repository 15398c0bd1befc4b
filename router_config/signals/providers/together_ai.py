"""Together: dynamic limits of each organisation and model. `x-ratelimit-reset` tells the wait."""

import re
from collections.abc import Iterator

from router_config.signals.observed_windows import merged, observation
from router_config.signals.parsed_reply import ParsedReply
from router_config.signals.providers import common_rules
from router_config.signals.types import Observation, Scope, Verdict

_STATED = re.compile(r"(\d{1,12}) (rpm|tpm|queries per minute|requests per minute|tokens per minute)\b")


def verdict(reply: ParsedReply) -> Verdict:
    # "credit_limit" in a 429 is the limit per minute by its old name, in a 402 it is the credit
    if reply.status == 429 and reply.has_code("dynamic_", "credit_limit"):
        return common_rules.minute_spent(reply, Scope.model, reply.header_waits("x-ratelimit-reset"))
    return common_rules.verdict(reply)


def observations(reply: ParsedReply) -> tuple[Observation, ...]:
    """The limits that a 429 states in words. The header `x-ratelimit-limit` is per second, so it is not used."""
    return merged(_stated(reply)) if reply.status == 429 else ()


def _stated(reply: ParsedReply) -> Iterator[Observation]:
    for match in _STATED.finditer(reply.text):
        tokens = match[2].startswith("t")
        yield from observation("tokens" if tokens else "requests", "minute", int(match[1]), None, None)
