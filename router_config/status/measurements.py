"""What GET /metrics is made from, read from a store at one moment and without LiteLLM."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from router_config.deployments.deployment import Scopes
from router_config.ledger.interfaces import Store
from router_config.ledger.rules.gates import Cooldown
from router_config.ledger.rules.totals import Totals
from router_config.status.document import document
from router_config.status.outlook import Outlooks
from router_config.status.views import ProviderView, View


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything that is measured.

    document: the JSON of GET /api/llm-providers. totals: sums since the store began. disabled_keys: by provider, how
    many of its keys are not used until a person acts.
    """

    document: dict[str, Any]
    totals: Totals
    disabled_keys: Mapping[str, int]


async def reading_of(view: View, store: Store, now: float, outlooks: Outlooks) -> Reading:
    """The measurements at a moment, in epoch seconds. outlooks: what remembers the forecast."""
    cooldowns = (await store.snapshot((), {}, now)).cooldowns
    disabled = {provider.name: _disabled_keys(provider, cooldowns) for provider in view.providers}
    return Reading(await document(view, store, now, outlooks), await store.totals(now), disabled)


def _disabled_keys(provider: ProviderView, cooldowns: Mapping[str, Cooldown]) -> int:
    disabled = {scope for scope, cooldown in cooldowns.items() if cooldown.status == "disabled"}
    return len({each.key for each in provider.deployments if not disabled.isdisjoint(_of_key(each.scopes))})


def _of_key(scopes: Scopes) -> tuple[str, ...]:
    return scopes.account, scopes.key, scopes.shared_account, scopes.shared_key
