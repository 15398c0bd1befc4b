"""Deployments: provider x key x model, with the limits and scopes that the ledger counts by."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from router_config.ledger.rules.gates import Tier
from router_config.ledger.rules.meters import LIMITS, Amount, Limit, LimitName, Meter
from router_config.ledger.rules.windows import ROLLING_DAY, CalendarDay, Window

if TYPE_CHECKING:
    from router_config.config.models import Config, Day, Limits, Provider

FREE: Final = (0.0, 0.0)


class Scopes(NamedTuple):
    """The scopes of which a cooldown stops a deployment: its provider, account, key and model."""

    provider: str
    account: str
    key: str
    model: str


NO_SCOPES: Final = Scopes("", "", "", "")
"""Those of a deployment that is asked in spite of cooldowns: none has such a name."""


@dataclass(frozen=True)
class Deployment:
    """One model of one provider, asked with one key.

    `rank` is the model's place in the provider's listing; `price` is (input, output) in dollars per token.
    """

    id: str
    provider: str
    model: str
    key: int
    priority: float
    rank: int
    tier: Tier
    groups: tuple[str, ...]
    meters: tuple[Meter, ...]
    scopes: Scopes
    price: tuple[float, float] = FREE
    litellm_provider: str = ""

    def need(self, tokens: int, prompt_tokens: int) -> Amount:
        input_price, output_price = self.price
        if not (input_price or output_price):
            return Amount(1, tokens)
        return Amount(1, tokens, prompt_tokens * input_price + (tokens - prompt_tokens) * output_price)


def account_of(provider: str, key: int, *, shared: bool = False) -> str:
    """The scope that a provider counts by: each key's own account, or one for the whole pool of keys.

    A key is known by its place in the pool, so that a new key for the same account goes on with its counts.
    """
    return f"account:{provider}" if shared else f"account:{provider}#{key}"


def model_of(account: str, model: str) -> str:
    return f"model:{account.removeprefix('account:')}/{model}"


def rests_of(provider: "Provider", account: str, model: str, secret: str | None) -> Scopes:
    """The scopes that rest. A new key or another address makes new ones, which are asked again at once."""
    address = provider.api_base or ""
    pool = [key.secret.get_secret_value() for key in provider.keys if key.secret is not None]
    return _rests(
        provider.name,
        account,
        model_of(account, model),
        address,
        [secret or ""],
        pool if provider.pool == "shared" else [secret or ""],
    )


def _rests(place: str, account: str, model: str, address: str, key: Iterable[str], pool: Iterable[str]) -> Scopes:
    ours = fingerprint(address, *pool)
    return Scopes(
        provider=f"provider:{place}@{fingerprint(address)}",
        account=f"{account}~{ours}",
        key=f"key:{place}#{fingerprint(address, *key)}",
        model=f"{model}~{ours}",
    )


def fingerprint(*texts: str) -> str:
    """A name for a key or an address that tells nothing of it: for 128 random bits a quick digest will do."""
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=6, person=b"router-config").hexdigest()


def limits_of(limits: "Limits | None", soft_limit: float) -> tuple[Limit, ...]:
    """The limits of a scope; windows of a day get their soft limit (a share from 0 to 1)."""
    if limits is None:
        return ()
    named: Iterable[tuple[LimitName, float | None]] = ((name, getattr(limits, name)) for name in LIMITS)
    return tuple(limit(name, value, soft_limit) for name, value in named if value is not None)


def limit(name: LimitName, value: float, soft_limit: float) -> Limit:
    return Limit(name, value, soft=value * soft_limit if LIMITS[name][0] == "day" else inf)


def day_of(day: "Day") -> Window:
    return CalendarDay(day.timezone or "UTC") if day.window == "calendar" else ROLLING_DAY


def deployment_id(provider: str, model: str, key: int) -> str:
    """`groq/llama-3.3-70b-versatile#1`; LiteLLM takes no ":" in ids, and models on OpenRouter end in ":free"."""
    return f"{provider}/{model}#{key}".replace(":", "~")


def deployments_of(config: "Config", *, configured_only: bool = True) -> tuple[Deployment, ...]:
    """Every deployment of the configuration in order of priority, then of listing.

    With `configured_only` providers that are disabled or lack their key are left out.
    """
    found: list[Deployment] = []
    for provider in config.providers:
        if configured_only and not (provider.enabled and provider.configured):
            continue
        found.extend(_of_provider(config, provider, configured_only))
    return tuple(sorted(found, key=lambda each: (each.priority, each.rank)))


def _of_provider(config: "Config", provider: "Provider", configured_only: bool) -> Iterable[Deployment]:
    soft = config.defaults.soft_limit
    day = day_of(provider.day)
    account_limits = limits_of(provider.limits, soft)
    for rank, model in enumerate(provider.models):
        model_limits = limits_of(model.limits, soft)
        for number, key in enumerate(provider.keys, start=1):
            secret = key.secret.get_secret_value() if key.secret is not None else None
            if configured_only and secret is None and provider.needs_key:
                continue
            account = account_of(provider.name, number, shared=provider.pool == "shared")
            yield Deployment(
                id=deployment_id(provider.name, model.name, number),
                provider=provider.name,
                model=model.name,
                key=number,
                priority=provider.priority,
                rank=rank,
                tier=provider.tier,
                groups=model.groups,
                meters=(
                    Meter(account, account_limits, day),
                    Meter(model_of(account, model.name), model_limits, day),
                ),
                scopes=rests_of(provider, account, model.name, secret),
                price=_price(provider, model.price),
                litellm_provider=provider.litellm_provider,
            )


def deployment_of_entry(entry: Mapping[str, Any], soft_limit: float) -> Deployment:
    """The deployment of an entry of a LiteLLM model list: limits, priority and scopes are read from its `model_info`.

    `model_info` may hold `provider`, `model`, `key`, `priority` (lower first; default 0), `rank`, `tier`, `account`,
    `account_limits`, `day`, `rests_with`, and limits either as `limits: {rpm: 30}` or directly as `rpm: 30`. Without
    `provider`, LiteLLM's prefix names it, and deployments with the same prefix and address fail together.
    """
    info, params = entry["model_info"], entry["litellm_params"]
    prefix, _, rest = str(params["model"]).partition("/")
    address = params.get("api_base") or params.get("base_url")
    named = info.get("provider")
    provider = named or (prefix if rest else params.get("custom_llm_provider") or "openai")
    address = address if isinstance(address, str) else ""
    place = provider if named or not address else f"{provider}@{fingerprint(address)}"
    secret = [params["api_key"]] if isinstance(params.get("api_key"), str) else [""]
    account = info.get("account") or f"account:{place}#{fingerprint(*secret)}"
    model = info.get("model") or rest or prefix
    own = model_of(account, model) if info.get("model") else f"model:{info['id']}"
    day = _day(info.get("day"))
    limits = {
        **(info.get("limits") or {}),
        **{name: info[name] for name in LIMITS if info.get(name) is not None},
    }
    return Deployment(
        id=info["id"],
        provider=provider,
        model=model,
        key=info.get("key") or 1,
        priority=info.get("priority") or 0,
        rank=info.get("rank") or 0,
        tier=info.get("tier") or "free",
        groups=(entry["model_name"],),
        meters=(
            Meter(account, _named(info.get("account_limits") or {}, soft_limit), day),
            Meter(own, _named(limits, soft_limit), day),
        ),
        scopes=Scopes(*(info.get("rests_with") or _rests(place, account, own, address, secret, secret))),
        price=(info.get("input_cost_per_token") or 0.0, info.get("output_cost_per_token") or 0.0),
        litellm_provider=params.get("custom_llm_provider") or (prefix if rest else "openai"),
    )


def corrected(deployment: Deployment, seconds: float) -> Deployment:
    """The deployment with calendar days that go by a time so many seconds ahead."""
    if seconds == 0:
        return deployment
    return replace(
        deployment,
        meters=tuple(
            replace(meter, day=replace(meter.day, correction=seconds)) if isinstance(meter.day, CalendarDay) else meter
            for meter in deployment.meters
        ),
    )


def by_preference(deployments: Iterable[Deployment]) -> tuple[tuple[Deployment, ...], ...]:
    """Deployments in the order in which they are asked; those that share the load stand together."""
    ranked: dict[tuple[float, int], list[Deployment]] = {}
    for deployment in deployments:
        ranked.setdefault((deployment.priority, deployment.rank), []).append(deployment)
    return tuple(tuple(ranked[place]) for place in sorted(ranked))


def _named(limits: Mapping[str, float], soft_limit: float) -> tuple[Limit, ...]:
    return tuple(limit(name, limits[name], soft_limit) for name in LIMITS if limits.get(name) is not None)


def _day(day: Mapping[str, Any] | None) -> Window:
    if day and day.get("window") == "calendar":
        return CalendarDay(day.get("timezone") or "UTC")
    return ROLLING_DAY


def _price(provider: "Provider", price: object) -> tuple[float, float]:
    if provider.tier == "free" or price is None:
        return FREE
    return (price.input / 1e6, price.output / 1e6)  # type: ignore[attr-defined]
