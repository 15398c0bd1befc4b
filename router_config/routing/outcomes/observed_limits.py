"""What a response says of the limits, as reports to the ledger."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from router_config.deployments.catalog import Catalog
from router_config.deployments.deployment import Deployment
from router_config.deployments.learned import Learned
from router_config.deployments.limit_changes import changes_of
from router_config.ledger.rules.history import Event
from router_config.ledger.rules.meters import LIMITS, LimitName, Meter
from router_config.ledger.rules.reported_limits import Report
from router_config.ledger.rules.windows import LENGTHS
from router_config.routing.request import Flight
from router_config.signals import Observation

_NAMES: Final[Mapping[tuple[str, str | None, str], LimitName]] = {
    (kind.metric, kind.part, kind.unit): name for name, kind in LIMITS.items() if kind.unit not in ("odd", "concurrent")
}


def reported(flight: Flight, observations: tuple[Observation, ...], catalog: Catalog) -> tuple[Report, ...]:
    """What an attempt's answer says of limits, for the ledger."""
    if not observations:
        return ()
    refused = (flight.exchange.status or 0) >= 400
    only_model = catalog.serves_one_model(flight.deployment)
    return tuple(reports_of(flight.deployment, observations, refused=refused, only_model=only_model))


def reports_of(
    deployment: Deployment, observations: tuple[Observation, ...], *, refused: bool, only_model: bool
) -> Iterator[Report]:
    """One report for each limit that a reply's headers and body tell of.

    refused: the reply's status is 400 or above. only_model: the account serves no other model here, so what is
    said of the model holds for the account.
    """
    for each in observations:
        name = _NAMES.get((each.metric, each.part, each.period))
        if name is None:  # Input tokens an hour, for example.
            continue
        account, model = _of(deployment.account_meters, name), _of(deployment.model_meters, name)
        named = account if each.scope == "account" else model
        yield _report(named.scope, name, each)
        limited = None if each.scope == "account" else account.value_of(name)
        if limited is not None and not refused:
            # The user counts this limit over all models of the account: what others used of one, they used of it.
            # A refusal closes only what it names.
            yield _of_account(_report(account.scope, name, each), limited, only_model)


def limit_changes(
    flight: Flight, observations: tuple[Observation, ...], learned: Learned, catalog: Catalog, now: float
) -> tuple[Event, ...]:
    """What an attempt's answer says of limits is remembered. The events of those that are reported steadily, from now
    on, and otherwise than the file has them.
    """
    if not observations or flight.request.own_key:  # The limits of a caller's own key are none of the file's.
        return ()
    deployment, refused = flight.deployment, flight.exchange.status == 429
    provider, editable = deployment.provider, flight.request.terms.config is not None
    before = learned.limits(provider)
    if not learned.hear(provider, _stated(deployment, observations), "429" if refused else "headers", now):
        return ()
    theirs = [each for each in catalog.deployments.values() if each.provider == provider]
    known = {(each.model, each.limit, each.reported.value) for each in changes_of(theirs, before)}
    return tuple(
        Event(now, "limit_changed", provider, each.told(editable=editable), now)
        for each in changes_of(theirs, learned.limits(provider))
        if (each.model, each.limit, each.reported.value) not in known
    )


def _stated(
    deployment: Deployment, observations: tuple[Observation, ...]
) -> Iterator[tuple[tuple[str, LimitName], float]]:
    """The limits that a reply states: the scope that each is of, its name and its value.

    One that may be a day's, though it passes for a minute's, is left out: its period was guessed.
    """
    for each in observations:
        name = _NAMES.get((each.metric, each.part, each.period))
        if each.limit is not None and name is not None and not _may_be_of_a_day(each):
            meters = deployment.account_meters if each.scope == "account" else deployment.model_meters
            yield (meters[0].scope, name), each.limit


def _may_be_of_a_day(seen: Observation) -> bool:
    if seen.period != "minute" or seen.limit is None or seen.remaining is None or seen.reset_after is None:
        return False
    used = seen.limit - seen.remaining
    if not used:
        return seen.metric == "requests"  # This request at least should count.
    return abs(seen.reset_after * seen.limit / used - LENGTHS["day"]) < LENGTHS["hour"]


def _of(meters: tuple[Meter, ...], name: LimitName) -> Meter:
    """The meter that counts what this limit does; where none does, the first keeps what is reported of it."""
    return next((meter for meter in meters if meter.holds(LIMITS[name])), meters[0])


def _report(scope: str, name: LimitName, seen: Observation) -> Report:
    return Report(scope, name, seen.limit, seen.remaining, seen.reset_after, seen.refills)


def _of_account(report: Report, limited: float, only_model: bool) -> Report:
    if only_model or report.limit is None or report.limit >= limited:
        return report if only_model else replace(report, limit=limited)
    remaining = None if report.remaining is None else report.remaining + limited - report.limit
    return replace(report, limit=limited, remaining=remaining)
