"""Looks at the lists of the configured providers: kept ones of the last day, else asked for, all at the same time."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, Literal

from router_config.catalogue.comparison import Comparison, FileModel, compare
from router_config.catalogue.kept_lists import KeptList, KeptLists, after
from router_config.catalogue.list_request import ListRequest, facts_of, list_requests
from router_config.clock import SystemClock
from router_config.config.models import Config, Provider
from router_config.deployments.deployment import NO_SCOPES
from router_config.deployments.model_list import deployments_of
from router_config.iso import iso
from router_config.ledger.interfaces import Store, StoreError
from router_config.ledger.opening import open_store
from router_config.ledger.rules.gates import Need
from router_config.ledger.rules.meters import Amount
from router_config.ledger.values import Settlement
from router_config.presets.lookup import preset_of

Source = Literal["asked", "kept", "none"]

PATIENCE: Final = 2.0
"""Seconds after which those that still keep one waiting are named."""

_LEASE: Final = 600.0


@dataclass(frozen=True, slots=True)
class Looked:
    """What is known of a provider's list.

    source: `asked` now, `kept` from before, or `none`. problem: why there is no list, or none of today.
    unconfigured: nobody was asked, for a key is missing or the provider is switched off.
    """

    provider: Provider
    source: Source
    kept: KeptList | None = None
    comparison: Comparison | None = None
    problem: str | None = None
    unconfigured: bool = False
    counted: bool = False


def look(config: Config, providers: Sequence[Provider], *, refresh: bool, tell: Callable[[str], None]) -> list[Looked]:
    """The lists of some of a configuration's providers, in their order.

    refresh: ask for lists that were read within the last day, too. tell: takes what is under way.
    """
    return asyncio.run(_look(config, providers, refresh, tell))


async def _look(
    config: Config, providers: Sequence[Provider], refresh: bool, tell: Callable[[str], None]
) -> list[Looked]:
    lists, now = KeptLists(config), SystemClock().now()
    found: dict[str, Looked] = {}
    asked: dict[str, tuple[Provider, tuple[ListRequest, ...], KeptList | None]] = {}
    for provider in providers:
        requests = list_requests(provider, os.environ)
        why = _not_asked(provider, requests)
        if why is not None:
            found[provider.name] = why
            continue
        kept = lists.read(provider)
        if kept is not None and not refresh and kept.is_fresh(now):
            found[provider.name] = _looked(provider, "kept", kept)
        else:
            asked[provider.name] = provider, requests, kept
    if asked:
        found |= await _ask(config, lists, asked, now, tell)
    return [found[provider.name] for provider in providers]


async def _ask(
    config: Config,
    lists: KeptLists,
    asked: dict[str, tuple[Provider, tuple[ListRequest, ...], KeptList | None]],
    now: float,
    tell: Callable[[str], None],
) -> dict[str, Looked]:
    tell(f"asking {', '.join(asked)} for their models ...")
    from router_config.transport.model_lists import ListClient, verify_setting

    clients: dict[Any, ListClient] = {}
    counts = _Counts(config)

    async def one(provider: Provider, requests: tuple[ListRequest, ...], before: KeptList | None) -> Looked:
        verify = verify_setting(config.litellm_settings, provider.models[0].litellm_params)
        if verify not in clients:
            clients[verify] = ListClient(config.defaults.timeout, now, verify)
        try:
            no_room = await counts.take(provider)
        except StoreError as error:
            no_room = f"it counts this request, and the store cannot: {error}"
        if no_room is not None:
            return _unread(provider, before, no_room)
        answer = await clients[verify].ask(requests)
        await counts.settle(provider, answer.requests)
        if answer.listing is None:
            return _unread(provider, before, answer.problem or "it has no list")
        kept = after(before, answer.listing, [model.name for model in provider.models], now)
        unwritten = lists.write(provider, kept)
        if unwritten is not None:
            tell(f"{provider.name}: the list is not kept ({unwritten}), and is asked for again next time")
        return replace(_looked(provider, "asked", kept), problem=answer.problem)

    try:
        tasks = {name: asyncio.ensure_future(one(*each)) for name, each in asked.items()}
        waiting = set(tasks.values())
        _, waiting = await asyncio.wait(waiting, timeout=PATIENCE)
        if waiting:
            tell(f"still waiting for {', '.join(name for name, task in tasks.items() if task in waiting)} ...")
        return {name: await task for name, task in tasks.items()}
    finally:
        for client in clients.values():
            await client.aclose()
        await counts.aclose()


def _not_asked(provider: Provider, requests: Sequence[ListRequest]) -> Looked | None:
    preset = preset_of(provider.name, provider.litellm_provider)
    if preset is not None and preset.retired is not None and preset.retired <= date.today() and not provider.api_base:
        gone = Comparison(tuple(FileModel(model.name, "gone") for model in provider.models), ())
        problem = f"{preset.title} is gone since {preset.retired}; remove it: router-config remove {provider.name}"
        return Looked(provider, "none", comparison=gone, problem=problem)
    if not provider.enabled:
        return Looked(provider, "none", problem="it is switched off in the file", unconfigured=True)
    if not provider.configured:
        missing = [*provider.missing, *(key.variable for key in provider.keys if key.secret is None and key.variable)]
        problem = f"{', '.join(missing)} is not set; set it with router-config env"
        return Looked(provider, "none", problem=problem, unconfigured=True)
    if not requests:
        problem = f"{provider.litellm_provider} has no list that a key could ask for"
        return Looked(provider, "none", problem=problem, unconfigured=True)
    return None


def _looked(provider: Provider, source: Source, kept: KeptList) -> Looked:
    facts = facts_of(provider)
    found = compare(provider, kept.listing, whole=facts.whole, named=kept.named)
    return Looked(provider, source, kept, found, counted=facts.counted)


def _unread(provider: Provider, before: KeptList | None, problem: str) -> Looked:
    if before is None:
        return Looked(provider, "none", problem=problem)
    old = f"{problem}; what follows is its list of {iso(before.asked_at)}"
    return replace(_looked(provider, "kept", before), problem=old)


class _Counts:
    """Room for the requests of providers that count them; nothing for the others, which are most."""

    def __init__(self, config: Config) -> None:
        self._config, self._clock = config, SystemClock()
        self._store: Store | None = None
        self._leases: dict[str, Any] = {}

    async def take(self, provider: Provider) -> str | None:
        """Reserve one request of the provider's account. Returns why it cannot be sent; None where it can."""
        if not facts_of(provider).counted:
            return None
        deployment = next((each for each in deployments_of(self._config) if each.provider == provider.name), None)
        if deployment is None:
            return None
        account = replace(deployment, meters=deployment.account_meters, scopes=NO_SCOPES)
        store = self._opened()
        choice, lease = await store.reserve([account], Need(0, 0), self._clock.now(), _LEASE)
        if lease is None:
            status = next(iter(choice.skipped)).status
            return f"its account has no room for a request more ({status}), and it counts this one"
        self._leases[provider.name] = lease
        return None

    async def settle(self, provider: Provider, requests: int) -> None:
        """Count so many requests as were sent."""
        lease = self._leases.pop(provider.name, None)
        if lease is not None and self._store is not None:
            now = self._clock.now()
            await self._store.settle(lease, Settlement(Amount(requests) if requests else None, now, now), now)

    def _opened(self) -> Store:
        if self._store is None:
            self._store = open_store(self._config.state)
            self._store.lead(self._clock)
        return self._store

    async def aclose(self) -> None:
        if self._store is not None:
            await self._store.aclose()
