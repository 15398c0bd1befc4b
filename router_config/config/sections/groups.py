"""`groups:` of litellm.yaml, as a person writes it: rules of a group as a whole."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from router_config.config.grammar.given_mapping import NOWHERE, GivenMapping
from router_config.config.grammar.quantities import BadValue, parse_duration, parse_share
from router_config.config.grammar.rules import Entry, MappingOf, Place, Scalar, Section, nearest
from router_config.config.grammar.scalars import flag, group_name, one_of, positive
from router_config.config.grammar.yaml_source import Source
from router_config.config.group_rules import After, GroupRules, Hedge
from router_config.config.models import Config, ConfigError
from router_config.config.sections.numbers import DURATION, NUMBER, STICKY

_QUANTILE: Final = re.compile(r"p([5-9]\d)")
_AFTER_HINT: Final = "Write p50 to p99, such as p95 (of its own recent times), or a time such as 2s."


def _after(value: object) -> After:
    match = _QUANTILE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is not None:
        return After(quantile=int(match[1]) / 100)
    try:
        return After(seconds=positive(parse_duration, "2s")(value))
    except BadValue as bad:
        raise BadValue(bad.what, _AFTER_HINT) from None


HEDGE: Final = Section(
    Hedge,
    {
        "after": Entry(
            Scalar(_after, {**NUMBER, "examples": ["p95", "2s"]}),
            "When the first is late: p50 to p99 of its own recent times, or a time. Default: p95.",
        ),
        "at_most": Entry(
            Scalar(parse_share, {**NUMBER, "examples": ["5%"]}), "Share of the requests that are hedged at most."
        ),
        "paid": Entry(
            Scalar(flag, {"type": "boolean"}), "true: one that costs money may be asked beside one that is free."
        ),
    },
    hint="Write {after: p95, at_most: 5%}, or leave it out.",
    foreign={
        "budget": "Write at_most.",
        "share": "Write at_most.",
        "delay": "Write after.",
        "quantile": "Write after.",
    },
)

GROUP: Final = Section(
    GroupRules,
    {
        "prefer": Entry(
            one_of(
                room="who has the most room left, by chance",
                fastest="who is expected to answer soonest, as measured by this process",
            ),
            "Which of those of equal priority is asked first.",
        ),
        "hedge": Entry(HEDGE, "A second provider is asked where the first is late, and the first answer counts."),
        "first_token_timeout": Entry(
            Scalar(positive(parse_duration, "5s"), DURATION.json),
            "How long a stream may show nothing before the next candidate is asked instead.",
        ),
        "sticky": Entry(STICKY, "How long a tool loop stays with its model after each answer; off: it does not."),
    },
    hint="Write a mapping such as {prefer: fastest, first_token_timeout: 5s}.",
    foreign={
        "models": "A model names its groups: write groups: [...] on the model.",
        "providers": "A model names its groups: write groups: [...] on the model.",
        "stream_timeout": "Write first_token_timeout here, or stream_timeout under router_settings.",
        "timeout": "Write first_token_timeout here, or timeout under defaults.",
        "routing_strategy": "Write prefer: fastest, or leave it out.",
        "ttft": "Write first_token_timeout.",
        "fallbacks": "Write fallbacks under router_settings.",
    },
)

GROUPS: Final = MappingOf(GROUP, "Write a mapping such as {default: {first_token_timeout: 5s}}.", group_name)


def check_names(
    source: Source, where: tuple[str, ...], rules: Collection[str], groups: Collection[str], aliases: Mapping[str, str]
) -> None:
    """Raises ConfigError for rules of a group that no model serves. where: the place of the rules in the source."""
    for name in rules:
        if name in groups:
            continue
        near = nearest(name, groups)
        hint = f"Did you mean {near}?" if near else f"Groups that models serve: {', '.join(sorted(groups))}."
        what = f'no model serves the group "{name}"'
        if name in aliases:
            what, hint = f'"{name}" is an alias, not a group', f"Write its group: {aliases[name]}."
        raise source.error((*where, name), what, hint, key=True)


def rules_of(
    config: Config | None, given: Mapping[str, Any] | None, model_list: Iterable[Mapping[str, Any]] | None
) -> dict[str, GroupRules]:
    """The rules of the file, or those that a program gives, in a mapping of the same form, for its model list.

    Raises ConfigError.
    """
    if config is not None and given is not None:
        raise ConfigError("groups: this Router has a file\n  Write `groups:` in the file.")
    if config is not None or not given:
        return {} if config is None else config.group_rules
    source = GivenMapping("groups", given)
    rules: dict[str, GroupRules] = GROUPS.read(source.root, Place(source, NOWHERE))
    check_names(source, (), rules, {entry["model_name"] for entry in model_list or ()}, {})
    return rules
