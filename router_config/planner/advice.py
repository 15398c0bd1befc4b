"""What would help: the configuration with one key or one provider more, planned for the same workload."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from math import ceil
from typing import Any, Final, NamedTuple

from router_config.config.loads import Load
from router_config.config.models import Config, Limits, Provider
from router_config.planner.faults import Loss
from router_config.planner.plan import Plan, planned
from router_config.planner.what_if import with_key, with_provider
from router_config.planner.workload import DAY, MONTH, per_day
from router_config.presets.table import PRESETS

TRIED: Final = 4
"""Keys, and providers, that are tried: those with the most room."""

REQUESTS: Final = 40_000
"""That one such plan is made of, about: it covers fewer days."""

MOST_DAYS: Final = 7
FEWEST_DAYS: Final = 2
"""On the first day nothing is used yet."""

LONGER: Final = ("rpd", "tpd", "usd_per_day", "rpw", "tpw", "rpmo", "tpmo", "usd_per_month", "itpd", "otpd")
"""Limits of a day and more."""

HELPS: Final = 0.001
"""Share of the tokens by which advice must help."""


class _Idea(NamedTuple):
    words: str
    config: Config
    room: float


def advice(
    config: Config, loads: Sequence[Load], days: int, *, begins: date, losses: Sequence[Loss] = (), **how: Any
) -> tuple[str, ...]:
    """What would help, the best first, such as `one more groq key: 99.2 %`. how: the other arguments of `plan`."""
    requests = sum(per_day(load)[0] for load in loads)
    looked_at = min(days, MOST_DAYS, max(FEWEST_DAYS, ceil(REQUESTS / max(1.0, requests))))
    begins += timedelta(days=days - looked_at)  # What grows is largest at the end.
    months = (days - looked_at) * DAY / MONTH
    grown = [load.times((1 + load.growth) ** months) for load in loads]
    tokens = sum(load.mean_tokens for load in loads) / len(loads)
    how["losses"] = [replace(each, day=max(1, each.day - days + looked_at)) for each in losses]
    now = planned(config, grown, looked_at, begins=begins, **how).served

    found: list[tuple[float, float, int, str]] = []
    for number, idea in enumerate(_ideas(config, tokens, begins)):
        made = planned(idea.config, grown, looked_at, begins=begins, **how)
        if made.served > now + HELPS:
            found.append((-made.served, made.usd_per_month, number, _told(idea, made)))
    return tuple(words for _, _, _, words in sorted(found))


def room_of(provider: Provider, tokens: float) -> float:
    """Tokens that one account of a provider takes a day, about, where its requests have so many; `inf`: no limit."""
    of_models = sum(_room(model.limits, tokens) for model in provider.models)
    return min(_room(provider.limits, tokens), of_models)


def _ideas(config: Config, tokens: float, today: date) -> Iterator[_Idea]:
    ready = [each for each in config.providers if each.enabled and each.configured and each.tier == "free"]
    keys = [_Idea(f"one more {each.name} key", with_key(config, each.name), room_of(each, tokens)) for each in ready]
    yield from sorted((each for each in keys if each.room < float("inf")), key=lambda idea: -idea.room)[:TRIED]
    listed = {each.name for each in config.providers} | {each.litellm_provider for each in config.providers}
    added = []
    for preset in PRESETS:
        if preset.tier != "free" or preset.retired or {preset.name, preset.litellm_provider} & listed:
            continue
        changed = with_provider(config, preset.name, today)
        room = room_of(changed.providers[-1], tokens)
        if 0 < room < float("inf"):
            added.append(_Idea(f"{preset.name}, free", changed, room))
    yield from sorted(added, key=lambda idea: -idea.room)[:TRIED]
    for name in [each.name for each in config.providers if each.tier == "paid" and each.enabled and each.configured]:
        unbound = [
            replace(each, limits=_without_days(each.limits)) if each.name == name else each for each in config.providers
        ]
        yield _Idea(f"{name} without its limits of a day and more", replace(config, providers=tuple(unbound)), 0.0)
    if not any(each.tier == "paid" for each in config.providers) and "openai" not in listed:
        changed = with_provider(config, "openai", today)
        yield _Idea("openai, paid", changed, 0.0)


def _told(idea: _Idea, made: Plan) -> str:
    share = "100 %" if made.served >= 1 else f"{int(made.served * 1000) / 10:g} %"
    return f"{idea.words}: {share}" + (f", ${made.usd_per_month:.2f} a month" if made.usd_per_month else "")


def _room(limits: Limits, tokens: float) -> float:
    given = limits.given()
    caps = [
        given.get("tpd"),
        given["rpd"] * tokens if "rpd" in given else None,
        given["tpm"] * 1440 if "tpm" in given else None,
        given["rpm"] * tokens * 1440 if "rpm" in given else None,
    ]
    return min((cap for cap in caps if cap is not None), default=float("inf"))


def _without_days(limits: Limits) -> Limits:
    nothing: dict[str, Any] = dict.fromkeys(LONGER)
    return replace(limits, **nothing)
