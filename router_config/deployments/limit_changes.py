"""What providers report of their limits beside what the file says: what to tell, and what may hold instead.

A provider counts by account and by model, as the file does. What is reported of a model is told of the account where
the file limits that alone: its limit is compared with the lowest that its models report.
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from router_config.deployments.deployment import PACED, Deployment
from router_config.ledger.rules.meters import ODD, Limit, LimitName, Meter, kind_name, words_of
from router_config.ledger.rules.steady_limits import Place, SteadyLimit

Reported = Mapping[Place, SteadyLimit]


class LimitChange(NamedTuple):
    """A limit that a provider reports otherwise than the file has it.

    model: None for one of the account. file: the limit by which requests go without the report. in_force: whether the
    reported one holds: a lower one does at once, a higher one where the provider has `trust: upstream`.
    """

    provider: str
    model: str | None
    limit: LimitName
    file: float
    reported: SteadyLimit
    in_force: bool

    @property
    def edit(self) -> str:
        """The command that writes it into the file."""
        of = "" if self.model is None else f"models.{self.model}."
        return f"router-config set {shlex.quote(f'{self.provider}.{of}limits.{self.limit}')} {self.reported.value:.0f}"

    def told(self, *, editable: bool) -> str:
        """A sentence for people. editable: there is a file, into which the limit can be written."""
        of = "" if self.model is None else f"{self.model}, "
        held = "in force" if self.in_force else "the file's holds"
        return (
            f"{of}{words_of(self.limit)}: the file says {self.file:.0f}, {self.provider} says "
            f"{self.reported.value:.0f} ({held})" + (f"; {self.edit}" if editable else "")
        )


@dataclass(slots=True)
class _Account:
    """An account of a provider, and its models by their own scopes."""

    limits: dict[LimitName, Limit]
    models: dict[str, tuple[str, dict[LimitName, Limit]]]

    def lowest(self, name: LimitName, reported: Reported) -> SteadyLimit | None:
        """Of what its models report of a limit."""
        found = [reported[own, name] for own, _ in self.models.values() if (own, name) in reported]
        return min(found, key=lambda each: each.value, default=None)

    def all_report(self, name: LimitName, reported: Reported) -> bool:
        return all((own, name) in reported for own, _ in self.models.values())


def changes_of(deployments: Sequence[Deployment], reported: Reported) -> tuple[LimitChange, ...]:
    """The limits of one provider that it reports otherwise than the file has them, save those of 0: nothing at all.

    Of a pool of keys it is the lowest that any key's account reports.
    """
    if not reported or not deployments:
        return ()
    provider, trusts = deployments[0].provider, deployments[0].trusts
    seen: dict[tuple[str | None, LimitName], list[tuple[float, SteadyLimit]]] = {}
    for scope, account in _accounts(deployments).items():
        for model, name, file, limit in _compared(scope, account, reported):
            seen.setdefault((model, name), []).append((file, limit))
    found = (
        ((model, name), *min(theirs, key=lambda each: (each[1].value, each[1].since)))
        for (model, name), theirs in seen.items()
    )
    return tuple(
        LimitChange(provider, model, name, file, limit, trusts or limit.value < file)
        for (model, name), file, limit in found
        if limit.value != file and file
    )


def _compared(
    scope: str, account: _Account, reported: Reported
) -> Iterable[tuple[str | None, LimitName, float, SteadyLimit]]:
    """What is told of an account and its models: the model, the limit, what the file says and what is reported."""
    alone = len(account.models) == 1
    for name, limit in account.limits.items():
        lowest = account.lowest(name, reported)
        limited = [model for model, (_, own) in account.models.items() if name in own]
        if (scope, name) in reported:
            yield None, name, _file(limit), reported[scope, name]
        elif lowest is not None and (lowest.value >= _file(limit) or (alone and not limited)):
            yield None, name, _file(limit), lowest
        elif lowest is not None:
            for model, (own, _) in account.models.items():
                told = reported.get((own, name))
                if told is not None and told.value < _file(limit) and model not in limited:
                    yield model, name, _file(limit), told
    for model, (own, limits) in account.models.items():
        for name, limit in limits.items():
            if (own, name) in reported:
                yield model, name, _file(limit), reported[own, name]


def with_reported(
    deployments: Mapping[str, Deployment], reported: Mapping[str, Reported], now: float
) -> dict[str, Deployment]:
    """The deployments by id, with higher limits where their provider reports them and the file trusts it.

    reported: by provider. An account's limit is raised where all of its models report a higher one.
    """
    found = dict(deployments)
    for provider in {each.provider for each in deployments.values() if each.trusts}:
        theirs = {name: each for name, each in deployments.items() if each.provider == provider and each.trusts}
        fresh = {place: limit for place, limit in reported.get(provider, {}).items() if limit.is_fresh(now)}
        accounts = _accounts(theirs.values())
        for name, each in theirs.items():
            account, scope = accounts[each.account_meters[0].scope], each.account_meters[0].scope
            own = each.model_meters[0].scope
            of_account = {limit: _of_account(scope, account, limit, fresh) for limit in account.limits}
            of_model = {limit: told for (place, limit), told in fresh.items() if place == own}
            meters = [_raised(meter, of_account) for meter in each.account_meters]
            meters += [_raised(meter, of_model) for meter in each.model_meters]
            for meter in each.pacing_meters:
                meters.append(_raised(meter, of_account if meter.scope.startswith(f"{scope}{PACED}") else of_model))
            found[name] = replace(each, meters=tuple(meters))
    return found


def _of_account(scope: str, account: _Account, name: LimitName, reported: Reported) -> SteadyLimit | None:
    if (scope, name) in reported:
        return reported[scope, name]
    return account.lowest(name, reported) if account.all_report(name, reported) else None


def _raised(meter: Meter, reported: Mapping[LimitName, SteadyLimit | None]) -> Meter:
    if not any((told := reported.get(limit.name)) and told.value > limit.value > 0 for limit in meter.limits):
        return meter
    limits = []
    for limit in meter.limits:
        told = reported.get(limit.name)
        if told is not None and told.value > limit.value > 0:
            soft = limit.soft * told.value / limit.value
            limits.append(Limit(limit.name, told.value, soft, limit.value))
        else:
            limits.append(limit)
    return replace(meter, limits=tuple(limits))


def _accounts(deployments: Iterable[Deployment]) -> dict[str, _Account]:
    found: dict[str, _Account] = {}
    for each in deployments:
        scope = each.account_meters[0].scope
        account = found.setdefault(scope, _Account(_limits(each.account_meters), {}))
        account.models.setdefault(each.model, (each.model_meters[0].scope, _limits(each.model_meters)))
    return found


def _limits(meters: Iterable[Meter]) -> dict[LimitName, Limit]:
    return {limit.name: limit for meter in meters for limit in meter.limits if kind_name(limit.name) not in ODD}


def _file(limit: Limit) -> float:
    return limit.value if limit.file is None else limit.file
