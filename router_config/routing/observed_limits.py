"""What a response says of the limits, as reports to the ledger."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from router_config.deployments.deployment import Deployment
from router_config.ledger.rules.meters import LIMITS, LimitName, Meter
from router_config.ledger.rules.reported_limits import Report
from router_config.signals import Observation

_NAMES: Final[Mapping[tuple[str, str], LimitName]] = {
    (kind.metric, kind.unit): name
    for name, kind in LIMITS.items()
    if kind.unit not in ("odd", "concurrent") and kind.part is None
}


def reports_of(
    deployment: Deployment, observations: tuple[Observation, ...], *, refused: bool, only_model: bool
) -> Iterator[Report]:
    """One report for each limit that a reply's headers and body tell of.

    refused: the reply's status is 400 or above. only_model: the account serves no other model here, so what is
    said of the model holds for the account.
    """
    for each in observations:
        name = _NAMES[each.metric, each.period]
        account, model = _of(deployment.account_meters, name), _of(deployment.model_meters, name)
        named = account if each.scope == "account" else model
        if named is not None:
            yield _report(named.scope, name, each)
        limited = None if account is None or each.scope == "account" else account.value_of(name)
        if account is not None and limited is not None and not refused:
            # The user counts this limit over all models of the account: what others used of one, they used of it.
            # A refusal closes only what it names.
            yield _of_account(_report(account.scope, name, each), limited, only_model)


def _of(meters: tuple[Meter, ...], name: LimitName) -> Meter | None:
    """The meter that counts what this limit does. None: nothing here counts by its window."""
    if LIMITS[name].unit in ("minute", "day"):
        return meters[0]
    return next(
        (meter for meter in meters if any(limit.kind.unit == LIMITS[name].unit for limit in meter.limits)), None
    )


def _report(scope: str, name: LimitName, seen: Observation) -> Report:
    return Report(scope, name, seen.limit, seen.remaining, seen.reset_after, seen.refills)


def _of_account(report: Report, limited: float, only_model: bool) -> Report:
    if only_model or report.limit is None or report.limit >= limited:
        return report if only_model else replace(report, limit=limited)
    remaining = None if report.remaining is None else report.remaining + limited - report.limit
    return replace(report, limit=limited, remaining=remaining)
