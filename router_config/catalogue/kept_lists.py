"""Lists that were read, kept for a day in files that every process of a configuration can read.

One file a provider and account, in the folder `models` beside the store of the counts; it holds no key. A file that is
broken, or of another version, counts as none.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from router_config.catalogue import fields
from router_config.catalogue.fields import flag, items, mapping, number
from router_config.catalogue.list_request import base_of
from router_config.catalogue.listing import MOST_MODELS, Account, ListedModel, Listing, ModelKind
from router_config.catalogue.names import find
from router_config.config.models import Config, Provider
from router_config.config.store_url import sqlite_path
from router_config.deployments.deployment import account_of, fingerprint

FRESH: Final = 22 * 3600.0
"""Seconds that a list passes for what the provider serves, and that a model must be missing to be proven gone.

A day, less what a daily timer may come early: its seconds, and the hour of a clock that is put forward.
"""

LARGEST: Final = 8_000_000
"""Bytes of one file that are read."""

_VERSION: Final = 1
_KINDS: Final[Mapping[str, ModelKind]] = {"chat": "chat", "embedding": "embedding", "other": "other"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptList:
    """A provider's list and when it was read, epoch seconds.

    missing_since: of the models of the file that it lacks, when a list first lacked them. named: successors that this
    list or an earlier one named.
    """

    asked_at: float
    listing: Listing
    missing_since: Mapping[str, float] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)

    def is_fresh(self, now: float) -> bool:
        """Whether it need not be asked for again. A clock that was set back makes it old."""
        return 0 <= now - self.asked_at < FRESH

    def missing_for(self, model: str) -> float:
        """Seconds between the first list without this model and the last one; 0 where the last one has it."""
        return max(0.0, self.asked_at - self.missing_since.get(model, self.asked_at))

    def proves_gone(self, model: str) -> bool:
        """Whether lists of a day or more are without this model, and none of them had it."""
        return model in self.missing_since and self.missing_for(model) >= FRESH


def after(before: KeptList | None, listing: Listing, models: Iterable[str], now: float) -> KeptList:
    """What to keep when a list was read. models: those of the file. before: what was kept until now."""
    missing, named = ({}, {}) if before is None else (before.missing_since, dict(before.named))
    named.update({model.name: model.successor for model in listing.models if model.successor is not None})
    since = {
        model: min(missing.get(model, now), now)
        for model in models
        if listing.complete and listing.models and find(listing, model) is None
    }
    if not listing.complete:  # It proves nothing, neither way.
        since = dict(missing)
    recent = dict(list(named.items())[-MOST_MODELS:])
    return KeptList(asked_at=now, listing=listing, missing_since=since, named=recent)


class KeptLists:
    """The lists of a configuration in its folder.

        kept = KeptLists(config).read(provider)
        if kept is not None and kept.proves_gone("a-model"): ...

    Nothing is asked for here, and reading takes a file of some kilobytes.
    """

    def __init__(self, config: Config) -> None:
        self.folder = folder_of(config)

    def read(self, provider: Provider) -> KeptList | None:
        """What is kept of a provider's list for the account and the address that it is asked with."""
        if self.folder is None:
            return None
        try:
            with open(self._file(provider), "rb") as file:
                raw = file.read(LARGEST + 1)
            return _read(json.loads(raw)) if len(raw) <= LARGEST else None
        except (OSError, ValueError, RecursionError):
            return None

    def write(self, provider: Provider, kept: KeptList) -> str | None:
        """Keep a list, in one step. Returns why that cannot be done, None where it was."""
        if self.folder is None:
            return "there is no folder to keep it in"
        temporary = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=".list.", dir=self.folder)
            with open(handle, "w", encoding="utf-8") as file:
                json.dump(_plain(kept), file)
            os.replace(temporary, self._file(provider))
        except OSError as error:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    os.unlink(temporary)
            return error.strerror or type(error).__name__
        return None

    def _file(self, provider: Provider) -> Path:
        named = "".join(each if each.isalnum() or each in "-_." else "_" for each in provider.name)[:60]
        number = next((number for number, key in enumerate(provider.keys, 1) if key.secret is not None), 1)
        place = fingerprint(provider.name, account_of(provider, number).scope, base_of(provider, os.environ) or "")
        return (self.folder or Path()) / f"{named}-{place}.json"


def folder_of(config: Config) -> Path | None:
    """Where lists are kept: beside the file of the counts, else in `.router` beside litellm.yaml."""
    database = sqlite_path(config.state)
    if database is not None:
        return database.parent / "models"
    return None if config.path is None else config.path.parent / ".router" / "models"


def _plain(kept: KeptList) -> dict[str, Any]:
    listing = kept.listing
    return {
        "version": _VERSION,
        "asked_at": kept.asked_at,
        "complete": listing.complete,
        "models": [_without_defaults(model) for model in listing.models],
        "account": None if listing.account is None else asdict(listing.account),
        "missing_since": dict(kept.missing_since),
        "named": dict(kept.named),
    }


def _without_defaults(model: ListedModel) -> dict[str, Any]:
    told = {name: value for name, value in asdict(model).items() if value is not None and value != ()}
    return told if model.deprecated else {name: value for name, value in told.items() if name != "deprecated"}


def _read(document: Any) -> KeptList | None:
    told = mapping(document)
    asked_at = number(told.get("asked_at"))
    if told.get("version") != _VERSION or asked_at is None:
        return None
    models = (_model(mapping(each)) for each in items(told.get("models"), MOST_MODELS))
    account = told.get("account")
    listing = Listing(
        models=tuple(model for model in models if model is not None),
        complete=told.get("complete") is True,
        account=None if account is None else _account(mapping(account)),
    )
    since = {model: moment for model, each in _named(told, "missing_since") if (moment := number(each)) is not None}
    named = {model: other for model, each in _named(told, "named") if (other := fields.name(each)) is not None}
    return KeptList(asked_at=asked_at, listing=listing, missing_since=since, named=named)


def _named(told: Mapping[str, Any], key: str) -> list[tuple[str, Any]]:
    return [(model, each) for model, each in mapping(told.get(key)).items() if fields.name(model) is not None]


def _model(entry: Mapping[str, Any]) -> ListedModel | None:
    name = fields.name(entry.get("name"))
    if name is None:
        return None
    price = mapping(entry.get("price"))
    return ListedModel(
        name=name,
        kind=_KINDS.get(str(entry.get("kind")), "chat"),
        aliases=fields.names(entry.get("aliases")),
        context=fields.count(entry.get("context")),
        tools=flag(entry.get("tools")),
        vision=flag(entry.get("vision")),
        price=fields.price(price.get("input"), price.get("output"), 1.0) if price else None,
        free=flag(entry.get("free")),
        deprecated=entry.get("deprecated") is True,
        retires_on=fields.day(entry.get("retires_on")),
        successor=fields.name(entry.get("successor")),
        created=fields.moment(entry.get("created")),
    )


def _account(told: Mapping[str, Any]) -> Account:
    resets = told.get("resets")
    numbers: dict[str, float | None] = {
        name: number(told.get(name)) for name in ("limit_usd", "remaining_usd", "used_usd")
    }
    return Account(
        free_tier=flag(told.get("free_tier")),
        resets=resets if isinstance(resets, str) else None,
        **numbers,
    )
