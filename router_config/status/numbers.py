"""Numbers as JSON shows them."""

import math

from router_config.ledger.rules.meters import LimitName


def whole(name: LimitName, used: float) -> float:
    """Requests and tokens are whole, although others' usage of a token bucket leaves it in fractions."""
    return used if name == "usd_per_day" else math.ceil(used - 1e-9)


def number(value: float) -> float | int:
    if type(value) is int:
        return value
    return int(value) if float(value).is_integer() else round(value, 9)
