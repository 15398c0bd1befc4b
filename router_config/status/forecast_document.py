"""The JSON of a forecast: when room ends, and what is expected to be used until then."""

from collections.abc import Mapping
from typing import Any, Final

from router_config.forecast.exhaustion import Ends, Exhaustion
from router_config.forecast.ratios import Band
from router_config.iso import iso
from router_config.ledger.rules.meters import Metric
from router_config.ledger.rules.windows import Unit
from router_config.ledger.values import Usage
from router_config.status.numbers import number

METRICS: Final[tuple[Metric, ...]] = ("tokens", "requests", "usd")

_NAMES: Final[Mapping[Metric, str]] = {"tokens": "tokens", "requests": "requests", "usd": "cost_usd"}


def forecast_document(
    found: Exhaustion, expected: Mapping[Unit, Mapping[Metric, Band]], lately: Mapping[str, Usage]
) -> dict[str, Any]:
    """By kind of window and by provider, what `capacity` says of it besides what is left now.

    expected: by kind of window, what all together are expected to use. lately: what each provider was used for, by
    which its tokens are so many requests and dollars.
    """
    windows = {unit: _of_window(unit, found, bands) for unit, bands in expected.items()}
    providers: dict[str, dict[Unit, Any]] = {}
    for (name, unit), ends in found.ends.items():
        bands = _bands(found.taken[name, unit], lately.get(name, Usage()))
        providers.setdefault(name, {})[unit] = {"exhausted": _moments(ends), "expected": _expected(bands)}
    return {"windows": windows, "providers": providers}


def _of_window(unit: Unit, found: Exhaustion, bands: Mapping[Metric, Band]) -> dict[str, Any]:
    ends = found.together.get(unit, Ends())
    return {
        "exhausted_at": iso(ends.p50),
        "binding": found.binding.get(unit),
        "exhausted": _moments(ends),
        "expected": _expected(bands),
    }


def _bands(tokens: Band, usage: Usage) -> dict[Metric, Band]:
    of_tokens = {"tokens": usage.tokens, "requests": usage.requests, "usd": usage.usd}
    whole = usage.tokens
    return {
        metric: Band(*(each * of_tokens[metric] / whole if whole else 0.0 for each in tokens)) for metric in METRICS
    }


def _moments(ends: Ends) -> dict[str, str | None]:
    return {"p10": iso(ends.p10), "p50": iso(ends.p50), "p90": iso(ends.p90)}


def _expected(bands: Mapping[Metric, Band]) -> dict[str, Any]:
    return {
        _NAMES[metric]: {
            name: number(round(amount, 6)) if metric == "usd" else round(amount)
            for name, amount in bands[metric]._asdict().items()
        }
        for metric in METRICS
    }
