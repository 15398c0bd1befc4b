"""What a provider counts usage by: the account behind a key, whatever place the key has in its pool."""

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
    scope, by_keys = _scope(provider, key), _scope_by_keys(provider, key)
    by_place = f"account:{provider.name}" if provider.pool == "shared" else f"account:{provider.name}#{number}"
    theirs = [each for each in provider.keys if each.secret is not None and _scope(provider, each) == scope]
    return Account(scope, [by_place] if scope == by_keys else [by_keys, by_place], [_secret(each) for each in theirs])


def _scope(provider: Provider, key: Key) -> str:
    name = key.account or provider.account
    return _scope_by_keys(provider, key) if name is None else f"account:{provider.litellm_provider}/{name}"


def _scope_by_keys(provider: Provider, key: Key) -> str:
    """By the key or, where a pool shares an account, by all of it. Without a key, by the provider's name."""
    address = provider.api_base or ""
    pool = provider.keys if provider.pool == "shared" else (key,)
    prints = sorted(key_fingerprint(_secret(each)) for each in pool if each.secret is not None)
    if not prints:
        return f"account:{provider.name}@{fingerprint(address)}"
    return f"account:{provider.litellm_provider}#{fingerprint(address, *prints)}"


def _secret(key: Key) -> str:
    return "" if key.secret is None else key.secret.get_secret_value()
