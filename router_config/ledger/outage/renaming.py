"""Scopes that get another name while the store fails: what is still to be sent of them goes by that from then on."""

from collections.abc import Mapping
from typing import TypeVar

from router_config.ledger.values import Lease, Settlement

T = TypeVar("T")


def renamed_lease(lease: Lease, names: Mapping[str, str]) -> Lease:
    """names: by other names of scopes, those that they have now."""
    scopes = tuple(names.get(scope, scope) for scope in lease.scopes)
    return lease._replace(scopes=scopes, probes=tuple(names.get(scope, scope) for scope in lease.probes))


def renamed_settlement(settlement: Settlement, names: Mapping[str, str]) -> Settlement:
    cooldowns = tuple(each._replace(scope=names.get(each.scope, each.scope)) for each in settlement.cooldowns)
    return settlement._replace(cooldowns=cooldowns)


def renamed_scopes(by_scope: Mapping[str, T], names: Mapping[str, str]) -> dict[str, T]:
    """As stores do it: where nothing stands under the name yet."""
    return {
        names[scope] if names.get(scope, scope) not in by_scope else scope: each for scope, each in by_scope.items()
    }
