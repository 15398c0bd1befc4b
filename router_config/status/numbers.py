"""Numbers as the JSON has them."""

import math

from router_config.ledger.rules.meters import LimitName


def whole(name: LimitName, used: float) -> float:
    """Usage of a limit. Requests and tokens are rounded up: a token bucket refills in fractions of them."""
    return used if name.startswith("usd") else math.ceil(used - 1e-9)


def number(value: float) -> float | int:
    """An integer where the value is one, else at most nine decimals."""
    if type(value) is int:
        return value
    return int(value) if float(value).is_integer() else round(value, 9)
