"""What a response says of the limits, as reports to the ledger."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from router_config.deployments.deployment import Deployment
from router_config.ledger.rules.meters import LIMITS, LimitName
from router_config.ledger.rules.reported_limits import Report
from router_config.signals import Observation

_NAMES: Final[Mapping[tuple[str, str], LimitName]] = {
    (metric, period): name for name, (period, metric) in LIMITS.items()
}


def reports_of(
    deployment: Deployment, observations: tuple[Observation, ...], *, refused: bool, only_model: bool
) -> Iterator[Report]:
    """One report for each limit that a reply's headers and body tell of.

    refused: the reply's status is 400 or above. only_model: the account serves no other model here, so what is
    said of the model holds for the account.
    """
    account, model = deployment.meters
    for each in observations:
        name = _NAMES[each.metric, each.period]
        if each.scope == "account":
            yield _report(account.scope, name, each)
            continue
        yield _report(model.scope, name, each)
        limited = next((limit.value for limit in account.limits if limit.name == name), None)
        if limited is not None and not refused:
            # The user counts this limit over all models of the account: what others used of one, they used of it.
            # A refusal closes only what it names.
            yield _of_account(_report(account.scope, name, each), limited, only_model)


def _report(scope: str, name: LimitName, seen: Observation) -> Report:
    return Report(scope, name, seen.limit, seen.remaining, seen.reset_after, seen.refills)


def _of_account(report: Report, limited: float, only_model: bool) -> Report:
    if only_model or report.limit is None or report.limit >= limited:
        return report if only_model else replace(report, limit=limited)
    remaining = None if report.remaining is None else report.remaining + limited - report.limit
    return replace(report, limit=limited, remaining=remaining)
