"""What would help: the configuration with a key or a provider more, or with dollars, planned for the same workload."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from math import ceil, floor, log10
from typing import Any, Final, NamedTuple

from router_config.config.agent_classes import AgentClass
from router_config.config.loads import Load
from router_config.config.models import Config, ConfigError, Limits, Provider
from router_config.planner.assumptions.what_if import with_key, with_provider
from router_config.planner.plan import Plan, Progress
from router_config.planner.some_days import Outlook, SomeDays
from router_config.presets.table import PRESETS

TRIED: Final = 4
"""Keys, and providers, that are tried: those with the most room."""

TOLD: Final = 4
"""So many of the free ideas, and one that costs, are looked at closely: those that look best."""

LOOKED_AT: Final = 6_000
"""Requests that a first look is made of, about."""

REQUESTS: Final = 40_000
"""Those of a closer look, at what helps most."""

ROUNDING: Final = 1e-9

LONGER: Final = ("rpd", "tpd", "usd_per_day", "rpw", "tpw", "rpmo", "tpmo", "usd_per_month", "itpd", "otpd")
"""Limits of a day and more."""

HELPS: Final = 0.001
"""Share of the tokens by which advice must help."""

SHOWS: Final = 0.02
"""Share of the tokens: where a few days look better than all by more, they do not show what is missing."""

CENT: Final = 0.01
LADDER: Final = 5
"""Amounts that are tried."""


class _Idea(NamedTuple):
    """dollars: the paid provider that it lets spend as much as it takes."""

    words: str
    config: Config
    room: float = 0.0
    dollars: str | None = None


class _Found(NamedTuple):
    idea: _Idea
    outlook: Outlook

    @property
    def rank(self) -> tuple[float, float]:
        """The best first: by what is served, then by what it costs."""
        return -round(self.outlook.served, 6), self.outlook.usd_per_month


def advice(
    config: Config,
    loads: Sequence[Load],
    made: Plan,
    *,
    begins: date,
    progress: Progress = lambda share: None,
    **how: Any,
) -> tuple[str, ...]:
    """What would help, the best first, such as `one more groq key: 99.2 %`.

    made: the plan without it. how: the other arguments of `plan`. The shares are those of all its days (`SomeDays`).
    """
    tokens = sum(load.mean_tokens for load in loads) / len(loads)
    glance, look = (SomeDays(config, loads, made, most, begins=begins, **how) for most in (LOOKED_AT, REQUESTS))
    before = glance.plan(config).served
    if before > made.served + SHOWS:
        glance, before = look, look.plan(config).served
    ideas = [*_ideas(config, tokens, begins), *_of_classes(config, made)]
    steps = _Steps(progress, len(ideas) * glance.days + TOLD * look.days)

    likely = []
    for idea in ideas:
        found = _Found(idea, glance.plan(idea.config))
        steps.done(glance.days)
        if found.outlook.served > before + HELPS:
            likely.append(found)
    likely.sort(key=lambda each: each.rank)
    if not glance.whole:
        paid = [each for each in likely if each.idea.dollars is not None]
        likely = [*(each for each in likely if each not in paid)][:TOLD] + paid[:1]

    told = []
    for each in likely:
        found = each if glance.whole else _Found(each.idea, look.plan(each.idea.config))
        found = found if found.idea.dollars is None else _with_least_dollars(found, look)
        steps.done(look.days)
        if found.outlook.served > made.served + HELPS:
            told.append(found)
    return tuple(_told(each) for each in sorted(told, key=lambda each: each.rank))


class _Steps:
    """How far it is, told as shares of all."""

    def __init__(self, progress: Progress, steps: int) -> None:
        self._progress, self._steps, self._made = progress, steps, 0

    def done(self, steps: int) -> None:
        self._made += steps
        self._progress(min(1.0, self._made / self._steps))


def _with_least_dollars(found: _Found, look: SomeDays) -> _Found:
    """With no more dollars a day than serve as much, to two digits: what it spends on its dearest day, about."""
    idea, outlook = found
    name = idea.dollars or ""
    dollars = _rounded_up(outlook.dearest[name])
    for _ in range(LADDER):  # A window need not be a day of the plan, and a request reserves more than it spends.
        limited = _with_dollars(idea.config, name, dollars)
        try:
            seen = look.plan(limited)
        except ConfigError:  # Nobody knows its price.
            break
        if seen.served >= outlook.served - ROUNDING:
            return _Found(idea._replace(words=f"{name} with ${dollars:.2f} a day", config=limited), seen)
        dollars = _rounded_up(dollars * 1.1)
    return found


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
    ready = [each for each in config.providers if each.tier == "paid" and each.enabled and each.configured]
    for each in ready:
        unbound = _without_days(config, each.name)
        yield _Idea(f"{each.name} without its limits of a day and more", unbound, dollars=each.name)
    if not any(each.tier == "paid" for each in config.providers) and "openai" not in listed:
        yield _Idea("openai, paid", with_provider(config, "openai", today), dollars="openai")


def _of_classes(config: Config, made: Plan) -> Iterator[_Idea]:
    """Without what keeps requests of a class out while there is room for others."""
    missed = {each.name: each.obstacle for each in made.classes if each.unserved_requests}
    held = {None if obstacle is None else obstacle.status for obstacle in missed.values()}
    for each in config.classes:
        if each.share < 1 and each.name in missed:
            yield _Idea(f"class {each.name} without a share", _with_class(config, replace(each, share=1.0)))
        if each.use == "leftover" and each.name in missed:
            yield _Idea(f"class {each.name} with use: any", _with_class(config, replace(each, use="any")))
        if "kept" in held and (each.reserve or any(each.by_provider.values())):
            nothing = replace(each, reserve=0.0, by_provider={})
            yield _Idea(f"nothing kept for class {each.name}", _with_class(config, nothing))


def _with_class(config: Config, changed: AgentClass) -> Config:
    classes = tuple(changed if each.name == changed.name else each for each in config.classes)
    return replace(config, classes=classes)


def _told(found: _Found) -> str:
    served, cost = found.outlook.served, found.outlook.usd_per_month
    told = f"{found.idea.words}: {_percent(served)}" + (f", ${cost:.2f} a month" if cost else "")
    classes = found.outlook.classes
    return told + (f" ({', '.join(f'{name} {_percent(share)}' for name, share in classes.items())})" if classes else "")


def _percent(share: float) -> str:
    return "100 %" if share >= 1 - ROUNDING else f"{int(share * 1000) / 10:g} %"


def _room(limits: Limits, tokens: float) -> float:
    given = limits.given()
    caps = [
        given.get("tpd"),
        given["rpd"] * tokens if "rpd" in given else None,
        given["tpm"] * 1440 if "tpm" in given else None,
        given["rpm"] * tokens * 1440 if "rpm" in given else None,
    ]
    return min((cap for cap in caps if cap is not None), default=float("inf"))


def _without_days(config: Config, name: str) -> Config:
    nothing: dict[str, Any] = dict.fromkeys(LONGER)
    return _with_limits(config, name, lambda limits: replace(limits, **nothing))


def _with_dollars(config: Config, name: str, dollars: float) -> Config:
    return _with_limits(config, name, lambda limits: replace(limits, usd_per_day=dollars))


def _with_limits(config: Config, name: str, change: Callable[[Limits], Limits]) -> Config:
    changed = (replace(each, limits=change(each.limits)) if each.name == name else each for each in config.providers)
    return replace(config, providers=tuple(changed))


def _rounded_up(dollars: float) -> float:
    """To two digits, a cent at least."""
    if dollars <= CENT:
        return CENT
    size = 10.0 ** (floor(log10(dollars)) - 1)
    return max(CENT, round(ceil(round(dollars / size, 6)) * size, 4))
