"""What a provider counts usage by: the account behind a key, whatever place the key has in its pool."""

from collections.abc import Sequence
from typing import NamedTuple

from router_config.config.models import Key, Provider
from router_config.deployments.deployment import fingerprint, key_fingerprint


class Account(NamedTuple):
    """The account of a key.

    scope: what is counted by. formerly: other names of that scope, the newest first. keys: all that belong to it.
    """

    scope: str
    formerly: list[str]
    keys: list[str]


def account_of(provider: Provider, number: int) -> Account:
    """The account of a provider's key of this number, from 1."""
    key = provider.keys[number - 1]
    name, shared = key.account or provider.account, provider.pool == "shared"
    same = [each for each in provider.keys if (each.account or provider.account) == name]
    theirs = same if shared or name is not None else [key]
    by_place = f"account:{provider.name}" if shared else f"account:{provider.name}#{number}"
    secrets = [_secret(each) for each in theirs if each.secret is not None]
    if name is None:
        return Account(_scope_by_keys(provider, theirs), [by_place], secrets)
    by_keys = _scope_by_keys(provider, provider.keys if shared else [key])
    return Account(f"account:{provider.litellm_provider}/{name}", [by_keys, by_place], secrets)


def _scope_by_keys(provider: Provider, keys: Sequence[Key]) -> str:
    """By the key or, where a pool shares an account, by all of it. Without a key, by the provider's name."""
    address = provider.api_base or ""
    prints = sorted(key_fingerprint(_secret(each)) for each in keys if each.secret is not None)
    if not prints:
        return f"account:{provider.name}@{fingerprint(address)}"
    return f"account:{provider.litellm_provider}#{fingerprint(address, *prints)}"


def _secret(key: Key) -> str:
    return "" if key.secret is None else key.secret.get_secret_value()
