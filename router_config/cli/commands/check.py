"""`router-config check`: whether the configuration can be used, and what is odd about it."""

import argparse
import asyncio
import sys
from datetime import date, timedelta
from typing import Any

from router_config.catalogue.comparison import compare
from router_config.catalogue.kept_lists import KeptLists
from router_config.catalogue.list_request import facts_of
from router_config.cli.checks.ability_table import (
    ability_documents,
    ability_report,
    need_documents,
    need_report,
    need_warnings,
)
from router_config.cli.checks.class_table import class_documents, class_report, class_warnings
from router_config.cli.text import amount, plural, print_json, table
from router_config.config import prices as price_list
from router_config.config.loading import load_with_source
from router_config.config.models import Config, ConfigError, Limits, Provider
from router_config.config.store_url import require_writable, without_password
from router_config.deployments.model_list import deployments_of, prices_of, without_price
from router_config.iso import iso
from router_config.presets.lookup import age_warning, preset_of
from router_config.presets.retirements import RETIRED

_SOON = timedelta(days=60)


def check(arguments: argparse.Namespace) -> int:
    """Loads the file, tries its store, and says what is odd."""
    path = arguments.positional_file or arguments.config
    try:
        config, source = load_with_source(path)
        require_writable(config, source.at(("state",)))
    except ConfigError as error:
        if arguments.json:
            print_json({"ok": False, "path": str(path), "error": str(error)})
        raise
    warnings = [
        *config.warnings,
        *class_warnings(config),
        *_price_list_warnings(config),
        *_preset_warnings(config),
        *_list_warnings(config),
    ]
    abilities = ability_documents(config) if arguments.verbose else None
    needs = need_documents(config, arguments.needs) if arguments.needs else None
    warnings += [] if needs is None else need_warnings(needs)
    door = _door(config) if arguments.verbose else None
    live = _live(path, config) if arguments.live else None
    if arguments.json:
        more = {name: each for name, each in (("abilities", abilities), ("needs", needs)) if each is not None}
        document = {"ok": True, "path": str(path), **_summary(config), **more, **(door or {}), **(live or {})}
        print_json({**document, "warnings": warnings})
    else:
        print(_report(config, str(path)))
        if needs is not None:
            print("\n" + need_report(needs))
        if abilities is not None:
            print("\n" + ability_report(abilities))
        if door is not None:
            print("\n" + door_report(door))
        if live is not None:
            print("\n" + live_report(live))
        for warning in warnings:
            print(f"warning: {warning}", file=sys.stderr)
    return 1 if arguments.strict and (warnings or (live and live["limits_changed"])) else 0


def _live(path: str, config: Config) -> dict[str, Any]:
    """Who answered, and the limits that the answers report otherwise than the file has them."""
    print("asking each key and model ...", file=sys.stderr, flush=True)
    from router_config.cli.checks.reported_limits import ask_all

    return asyncio.run(ask_all(path, config.defaults.timeout))


def live_report(live: dict[str, Any]) -> str:
    """Limits that changed, as a table for people."""
    answered = f"{live['answered']} of {plural(live['asked'], 'key and model', 'keys and models')} answered"
    if not live["limits_changed"]:
        return f"{answered}; no limit is reported otherwise than the file has it."
    rows = [
        (
            each["provider"],
            each["model"] or "the account",
            each["limit"],
            amount(each["file"]),
            amount(each["reported"]),
            "just now" if each["since"] is None else each["since"],
            "the provider's" if each["in_force"] else "the file's",
            each["edit"],
        )
        for each in live["limits_changed"]
    ]
    header = ("PROVIDER", "OF", "LIMIT", "FILE", "REPORTED", "SINCE", "IN FORCE", "EDIT")
    return f"{answered}. Limits that changed:\n" + table(header, rows)


def _door(config: Config) -> dict[str, Any]:
    print("loading LiteLLM ...", file=sys.stderr, flush=True)
    from router_config.cli.checks.self_check import versions, ways

    return {"litellm": versions(), "ways": ways(config)}


def door_report(door: dict[str, Any]) -> str:
    """Which way requests go, by provider, and the seams: a table for people."""
    rows = [
        (each["name"], each["way"] if "way" in each else "on" if each["on"] else "off", each["why"] or "")
        for each in door["ways"]
    ]
    return f"With {door['litellm']}:\n" + table(("PROVIDER OR SEAM", "WAY", "WHY"), rows)


def key_state(provider: Provider) -> str:
    """`GROQ_API_KEY`, `GROQ_API_KEY (not set)`, `2 keys`, ... as a table has it."""
    if provider.missing:
        return f"{', '.join(provider.missing)} (not set)"
    if not provider.needs_key:
        return "none needed"
    with_secret = sum(key.secret is not None for key in provider.keys)
    if len(provider.keys) > 1:
        return f"{with_secret} of {plural(len(provider.keys), 'key')}"
    variable = provider.keys[0].variable
    return (variable or "in the file") if with_secret else f"{variable} (not set)"


def _report(config: Config, path: str) -> str:
    models = sum(len(provider.models) for provider in config.providers)
    providers = plural(len(config.providers), "provider")
    ready = sum(provider.configured and provider.enabled for provider in config.providers)
    rows = [
        (
            provider.priority,
            provider.name if provider.enabled else f"{provider.name} (off)",
            provider.tier,
            key_state(provider),
            _limits(provider.limits),
            ", ".join(model.name for model in provider.models),
        )
        for provider in config.by_priority
    ]
    lines = [
        f"{path} is fine: {providers}, {ready} ready, {plural(models, 'model')}.",
        f"Counts are kept in {without_password(config.state)}.",
        "",
        table(("PRIORITY", "PROVIDER", "TIER", "KEY", "LIMITS", "MODELS"), rows),
        "",
        *(f"{group}: {', '.join(ids)}" for group, ids in _groups(config).items()),
    ]
    if config.aliases:
        lines.append("aliases: " + ", ".join(f"{alias} -> {group}" for alias, group in config.aliases.items()))
    if config.classes:
        lines += ["", class_report(config)]
    return "\n".join(lines)


def _limits(limits: Limits) -> str:
    return ", ".join(f"{amount(value)} {name}" for name, value in limits.given().items()) or "none"


def _groups(config: Config) -> dict[str, list[str]]:
    """The deployments of each group in the order in which they are tried, those without a key included."""
    deployments = deployments_of(config, configured_only=False)
    return {group: [each.id for each in deployments if group in each.groups] for group in sorted(config.groups)}


def _summary(config: Config) -> dict[str, Any]:
    return {
        "state": without_password(config.state),
        "providers": [
            {
                "name": provider.name,
                "priority": provider.priority,
                "tier": provider.tier,
                "enabled": provider.enabled,
                "configured": provider.configured,
                "key_variables": list(provider.key_variables),
                "limits": provider.limits.given(),
                "models": [model.name for model in provider.models],
            }
            for provider in config.by_priority
        ],
        "groups": _groups(config),
        "aliases": config.aliases,
        **({"classes": class_documents(config)} if config.classes else {}),
    }


def _preset_warnings(config: Config) -> list[str]:
    """Presets whose facts are old, and services that are gone."""
    today = date.today()
    used = (preset_of(each.name, each.litellm_provider) for each in config.by_priority if each.enabled)
    presets = {preset.name: preset for preset in used if preset is not None}
    return [warning for preset in presets.values() if (warning := age_warning(preset, today)) is not None]


def _list_warnings(config: Config) -> list[str]:
    """Models that the providers' own lists lacked when `router-config models` read them last."""
    lists = KeptLists(config)
    if lists.folder is None or not lists.folder.is_dir():
        return []
    warnings = []
    for provider in (each for each in config.by_priority if each.enabled and each.configured):
        kept = lists.read(provider)
        found = () if kept is None else compare(provider, kept.listing, whole=facts_of(provider).whole).gone
        for model in found:
            if kept is not None and (provider.litellm_provider, model.name) not in RETIRED:
                use = f"; use {model.successors[0]} instead" if model.successors else ""
                read_on = (iso(kept.asked_at) or "")[:10]
                warnings.append(f"{provider.name}: {model.name} was not in its list of {read_on}{use}")
    return warnings


def _price_list_warnings(config: Config) -> list[str]:
    """What LiteLLM's price list knows of the models: retirement, and no price where dollars are limited."""
    providers = [provider for provider in config.providers if provider.enabled]
    listed = price_list.listed((each.litellm_provider, model.name) for each in providers for model in each.models)
    unpriced = {(provider.name, model.name) for provider, model in without_price(providers, prices_of(providers))}
    today = date.today()
    warnings = []
    for provider in providers:
        for model in provider.models:
            gone = price_list.retired_on(listed[provider.litellm_provider, model.name])
            known = (provider.litellm_provider, model.name) in RETIRED
            if gone is not None and gone <= today + _SOON and not known and provider.api_base is None:
                when = "is no longer served since" if gone <= today else "will not be served from"
                warnings.append(f"{provider.name}: {model.name} {when} {gone}{_successor(provider, model.name)}")
            if (provider.name, model.name) in unpriced:
                warnings.append(
                    f"{provider.name}: usd_per_day needs a price, and none is known for {model.name}; "
                    "give it one, such as price: {input: 0.15, output: 0.60}"
                )
    return warnings


def _successor(provider: Provider, model: str) -> str:
    preset = preset_of(provider.name, provider.litellm_provider)
    if preset is None or preset.successor is None or preset.successor == model:
        return ""
    return f"; {preset.successor} is"
