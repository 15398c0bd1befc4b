"""The lists of models as tables for people, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from router_config.catalogue.comparison import Comparison, FileModel
from router_config.catalogue.known_facts import known_facts
from router_config.catalogue.listing import ListedModel, Listing
from router_config.cli.model_lists import Looked
from router_config.cli.text import amount, plural, table
from router_config.config.models import Provider
from router_config.iso import iso

MOST_NEW: Final = 15
"""New models of a provider that the table has unless all are asked for."""

_HEADER: Final = ("", "MODEL", "CONTEXT", "TOOLS", "VISION", "$ PER 1M IN/OUT", "")
Known = Mapping[str, Mapping[str, Any]]
"""By model, the facts that LiteLLM's list adds."""

_MARKS: Final = {"listed": "", "deprecated": "ends", "gone": "GONE", "unknown": "?"}


def tables(looked: Sequence[Looked], *, every: bool) -> str:
    """A table for each provider whose list was read. every: all that is new, not only chats that are free."""
    return "\n\n".join("\n".join(_provider(each, every)) for each in looked) or "no provider is switched on"


def _provider(looked: Looked, every: bool) -> Iterator[str]:
    provider = looked.provider
    yield f"{provider.name} ({provider.tier}): {_about(looked)}"
    if looked.comparison is None:
        return
    listing = None if looked.kept is None else looked.kept.listing
    new = looked.comparison.new if every else offers(provider, looked.comparison.new, listing)
    shown = new if every else new[:MOST_NEW]
    known = known_facts(provider, _listed(looked.comparison, shown))
    rows = [_file_row(model, known) for model in looked.comparison.models]
    rows += [("new", model.name, *_facts(model, known), "") for model in shown]
    yield table(_HEADER, rows)
    others = len(looked.comparison.new) - len(shown)
    if others:
        yield f"and {plural(others, 'model')} more that the file does not have: --all shows them"
    if known:
        yield "~ is what LiteLLM's price list says, where the provider's own list says nothing"
    account = _account(listing)
    if account:
        yield account


def offers(provider: Provider, new: Sequence[ListedModel], listing: Listing | None) -> tuple[ListedModel, ...]:
    """The new models that a person may want to use for nothing: chats that are free.

    Where a provider's tier is free and its list tells of no model that it is, all are.
    """
    told = listing is not None and any(model.free for model in listing.models)
    return tuple(
        model
        for model in new
        if model.kind == "chat" and not model.deprecated and (model.free if told else provider.tier == "free")
    )


def _about(looked: Looked) -> str:
    if looked.kept is None:
        return f"{'not asked' if looked.unconfigured else 'no list'}: {looked.problem}"
    when = "asked now" if looked.source == "asked" else f"asked {iso(looked.kept.asked_at)}"
    problem = "" if looked.problem is None else f"; {looked.problem}"
    return f"{plural(len(looked.kept.listing.models), 'model')} listed, {when}{problem}"


def _listed(found: Comparison, new: Sequence[ListedModel]) -> list[ListedModel]:
    return [*(model.listed for model in found.models if model.listed is not None), *new]


def _file_row(model: FileModel, known: Known) -> tuple[object, ...]:
    facts = _facts(model.listed, known) if model.listed is not None else ("-", "-", "-", "-")
    note = ""
    if model.listed is not None and model.listed.retires_on is not None:
        note = f"until {model.listed.retires_on}"
    if model.successors:
        note = f"{note}, then {model.successors[0]}" if note else f"-> {model.successors[0]}"
    elif model.state == "gone":
        note = "no successor is known"
    elif model.state == "unknown":
        note = "the list cannot tell"
    return (_MARKS[model.state], model.name, *facts, note)


def _facts(model: ListedModel, known: Known) -> tuple[object, ...]:
    others = known.get(model.name, {})
    whole = replace(model, **others)
    context = "-" if whole.context is None else _tokens(whole.context)
    cells = {"context": context, "tools": _yes(whole.tools), "vision": _yes(whole.vision), "price": _price(whole)}
    return tuple(f"~{cell}" if fact in others and cell != "free" else cell for fact, cell in cells.items())


def _tokens(number: int) -> str:
    """131072 as 131k: nobody needs the last digits of a context."""
    return amount(number) if number < 10_000 else f"{number / 1e6:.3g}M" if number >= 10**6 else f"{number // 1000}k"


def _yes(value: bool | None) -> str:
    return "-" if value is None else "yes" if value else "no"


def _price(model: ListedModel) -> str:
    if model.free:
        return "free"
    return "-" if model.price is None else f"{model.price.input:g} / {model.price.output:g}"


def _account(listing: Listing | None) -> str:
    account = None if listing is None else listing.account
    if account is None:
        return ""
    told = []
    if account.free_tier is not None:
        told.append("nothing was ever paid" if account.free_tier else "something was paid")
    if account.remaining_usd is not None:
        of = "" if account.limit_usd is None else f" of ${account.limit_usd:g}"
        told.append(f"${account.remaining_usd:g}{of} left" + (f" ({account.resets})" if account.resets else ""))
    return f"account: {', '.join(told)}" if told else ""


def document(looked: Sequence[Looked], path: str) -> dict[str, Any]:
    """All that is known, as JSON."""
    return {
        "path": path,
        "gone": sum(len(each.comparison.gone) for each in looked if each.comparison is not None),
        "providers": [_plain(each) for each in looked],
    }


def _plain(looked: Looked) -> dict[str, Any]:
    kept, found = looked.kept, looked.comparison
    account = None if kept is None else kept.listing.account
    known = {} if found is None else known_facts(looked.provider, _listed(found, found.new))
    return {
        "name": looked.provider.name,
        "tier": looked.provider.tier,
        "source": looked.source,
        "asked_at": None if kept is None else iso(kept.asked_at),
        "complete": None if kept is None else kept.listing.complete,
        "counted": looked.counted,
        "problem": looked.problem,
        "account": None
        if account is None
        else {
            "free_tier": account.free_tier,
            "limit_usd": account.limit_usd,
            "remaining_usd": account.remaining_usd,
            "used_usd": account.used_usd,
            "resets": account.resets,
        },
        "models": []
        if found is None
        else [
            {
                "name": model.name,
                "state": model.state,
                "missing_since": None if kept is None else iso(kept.missing_since.get(model.name)),
                "successors": list(model.successors),
                **_plain_facts(model.listed, known),
            }
            for model in found.models
        ],
        "new": [] if found is None else [{"name": model.name, **_plain_facts(model, known)} for model in found.new],
    }


def _plain_facts(listed: ListedModel | None, known: Known) -> dict[str, Any]:
    if listed is None:
        return {}
    others = known.get(listed.name, {})
    model = replace(listed, **others)
    return {
        "kind": model.kind,
        "context": model.context,
        "tools": model.tools,
        "vision": model.vision,
        "price": None if model.price is None else {"input": model.price.input, "output": model.price.output},
        "free": model.free,
        "deprecated": model.deprecated,
        "retires_on": model.retires_on,
        "created": None if model.created is None else iso(model.created),
        "by_litellm": list(others),
    }
