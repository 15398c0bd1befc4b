"""What `check` tells of what each model can do and how that is known, and whether a group can do what is asked for."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from router_config.catalogue.kept_lists import KeptLists
from router_config.catalogue.listing import ListedModel
from router_config.cli.store_access import asked_of_store
from router_config.cli.text import amount, table
from router_config.clock import SystemClock
from router_config.config import prices as price_list
from router_config.config.models import Config, Model, Provider
from router_config.deployments.abilities import ABILITIES, ANSWER, CONTEXT, LISTED, facts_of, misfit
from router_config.deployments.deployment import Deployment
from router_config.deployments.fitness import needs_named
from router_config.deployments.learned import abilities_in
from router_config.deployments.model_list import abilities_told, deployments_of
from router_config.iso import iso
from router_config.ledger.interfaces import Store, StoreError
from router_config.ledger.rules.abilities import Lack, Place
from router_config.presets.abilities import preset_facts

SHOWN: Final = ("tools", "images", "json_schema", CONTEXT, ANSWER)
"""Columns of the table; the JSON has all."""

_SHOWN_ONLY: Final = {"json_schema": "supports_response_schema"}
"""What LiteLLM's list knows, and requests are not held back for: LiteLLM has a way around it."""


class Known(NamedTuple):
    """Whether a model can, or the most tokens; None: nobody says. source: file, learned ..., own list, preset
    or LiteLLM."""

    value: bool | int | None = None
    source: str | None = None


class _Sources(NamedTuple):
    """What is known of one model: the file, its provider's own list, the preset, LiteLLM's list, and its refusals."""

    provider: Provider
    model: Model
    own: ListedModel | None
    listed: Mapping[str, Any]
    lacks: Mapping[str, Lack]

    def known(self, name: str) -> Known:
        """The first that says so, in the order in which requests go by it."""
        told = {**self.model.supports.given(), CONTEXT: self.model.context, ANSWER: self.model.max_output}.get(name)
        if told is not None:
            return Known(told, "file")
        if (lack := self.lacks.get(name)) is not None:
            value: bool | int | None = False if name in ABILITIES else lack.size
            return Known(value, f"learned {str(iso(lack.seen))[:10]}")
        if self.own is not None:
            said = {"tools": self.own.tools, "images": self.own.vision, CONTEXT: self.own.context}.get(name)
            if said is not None:
                return Known(said, "own list")
        said = preset_facts(self.provider.litellm_provider, self.model.name).get(
            "max_output" if name == ANSWER else name
        )
        if said is not None:
            return Known(said, "preset")
        keys = {**LISTED, **_SHOWN_ONLY, CONTEXT: "max_input_tokens", ANSWER: "max_output_tokens"}
        listed = self.listed.get(keys.get(name, ""))
        if isinstance(listed, bool if name in ABILITIES else int):
            return Known(listed, "LiteLLM")
        return Known()


def ability_documents(config: Config) -> list[dict[str, Any]]:
    """By model of the file what it can do, and how that is known, as JSON.

    Raises StoreError where the store of what was learned cannot be read.
    """
    return [
        {
            "provider": each.provider.name,
            "model": each.model.name,
            **{name: each.known(name)._asdict() for name in (*ABILITIES, CONTEXT, ANSWER)},
        }
        for each in _sources(config, _learned(config)).values()
    ]


def ability_report(documents: Sequence[Mapping[str, Any]]) -> str:
    """The same as a table for people."""
    rows = [(each["provider"], each["model"], *(_cell(each[name]) for name in SHOWN)) for each in documents]
    header = ("PROVIDER", "MODEL", "TOOLS", "IMAGES", "JSON SCHEMA", "CONTEXT", "MAX OUTPUT")
    return "What each model can do, and who says so (-: nobody, so it is tried):\n" + table(header, rows)


def _cell(known: Mapping[str, Any]) -> str:
    value = known["value"]
    if value is None:
        return "-" if known["source"] is None else f"less ({known['source']})"
    told = ("yes" if value else "no") if isinstance(value, bool) else amount(value)
    return f"{told} ({known['source']})"


def need_documents(config: Config, needs: Sequence[str]) -> dict[str, Any]:
    """Which models of each group can do a request with these needs, as JSON: known to, maybe, or not, and why."""
    sources, asked, now = _sources(config, _learned(config)), needs_named(needs), SystemClock().now()
    groups: dict[str, Any] = {}
    for group in sorted(config.groups):
        found: dict[str, Any] = {"can": [], "may": [], "cannot": {}}
        for each in deployments_of(config):
            of = sources.get((each.provider, each.model))
            if group not in each.groups or of is None:
                continue
            lacking = misfit(_facts(each, of), asked, 0, 0, of.lacks, now)
            if lacking is not None:
                found["cannot"][each.id] = lacking.reason
            else:
                sure = all(of.known(name).value for name in needs)
                found["can" if sure else "may"].append(each.id)
        groups[group] = found
    return {"asked": list(needs), "groups": groups}


def need_report(document: Mapping[str, Any]) -> str:
    """The same for people."""
    asked = ", ".join(document["asked"])
    lines = [f"Requests that need {asked}:"]
    for group, found in document["groups"].items():
        lines += [f"  {group}: {', '.join(found['can']) or 'nobody is known to'}"]
        lines += [f"    may: {', '.join(found['may'])}"] if found["may"] else []
        lines += [f"    cannot: {name}: {reason}" for name, reason in found["cannot"].items()]
    return "\n".join(lines)


def need_warnings(document: Mapping[str, Any]) -> list[str]:
    """The groups that cannot."""
    asked = ", ".join(document["asked"])
    return [
        f"no model of group {group} can do {asked}: give one that can, or correct `supports` of a model"
        for group, found in document["groups"].items()
        if not found["can"] and not found["may"]
    ]


def _facts(deployment: Deployment, of: _Sources) -> Any:
    own = of.own
    told = {"supports_function_calling": own.tools, "supports_vision": own.vision} if own is not None else {}
    preset = preset_facts(of.provider.litellm_provider, of.model.name)
    return facts_of(deployment.same_model, abilities_told(of.model), of.listed, told, preset)


def _sources(config: Config, learned: Mapping[Place, Lack]) -> dict[tuple[str, str], _Sources]:
    places: dict[tuple[str, str], set[str]] = {}
    for each in deployments_of(config, configured_only=False):
        places.setdefault((each.provider, each.model), set()).add(each.same_model)
    models = [(provider, model) for provider in config.by_priority for model in provider.models]
    listed = price_list.listed((provider.litellm_provider, model.name) for provider, model in models)
    lists, found = KeptLists(config), {}
    for provider, model in models:
        kept = lists.read(provider) if lists.folder is not None and lists.folder.is_dir() else None
        prefix, name = provider.litellm_provider, model.name
        entry = next((each for each in listed[prefix, name] if each.get("litellm_provider") == prefix), {})
        where = places.get((provider.name, name), set())
        lacks = {ability: lack for (place, ability), lack in learned.items() if lack.lacks and place in where}
        own = None if kept is None else kept.listing.named(name)
        found[provider.name, name] = _Sources(provider, model, own, entry, lacks)
    return found


def _learned(config: Config) -> Mapping[Place, Lack]:
    async def lacks(_: Config, store: Store) -> Mapping[Place, Lack]:
        return abilities_in(await store.learn({}))

    try:
        return asked_of_store(config, lacks)
    except StoreError:
        return {}  # `check` itself says what is wrong with it.
