"""`router-config explain`: what would happen to a request now, and why."""

import argparse
from collections.abc import Iterator
from typing import Any

from router_config.cli.commands.ask import group_of
from router_config.cli.store_access import read, warn_of_memory
from router_config.cli.text import amount, clock, print_json, span, table, until
from router_config.config.loading import load_config

_WHOLE = {
    "provider": "the whole provider",
    "account": "this account, all its models",
    "key": "this key",
    "model": "this model",
}


def explain(arguments: argparse.Namespace) -> int:
    """Prints every gate of every candidate for a request; it takes no room."""
    config = load_config(arguments.config)
    group = group_of(config, arguments.group)
    document = read(config, lambda source: source.aexplain(group, arguments.tokens, arguments.needs, arguments.agent))
    if arguments.json:
        print_json(document)
    else:
        print("\n".join(_lines(document)))
        warn_of_memory(config)
    return 0


def _lines(document: dict[str, Any]) -> Iterator[str]:
    needs = f" that needs {', '.join(document['needs'])}" if document["needs"] else ""
    size = f"{document['tokens']} tokens (half prompt, half answer)"
    whose = f" of {document['agent'] or 'an agent'} (class {document['class']})" if "class" in document else ""
    yield f"A request of {size}{whose}{needs} to the group {document['group']}, now:"
    yield f"  {_outcome(document)}"
    places = [each["place"] for provider in document["providers"] for each in provider["candidates"]]
    for provider in document["providers"]:
        if provider["absent"] is not None:
            yield f"\n-  {provider['name']}: {provider['absent']['status']}"
            yield f"     {provider['absent']['reason']}"
        for candidate in provider["candidates"]:
            shared = places.count(candidate["place"]) > 1
            yield f"\n{candidate['place']}. {candidate['deployment']}: {_verdict(candidate, document)}"
            yield from (f"     {line}" for line in _why(candidate, document, shared=shared))


def _outcome(document: dict[str, Any]) -> str:
    if document["chosen"] is not None:
        return f"{document['next']} would serve it, with {document['chosen']}{_before(document)}."
    if not any(provider["candidates"] for provider in document["providers"]):
        return "nobody would serve it: no provider of this group is configured. Set a key with router-config env."
    first = until(document["clears_at"], document["generated_at"])
    when = f"Room again {first}." if first else "Waiting will not change that."
    if not first and document["waits_for_in_flight"]:
        when = "Room again when a request in flight ends."
    longest = span(document["max_wait_seconds"])
    if document["waits"]:
        return f"nobody has room. {when} It would wait for that, for {longest} at most."
    patience = f"not within max_wait, {longest}" if document["max_wait_seconds"] else "max_wait is 0"
    return f"nobody would serve it, and it would fail at once ({patience}). {when}"


def _before(document: dict[str, Any]) -> str:
    """How many deployments come before the chosen one, and why it is none of them."""
    candidates = [each for provider in document["providers"] for each in provider["candidates"]]
    (chosen,) = (each for each in candidates if each["deployment"] == document["chosen"])
    before = [each["status"] for each in candidates if each["place"] < chosen["place"]]
    late = sum(status == "soft_limited" for status in before)
    told = [
        f"{len(before) - late} skipped before it" if len(before) > late else "",
        f"{late} past the soft limit" if late else "",
    ]
    return f" ({', '.join(filter(None, told))})" if before else ""


def _verdict(candidate: dict[str, Any], document: dict[str, Any]) -> str:
    if candidate["deployment"] == document["chosen"]:
        return "serves it"
    if candidate["status"] == "available":
        return "has room; comes after"
    if candidate["status"] == "soft_limited":
        return "has room, past its soft limit; comes after those that are below theirs"
    when = until(candidate["clears_at"], document["generated_at"])
    return f"skipped, {candidate['status']}{'; again ' + when if when else ''}"


def _why(candidate: dict[str, Any], document: dict[str, Any], *, shared: bool) -> Iterator[str]:
    if "speed" in candidate:
        yield candidate["speed"]
    elif shared:
        yield "shares the load with the others of its place, the more the more room it has"
    if candidate["deployment"] == document["chosen"] and candidate["status"] == "soft_limited":
        yield "past its soft limit, but nobody below theirs has room, or only paid ones would come before it"
    yield from candidate["lacks"]
    if candidate["rest"] is not None:
        yield _cooldown(candidate["rest"])
    elif candidate["probe_due"]:
        yield "its cooldown is over; this request would try it, and the others keep away until it has succeeded"
    for each in candidate["endpoints"]:
        yield f"besides chats: {_cooldown(each)}"
    estimate = candidate["estimate"]
    if estimate["answers"]:
        ours, theirs = estimate["prompt_tokens"], estimate["counted_tokens"]
        by = f"by {estimate['answers']} answers, the last of which differed by {estimate['mean_error']:.0%} on average"
        yield f"counts {theirs} tokens for a prompt that we estimate at {ours}, {by}"
    if not candidate["gates"]:
        yield "no limits"
        return
    rows = [_row(gate) for gate in candidate["gates"]]
    yield from table(("LIMIT", "OF", "USED", "RESERVED", "NEEDED", "SUM", "AT MOST", ""), rows).split("\n")


def _cooldown(cooldown: dict[str, Any]) -> str:
    then = ", then one request tries it" if cooldown["then_probes"] else ""
    ends = (
        f"until {clock(cooldown['until'])}{then}" if cooldown["until"] else "until a person acts (router-config doctor)"
    )
    state = "in cooldown" if cooldown["status"] == "cooldown" else cooldown["status"].replace("_", " ")
    return f"{_WHOLE[cooldown['of']]} is {state} since {clock(cooldown['since'])}, {ends}: {cooldown['reason']}"


def _row(gate: dict[str, Any]) -> tuple[object, ...]:
    numbers = [amount(gate[name]) for name in ("used", "reserved", "needed")]
    total = gate["used"] + gate["reserved"] + gate["needed"]
    of = "account" if gate["scope"].startswith("account:") else "model"
    of = f"class {gate['class']}" if "class" in gate else of
    return (gate["name"], of, *numbers, amount(round(total, 9)), amount(gate["limit"]), _judged(gate))


def _judged(gate: dict[str, Any]) -> str:
    if gate["status"] == "too_large":
        return "BLOCKS: the prompt is too large for this limit at any time"
    if gate["blocks"] and gate["limit"] <= 0:
        return "BLOCKS: 0 means never"
    if gate["status"] == "paced":
        paced = f"pace: {amount(gate['paced'])} of {amount(gate['limit'])} are for the hours until now"
        return f"BLOCKS{' until ' + clock(gate['clears_at']) if gate['clears_at'] else ''}; {paced}"
    kept = f"{amount(gate['kept'])} are kept for {', '.join(gate['kept_for'])}" if "kept" in gate else ""
    if gate["status"] == "kept":
        return f"BLOCKS{' until ' + clock(gate['clears_at']) if gate['clears_at'] else ''}; {kept or 'left for others'}"
    if gate["blocks"] and gate["name"] == "parallel":
        return "BLOCKS until one in flight ends"
    if gate["blocks"]:
        return f"BLOCKS{' until ' + clock(gate['clears_at']) if gate['clears_at'] else ''}"
    fits = f"past its soft limit, {amount(gate['soft_limit'])}" if gate["status"] == "soft_limited" else "fits"
    return f"{fits}; {kept}" if kept else fits
