"""Limits as plain data, with the names of litellm.yaml: for tests, for a file, and over HTTP."""

import re
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from router_config.simulator.quotas.calendars import DAY, HOUR, MINUTE
from router_config.simulator.quotas.limits import (
    KINDS,
    Limits,
    LimitsError,
    OddQuota,
    ProviderLimits,
    Quota,
    Span,
    provider_name,
)

_ODD = ("requests", "tokens")
_QUOTA_NAMES = tuple(f.name for f in fields(Quota))
_SWITCHES = ("shared_account", "strict_rolling", "free_only")
_SPANS = ("day", "week", "month")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
_UNITS = {"s": 1.0, "m": MINUTE, "h": HOUR, "d": DAY}


def read_limits(given: Mapping[str, Any]) -> dict[str, ProviderLimits]:
    """Limits from plain data: `{"groq": {"rpm": 30, "models": {"m": {"tpm": 8000}}}}`.

    The windows are those of litellm.yaml: `{"requests": {"per": "5h", "max": 200}, "month": {"day": 14}}`. A
    ProviderLimits is taken as it is. Raises LimitsError.
    """
    return {provider_name(name): _provider_limits(name, value) for name, value in given.items()}


def write_limits(limits: Limits) -> dict[str, Any]:
    """The plain data that `read_limits` reads."""
    return {name: _plain_limits(one) for name, one in limits.items()}


def _provider_limits(name: str, given: Any) -> ProviderLimits:
    if isinstance(given, ProviderLimits):
        return given
    if given is None:
        return ProviderLimits()
    if isinstance(given, Quota):
        return ProviderLimits(given)
    if not isinstance(given, Mapping):
        raise LimitsError(f"{name}: expected a mapping such as {{rpm: 30}}, not {given!r}")
    known = {*_QUOTA_NAMES, *_SWITCHES, *_SPANS, "models", "each_model", "context", "price"}
    if unknown := sorted(set(map(str, given)) - known):
        raise LimitsError(f"{name}: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    models = given.get("models") or {}
    if not isinstance(models, Mapping):
        raise LimitsError(f"{name}.models: expected a mapping from model to limits")
    others: dict[str, Any] = {each: _span(f"{name}.{each}", given.get(each) or {}) for each in _SPANS}
    others |= {switch: bool(given[switch]) for switch in _SWITCHES if switch in given}
    return ProviderLimits(
        account=_quota(name, {k: v for k, v in given.items() if k in _QUOTA_NAMES}),
        models={str(model): _quota(f"{name}.models.{model}", quota) for model, quota in models.items()},
        each_model=_quota(f"{name}.each_model", given.get("each_model") or {}),
        context=_count(f"{name}.context", given.get("context")),
        price=_price(f"{name}.price", given.get("price") or {}),
        **others,
    )


def _quota(where: str, given: Any) -> Quota:
    if isinstance(given, Quota):
        return given
    if not isinstance(given, Mapping):
        raise LimitsError(f"{where}: expected limits such as {{rpm: 30}}, not {given!r}")
    if unknown := sorted(set(map(str, given)) - set(_QUOTA_NAMES)):
        raise LimitsError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(_QUOTA_NAMES)}")
    return Quota(**{name: _limit(f"{where}.{name}", name, value) for name, value in given.items()})


def _limit(where: str, name: str, given: Any) -> Any:
    if name in _ODD:
        listed = given if isinstance(given, list | tuple) else [] if given is None else [given]
        return tuple(_odd(where, each) for each in listed)
    return _amount(where, given) if KINDS[name].what == "usd" else _count(where, given)


def _odd(where: str, given: Any) -> OddQuota:
    if not isinstance(given, Mapping) or set(given) != {"per", "max"}:
        raise LimitsError(f"{where}: expected {{per: 5h, max: 200}} or a list of such, not {given!r}")
    most = _count(f"{where}.max", given["max"])
    if most is None:
        raise LimitsError(f"{where}.max: expected a whole number of 0 or more")
    return OddQuota(_seconds(f"{where}.per", given["per"]), most)


def _seconds(where: str, given: Any) -> float:
    written = _DURATION.fullmatch(given) if isinstance(given, str) else None
    seconds = float(written[1]) * _UNITS[written[2]] if written else given
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds <= 0:
        raise LimitsError(f"{where}: expected seconds, or a duration such as 5h, not {given!r}")
    return float(seconds)


def _span(where: str, given: Any) -> Span:
    if isinstance(given, Span):
        return given
    if not isinstance(given, Mapping) or set(given) - {"window", "timezone", "day"}:
        raise LimitsError(f"{where}: expected window, timezone and day, or some of them, not {given!r}")
    window, day = given.get("window"), given.get("day", 1)
    if window not in (None, "calendar", "rolling"):
        raise LimitsError(f"{where}.window: expected calendar or rolling, not {window!r}")
    if isinstance(day, bool) or not isinstance(day, int) or not 1 <= day <= 31:
        raise LimitsError(f"{where}.day: expected a day of the month, 1 to 31, not {day!r}")
    try:
        timezone = None if given.get("timezone") is None else ZoneInfo(str(given["timezone"])).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise LimitsError(f"{where}.timezone: {given['timezone']!r} is no IANA timezone") from None
    return Span(window, timezone, day)


def _price(where: str, given: Any) -> tuple[float, float]:
    if not isinstance(given, Mapping) or set(given) - {"input", "output"}:
        raise LimitsError(f"{where}: expected dollars per million tokens: {{input: 0.15, output: 0.60}}, not {given!r}")
    return tuple(_amount(f"{where}.{name}", given.get(name, 0)) or 0.0 for name in ("input", "output"))  # type: ignore[return-value]


def _count(where: str, given: Any) -> int | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise LimitsError(f"{where}: expected a whole number of 0 or more, not {given!r}")
    return given


def _amount(where: str, given: Any) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given < float("inf"):
        raise LimitsError(f"{where}: expected a number of 0 or more, not {given!r}")
    return float(given)


def _plain_limits(one: ProviderLimits) -> dict[str, Any]:
    plain: dict[str, Any] = _plain_quota(one.account)
    if one.models:
        plain["models"] = {model: _plain_quota(quota) for model, quota in one.models.items()}
    if each := _plain_quota(one.each_model):
        plain["each_model"] = each
    if one.context is not None:
        plain["context"] = one.context
    if any(one.price):
        plain["price"] = dict(zip(("input", "output"), one.price, strict=True))
    default = ProviderLimits()
    for name in _SPANS:
        span: Span = getattr(one, name)
        if span != Span():
            plain[name] = {key: value for key, value in asdict(span).items() if value is not None}
    plain |= {name: getattr(one, name) for name in _SWITCHES if getattr(one, name) != getattr(default, name)}
    return plain


def _plain_quota(quota: Quota) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for name in _QUOTA_NAMES:
        value = getattr(quota, name)
        if name in _ODD:
            if value:
                plain[name] = [asdict(odd) for odd in value]
        elif value is not None:
            plain[name] = value
    return plain
