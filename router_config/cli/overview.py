"""The status as plain text: a table, and what holds for all."""

from collections.abc import Iterator
from typing import Any

from router_config.cli.text import amount, plural, table, until


def overview(document: dict[str, Any]) -> str:
    """The document of GET /api/llm-providers as a table, with remarks below it."""
    rows = [
        (
            provider["priority"],
            provider["name"],
            provider["tier"],
            provider["status"],
            _limits(provider["limits"]),
            today(provider["usage_today"]),
            ": ".join(filter(None, (_again(provider, document["generated_at"]), provider["reason"]))),
        )
        for provider in document["providers"]
    ]
    header = ("PRIORITY", "PROVIDER", "TIER", "STATUS", "USED", "TODAY", "")
    simulated = ["Simulated: the providers here are not real.", ""] if document["simulated"] else []
    return "\n".join([*simulated, table(header, rows), "", *remarks(document)])


def _again(provider: dict[str, Any], now: str) -> str:
    again = until(provider["available_at"], now)
    since = provider.get("refused_since")
    return f"refused since {since}, asked again {again}" if since and again else again


def remarks(document: dict[str, Any]) -> Iterator[str]:
    """Lines about the whole: what is wrong, who is next, and what is left."""
    if document["config"]["error"]:
        yield f"configuration: {document['config']['error']}"
    state = document["state"]
    if "degraded" in state:
        failing = state["degraded"]
        yield f"{state['store']} fails since {failing['since']}, each process counts for itself: {failing['reason']}"
    for provider in document["providers"]:
        for each in provider.get("endpoints", ()):
            again = until(each["until"], document["generated_at"])
            yield f"{provider['name']}, besides chats: {each['reason']} Asked again {again}."
    for provider in document["providers"]:
        for change in provider.get("limits_changed", ()):
            yield limit_change(provider["name"], change)
        for model in provider["models"]:
            if model.get("answers_as"):
                gone = f"{provider['name']} {model['name']} is gone since {model['retired']['since']}"
                yield f"{gone}: {model['answers_as']} answers in its place until the file is edited"
    for each in document.get("classes", ()):
        yield _class(each)
    following = ", ".join(f"{group} -> {provider or 'nobody'}" for group, provider in document["next"].items())
    yield f"next: {following or 'nobody'}   ({document['generated_at']})"
    yield from left(document)


def _class(each: dict[str, Any]) -> str:
    """What a class of agents used today, was refused, and what is kept for it now."""
    used = f"{plural(each['requests_today'], 'request')}, {plural(each['tokens_today'], 'token')} today"
    cost = f", ${each['cost_usd_today']:.2f}" if each["cost_usd_today"] else ""
    refused = f", {each['refused_today']} refused" if each["refused_today"] else ""
    kept = []
    for provider in each["providers"]:
        limits = [f"{amount(limit['kept'])} {name}" for name, limit in provider["limits"].items() if limit["kept"]]
        kept += [f"{provider['name']} {', '.join(limits)}"] if limits else []
    return f"class {each['name']}: {used}{cost}{refused}" + (f"; kept for it: {'; '.join(kept)}" if kept else "")


def limit_change(provider: str, change: dict[str, Any]) -> str:
    """A limit that a provider reports otherwise than the file has it, and the edit."""
    of = f"{provider} {change['model']}" if change["model"] else provider
    held = "in force" if change["in_force"] else "the file's is in force"
    told = f"{of} {change['limit']}: {amount(change['file'])} in the file, {provider} says {amount(change['reported'])}"
    return f"{told} since {change['since']}; {held}" + (f"; {change['edit']}" if change["edit"] else "")


def left(document: dict[str, Any]) -> Iterator[str]:
    """What is left today, this week and this month, how fast it goes, and when it is expected to be gone."""
    capacity, now = document["capacity"], document["generated_at"]
    if capacity["tokens_remaining_today"] is not None:
        rate = f"{capacity['burn_tokens_per_hour']:,} in the last hour"
        yield f"left today: {capacity['tokens_remaining_today']:,} tokens; {rate}{_gone('day', capacity, now)}"
    for window in ("week", "month"):
        longer = capacity.get("windows", {}).get(window)
        if longer is not None:
            yield f"left this {window}: {_of_window(longer)}{_gone(window, capacity, now)}"


def _of_window(window: dict[str, Any]) -> str:
    tokens, requests = window["tokens_remaining"], window["requests_remaining"]
    told = ["" if tokens is None else f"{tokens:,} tokens", "" if requests is None else plural(requests, "request")]
    return ", ".join(filter(None, told)) or "nobody knows yet"


def _gone(name: str, capacity: dict[str, Any], now: str) -> str:
    """When it is expected to be gone, and how sure that is."""
    window = capacity["windows"].get(name)
    if window is None or window["exhausted_at"] is None:
        return ""
    gone = until(window["exhausted_at"], now)
    last = "" if name == "day" else f", {window['binding']} last"
    if capacity["basis"] == "last_hour":
        return f"; gone {gone} at the rate of the last hour, a guess{last}"
    early, late = (window["exhausted"][edge] for edge in ("p10", "p90"))
    perhaps = until(late, now) if late is not None else "perhaps never"
    return f"; gone {gone} by forecast ({until(early, now)} to {perhaps}){last}"


def today(usage: dict[str, Any]) -> str:
    cost = f", ${usage['cost_usd']:.2f}" if usage["cost_usd"] else ""
    errors = f", {usage['errors']} failed" if usage["errors"] else ""
    cached = f", {share_cached(usage):.0%} of prompts cached" if usage["cached_tokens"] else ""
    return f"{plural(usage['requests'], 'request')}, {plural(usage['tokens'], 'token')}{cached}{cost}{errors}"


def share_cached(usage: dict[str, Any]) -> float:
    """Of the tokens of prompts, how many the provider had in its cache."""
    return float(usage["cached_tokens"] / usage["prompt_tokens"]) if usage["prompt_tokens"] else 0.0


def _limits(limits: dict[str, dict[str, Any]]) -> str:
    shown = (
        f"{amount(each['used'] + each['reserved'])}/{amount(each['limit'])} {name}" for name, each in limits.items()
    )
    return ", ".join(shown) or "-"
