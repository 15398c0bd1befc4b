"""What is different between two configurations, in words for people. No secret is among them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from router_config.config.agent_classes import AgentClass
from router_config.config.grammar.yaml_source import Source
from router_config.config.group_rules import GroupRules
from router_config.config.models import Config, Model, Provider, Secret
from router_config.slices import pause

_APART: Final = frozenset({"name", "keys", "models", "limits"})
_HIDDEN: Final = (Secret, str, dict, list, tuple)
_AT_A_START: Final = ("cache", "cache_params")
"""Of litellm_settings, what LiteLLM takes once."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reading of the file changed.

    changes: such as `groq rpm 30 -> 60`, `+cerebras` or `alias gpt-4o: default -> fast`. warnings: sentences on what
    of the edit waits for a restart.
    """

    changes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        return ", ".join(self.changes) or "nothing has changed"


def pending(path: Path, made: Reloaded, *, follows: bool) -> dict[str, Any]:
    """The JSON of GET /api/llm-providers/changes. made: what a reading would change. follows: whether edits count."""
    return {"path": str(path), "follows": follows, "changes": list(made.changes), "warnings": list(made.warnings)}


def in_force(old: Config, new: Config, source: Source) -> tuple[Config, tuple[str, ...]]:
    """A new configuration as far as it can count in a process that began with an old one, and what waits for a restart.

    source: of the new one.
    """
    waits = []
    if new.state != old.state:
        waits.append(f"{source.at(('state',))}: state cannot change while the router runs; restart for it")
    settings = dict(new.litellm_settings)
    for name, value in old.litellm_settings.items():
        if name not in settings and name not in _AT_A_START:
            told = f"{name} is gone; LiteLLM forgets it at a restart"
            waits.append(f"{source.at(('litellm_settings',))}: {told}")
            settings[name] = value
    for name in _AT_A_START:
        if settings.get(name) != old.litellm_settings.get(name):
            waits.append(f"{source.at(('litellm_settings', name))}: {name} counts after a restart")
            settings.pop(name, None)
            if name in old.litellm_settings:
                settings[name] = old.litellm_settings[name]
    if not waits:
        return new, ()
    return replace(new, state=old.state, litellm_settings=settings), tuple(waits)


def changes_between(old: Config, new: Config) -> tuple[str, ...]:
    """Every difference that counts, as words. Values of settings that may be secret are not shown."""
    return tuple(_changes(old, new))


def _changes(old: Config, new: Config) -> Iterator[str]:
    before, after = ({each.name: each for each in config.providers} for config in (old, new))
    yield from (f"+{name}" for name in after if name not in before)
    yield from (f"-{name}" for name in before if name not in after)
    for name in before:
        pause()
        if name in after and before[name] != after[name]:
            yield from _of_provider(before[name], after[name])
    if [each for each in before if each in after] != [each for each in after if each in before]:
        yield "providers: another order"
    yield from _of_fields("defaults", old.defaults, new.defaults, frozenset())
    for name in dict.fromkeys((*old.aliases, *new.aliases)):
        if old.aliases.get(name) != new.aliases.get(name):
            yield f"alias {name}: {old.aliases.get(name, 'none')} -> {new.aliases.get(name, 'none')}"
    yield from _of_classes({each.name: each for each in old.classes}, {each.name: each for each in new.classes})
    for name in dict.fromkeys((*old.group_rules, *new.group_rules)):
        was, now = (config.group_rules.get(name, GroupRules()) for config in (old, new))
        yield from _of_fields(f"group {name}", was, now, frozenset({"hedge"}))
        if was.hedge != now.hedge:
            yield f"group {name} hedge {_shown(was.hedge)} -> {_shown(now.hedge)}"
    for what in ("router_settings", "litellm_settings"):
        yield from _of_settings(what, getattr(old, what), getattr(new, what))


def _of_classes(old: Mapping[str, AgentClass], new: Mapping[str, AgentClass]) -> Iterator[str]:
    yield from (f"+class {name}" for name in new if name not in old)
    yield from (f"-class {name}" for name in old if name not in new)
    for name, before in old.items():
        if name not in new or (after := new[name]) == before:
            continue
        for each in fields(before):
            was, now = getattr(before, each.name), getattr(after, each.name)
            if was == now:
                continue
            if each.name == "by_provider":
                for provider in dict.fromkeys((*was, *now)):
                    kept, keeps = before.reserve_at(provider), after.reserve_at(provider)
                    if kept != keeps:
                        yield f"class {name} reserve at {provider} {kept * 100:g}% -> {keeps * 100:g}%"
            else:
                yield f"class {name} {each.name} {_of_class(each.name, was)} -> {_of_class(each.name, now)}"
    if [each for each in old if each in new] != [each for each in new if each in old]:
        yield "classes: another order"


def _of_class(key: str, value: Any) -> str:
    if key in ("reserve", "share"):
        return f"{value * 100:g}%"
    return (", ".join(value) or "none") if isinstance(value, tuple) else _shown(value)


def _of_provider(old: Provider, new: Provider) -> Iterator[str]:
    name = old.name
    yield from _of_limits(name, old.limits, new.limits)
    yield from _of_fields(name, old, new, _APART)
    if old.keys != new.keys:
        had, has = ({each.secret for each in provider.keys if each.secret is not None} for provider in (old, new))
        few = len(has) - len(had)
        yield f"{name}: key changed" if not few else f"{name}: {len(has)} keys instead of {len(had)}"
    before, after = ({each.name: each for each in provider.models} for provider in (old, new))
    yield from (f"+{name}/{each}" for each in after if each not in before)
    yield from (f"-{name}/{each}" for each in before if each not in after)
    for each in before:
        if each in after and before[each] != after[each]:
            yield from _of_model(f"{name}/{each}", before[each], after[each])
    if [each for each in before if each in after] != [each for each in after if each in before]:
        yield f"{name}: models in another order"


def _of_model(name: str, old: Model, new: Model) -> Iterator[str]:
    yield from _of_limits(name, old.limits, new.limits)
    yield from _of_fields(name, old, new, _APART | {"litellm_params"})
    yield from _of_settings(name, old.litellm_params, new.litellm_params)


def _of_limits(name: str, old: Any, new: Any) -> Iterator[str]:
    before, after = old.given(), new.given()
    for limit in dict.fromkeys((*before, *after)):
        if before.get(limit) != after.get(limit):
            yield f"{name} {limit} {_shown(before.get(limit))} -> {_shown(after.get(limit))}"


def _of_fields(name: str, old: Any, new: Any, apart: frozenset[str]) -> Iterator[str]:
    for each in fields(old):
        if each.name in apart:
            continue
        before, after = getattr(old, each.name), getattr(new, each.name)
        if before == after:
            continue
        plain = isinstance(before, str | int | float | None) and isinstance(after, str | int | float | None)
        if each.name == "api_base" or not plain:  # An address may hold a password.
            yield f"{name}: {each.name} changed"
        else:
            yield f"{name} {each.name} {_shown(before)} -> {_shown(after)}"


def _of_settings(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for each in dict.fromkeys((*old, *new)):
        before, after = old.get(each), new.get(each)
        if before == after and (each in old) == (each in new):
            continue
        if isinstance(before, _HIDDEN) or isinstance(after, _HIDDEN):
            yield f"{name}: {each} changed"
        else:
            yield f"{name} {each} {_shown(before)} -> {_shown(after)}"


def _shown(value: Any) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
