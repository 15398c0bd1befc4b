"""How fast the models are, as the process that is asked measured it, in its status and explanations."""

from collections.abc import Iterable, Sequence
from typing import Any

from router_config.deployments.deployment import Deployment
from router_config.deployments.speed import Speed, Speeds


def with_speeds(status: dict[str, Any], deployments: Iterable[Deployment], speeds: Speeds) -> dict[str, Any]:
    """The JSON of a status, with what was measured of each model; without a measurement nothing is added."""
    measured = {(each.provider, each.model): known for each in deployments if (known := speeds.known(each)) is not None}
    if not measured:
        return status
    for provider in status["providers"]:
        for model in provider["models"]:
            known = measured.get((provider["name"], model["name"]))
            if known is not None:
                model |= _shown(known)
    return status


def explained(document: dict[str, Any], tiers: Sequence[Sequence[Deployment]], tokens: int, speeds: Speeds) -> None:
    """Add to an explanation how soon each of several equal candidates is expected to answer.

    tokens: of the answer.
    """
    told: dict[str, str] = {}
    for tier in tiers:
        taking = {each.id: known.expected(tokens).seconds for each in tier if (known := speeds.known(each)) is not None}
        fastest = min(taking.values(), default=0.0)
        for each in tier if len(tier) > 1 else ():
            if each.id not in taking:
                told[each.id] = f"not measured yet, of {len(tier)} that are equal"
                continue
            place = "fastest" if taking[each.id] == fastest else "slower"
            told[each.id] = f"{place} of {len(tier)}: {taking[each.id] * 1000:.0f} ms expected"
    for provider in document["providers"]:
        for candidate in provider["candidates"]:
            if candidate["deployment"] in told:
                candidate["speed"] = told[candidate["deployment"]]


def _shown(speed: Speed) -> dict[str, Any]:
    expected = speed.expected(0)
    return {
        "first_token_ms": None if expected.first_token is None else round(expected.first_token * 1000),
        "tokens_per_second": round(1 / expected.per_token, 1) if expected.per_token > 0 else None,
    }
