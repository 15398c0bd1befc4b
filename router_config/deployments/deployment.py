"""A deployment: one model of one provider with one key, and the limits and scopes that the ledger counts by."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import inf
from typing import Any, Final, NamedTuple

from router_config.config.grammar.quantities import parse_count, window_length
from router_config.config.models import Key, Provider, odd_name
from router_config.ledger.rules.gates import Tier
from router_config.ledger.rules.meters import (
    LIMITS,
    ODD,
    Amount,
    Limit,
    LimitName,
    Meter,
    Part,
    Spending,
    SplitAmount,
    kind_of,
)
from router_config.ledger.rules.windows import (
    LENGTHS,
    ROLLING_DAY,
    Calendar,
    CalendarDay,
    CalendarMonth,
    CalendarWeek,
    Unit,
    Window,
    rolling,
)

_new: Final = tuple.__new__  # Half the time of calling the class.

FREE: Final = (0.0, 0.0)


AT: Final = "|"
"""Stands in the name of a scope before what endpoint it is about; without one it is about chats."""

EVERYWHERE: Final = "all"

PER: Final = " per "
"""Stands in the name of a meter before the window that it counts by, save that of the day."""

PACED: Final = " paced "
"""Stands in the name of a meter that is there for pacing alone, before the window of the calendar that it counts by."""

OF: Final = " of "
"""Stands in the name of a meter before the part of the tokens that it counts, save those that count all of them."""


class Scopes(NamedTuple):
    """The scopes of which a cooldown stops a deployment at one endpoint: its provider, account, key and model.

    `shared_account`, `shared_key`: the same at every endpoint.
    """

    provider: str
    account: str
    key: str
    model: str
    shared_account: str = ""
    shared_key: str = ""

    def at(self, endpoint: str) -> "Scopes":
        """Those of chats as they are at another endpoint."""
        provider, account, key, model = (f"{scope}{AT}{endpoint}" for scope in self[:4])
        return Scopes(provider, account, key, model, self.shared_account, self.shared_key)


NO_SCOPES: Final = Scopes("", "", "", "")
"""Those of a deployment that is asked in spite of cooldowns: none has such a name."""


@dataclass(frozen=True)
class Deployment:
    """One model of one provider, asked with one key.

    `rank` is the model's place in the provider's listing; `price` is (input, output) in dollars per token. `meters` are
    first the `of_account` many of the account, then those of the model, then those for pacing alone. `scopes` are those
    of which a cooldown stops this deployment. `trusts`: a limit that the provider reports holds, also where it is
    higher than the file's.
    `formerly`: other names of its scopes (an older version's, or from before the account was named), each with its name
    now.
    """

    id: str
    provider: str
    model: str
    key: int
    priority: float
    rank: float
    tier: Tier
    groups: tuple[str, ...]
    meters: tuple[Meter, ...]
    scopes: Scopes
    price: tuple[float, float] = FREE
    litellm_provider: str = ""
    of_account: int = 1
    formerly: Mapping[str, str] = field(default_factory=dict, hash=False)
    trusts: bool = False
    splits: bool = field(init=False, repr=False, compare=False)
    """Whether some limit counts the tokens of the prompt, or of the answer, alone."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "splits", any(meter.part is not None for meter in self.meters))

    @property
    def same_model(self) -> str:
        """The name of the model at its address, the same with each key: under it is learned what it can do.

        Of each endpoint apart, for what an address refuses another may take, and LiteLLM makes another request of it.
        """
        place, endpoint = endpoint_of(self.scopes.provider)
        name = f"{place.removeprefix('provider:')}/{self.model}"
        return f"{name}{AT}{endpoint}" if endpoint else name

    @property
    def account_meters(self) -> tuple[Meter, ...]:
        return self.meters[: self.of_account]

    @property
    def model_meters(self) -> tuple[Meter, ...]:
        theirs = self.meters[self.of_account :]
        return tuple([meter for meter in theirs if meter.pace != "beside" and not meter.of_class])

    @property
    def pacing_meters(self) -> tuple[Meter, ...]:
        """Those beside the meters of windows that roll."""
        return tuple([meter for meter in self.meters[self.of_account :] if meter.pace == "beside"])

    def need(self, tokens: int, prompt_tokens: int, cached: int = 0) -> Spending:
        """What a request of so many tokens takes, prompt and answer together.

        prompt_tokens: 0 where nobody knows which of them are the prompt's. cached: those of it that were read from a
        cache, which limits of input tokens do not count.
        """
        input_price, output_price = self.price
        usd = 0.0
        if input_price or output_price:
            usd = prompt_tokens * input_price + (tokens - prompt_tokens) * output_price
        if self.splits and prompt_tokens:
            return SplitAmount.of(1, tokens, usd, prompt_tokens - cached, tokens - prompt_tokens)
        return _new(Amount, (1, tokens, usd))


def deployment_of_entry(entry: Mapping[str, Any], soft_limit: float, correction: float = 0.0) -> Deployment:
    """The deployment of an entry of a LiteLLM model list. Nothing else makes one.

    `model_info` may hold `provider`, `model`, `key`, `priority` (lower first; default 0), `rank`, `tier`, `account`,
    `account_limits`, `trust` ("upstream": a higher limit that is reported holds), `pace` ("even": limits of a day or
    longer are spread over the hours), `day`, `week`, `month`, `rests_with`,
    `formerly` (other names of `account`), prices in dollars per token under LiteLLM's names, and limits either as
    `limits: {rpm: 30}` or directly as `rpm: 30`. Without `provider`, LiteLLM's prefix names it, and deployments with
    the same prefix and address fail together.

    soft_limit: share of a daily limit past which others are preferred. correction: seconds by which the time that
    calendar days go by is ahead of the router's clock.
    """
    info, params = entry["model_info"], entry["litellm_params"]
    prefix, _, rest = str(params["model"]).partition("/")
    address = params.get("api_base") or params.get("base_url")
    address = address if isinstance(address, str) else ""
    secret = params["api_key"] if isinstance(params.get("api_key"), str) else ""
    named = info.get("provider")
    provider = named or (prefix if rest else params.get("custom_llm_provider") or "openai")
    place = provider if named or not address else f"{provider}@{fingerprint(address)}"
    account = info.get("account") or f"account:{place}#{key_fingerprint(secret)}"
    model = info.get("model") or rest or prefix
    own = model_scope(account, model) if info.get("model") else f"model:{info['id']}"
    scopes = Scopes(*(info.get("rests_with") or scopes_of(place, account, own, address, secret, [secret])))
    formerly: dict[str, str] = {}
    for before in info.get("formerly") or ([] if info.get("account") else [f"account:{place}#{fingerprint(secret)}"]):
        own_before = model_scope(before, model) if info.get("model") else own
        names = before, own_before, *_former_scopes(place, before, own_before, address, secret)[:4]
        formerly.update((old, new) for old, new in zip(names, (account, own, *scopes[:4]), strict=True) if old != new)
    day = _day(info.get("day") or {}, correction)
    windows = _windows(info, day, correction)
    direct = {name: info[name] for name in (*LIMITS, "requests", "tokens") if info.get(name) is not None}
    of_account = _meters(account, info.get("account_limits") or {}, windows, soft_limit)
    of_model = _meters(own, {**(info.get("limits") or {}), **direct}, windows, soft_limit)
    beside: tuple[Meter, ...] = ()
    if info.get("pace") == "even":
        beside = tuple(_beside(of_account + of_model, info, correction))
        of_account, of_model = _paced(of_account), _paced(of_model)
    for old, new in tuple(formerly.items()):
        if new in (account, own):
            meters = (of_account if new == account else of_model)[1:]
            formerly.update((old + meter.scope.removeprefix(new), meter.scope) for meter in meters)
    return Deployment(
        id=info["id"],
        provider=provider,
        model=model,
        key=info.get("key") or 1,
        priority=info.get("priority") or 0,
        rank=info.get("rank") or 0,
        tier=info.get("tier") or "free",
        groups=(entry["model_name"],),
        meters=of_account + of_model + beside,
        of_account=len(of_account),
        scopes=scopes,
        price=(info.get("input_cost_per_token") or 0.0, info.get("output_cost_per_token") or 0.0),
        litellm_provider=params.get("custom_llm_provider") or (prefix if rest else "openai"),
        formerly=formerly,
        trusts=info.get("trust") == "upstream",
    )


def model_scope(account: str, model: str) -> str:
    """The scope of a model's own limits, which are those of an account."""
    return f"model:{account.removeprefix('account:')}/{model}"


def scopes_of(place: str, account: str, model: str, address: str, key: str, pool: Iterable[str]) -> Scopes:
    """The scopes that may be in cooldown. A new key or another address makes new ones, which are asked at once.

    place: the provider's name. pool: the keys that share an account.
    """
    return _scopes(place, account, model, address, key_fingerprint(key), [key_fingerprint(each) for each in pool])


def _former_scopes(place: str, account: str, model: str, address: str, key: str) -> Scopes:
    """What older versions called these scopes, with quick digests of the key."""
    quota = fingerprint(address, key)
    return _scopes(place, "", "", address, "", ())._replace(
        account=f"{account}~{quota}", key=f"key:{place}#{quota}", model=f"{model}~{quota}"
    )


def _scopes(place: str, account: str, model: str, address: str, key: str, pool: Iterable[str]) -> Scopes:
    quota = fingerprint(address, *sorted(pool))
    account, key = f"{account}~{quota}", f"key:{place}#{fingerprint(address, key)}"
    return Scopes(
        provider=f"provider:{place}@{fingerprint(address)}",
        account=account,
        key=key,
        model=f"{model}~{quota}",
        shared_account=f"{account}{AT}{EVERYWHERE}",
        shared_key=f"{key}{AT}{EVERYWHERE}",
    )


@lru_cache(maxsize=1024)
def key_fingerprint(key: str) -> str:
    """A name for a key, the same in every process. Slow to make, so that not even a short key is found by trying."""
    made = hashlib.scrypt(key.encode(), salt=b"router-config account", n=2**12, r=8, p=1, dklen=8)
    return made.hex()


@lru_cache(maxsize=4096)
def fingerprint(*texts: str) -> str:
    """A short name for an address, or for names of keys."""
    return hashlib.blake2b("\n".join(texts).encode(), digest_size=6, person=b"router-config").hexdigest()


def endpoint_of(scope: str) -> tuple[str, str]:
    """The scope of chats that a scope is made from, and the endpoint that it is about; without one about chats."""
    name, _, endpoint = scope.rpartition(AT)
    return (name, endpoint) if name else (scope, "")


def by_preference(deployments: Iterable[Deployment]) -> tuple[tuple[Deployment, ...], ...]:
    """Deployments in the order in which they are asked; those that share the load stand together."""
    ranked: dict[tuple[float, float], list[Deployment]] = {}
    for deployment in deployments:
        ranked.setdefault((deployment.priority, deployment.rank), []).append(deployment)
    return tuple(tuple(ranked[place]) for place in sorted(ranked))


def _meters(
    scope: str, limits: Mapping[str, Any], windows: Mapping[str, Window], soft_limit: float
) -> tuple[Meter, ...]:
    """The meter of minutes, days and open requests, one for each other window that is limited, and for each part."""
    by_window: dict[tuple[str, Part | None], list[Limit]] = {("day", None): []}
    for name, value in _named(limits):
        kind = kind_of(name)
        window = name.rpartition("_")[2] if kind.unit == "odd" else kind.unit
        window = "day" if kind.unit in ("minute", "concurrent") else window
        limit = Limit(name, value, soft=value * soft_limit if kind.exhausts else inf)
        by_window.setdefault((window, kind.part), []).append(limit)
    return tuple(
        Meter(_scope_of(scope, window, part), tuple(theirs), windows.get(window) or _odd(window), part)
        for (window, part), theirs in by_window.items()
    )


def _paced(meters: Iterable[Meter]) -> tuple[Meter, ...]:
    """The same, those of the calendar's windows paced."""
    return tuple(replace(each, pace="even") if isinstance(each.long, Calendar) else each for each in meters)


def _beside(meters: Iterable[Meter], info: Mapping[str, Any], correction: float) -> Iterator[Meter]:
    """The meters by which limits of rolling days, weeks and months are paced: the same by the calendar."""
    timezone = (info.get("day") or {}).get("timezone") or "UTC"
    windows: dict[Unit, Window] = {
        "day": CalendarDay(timezone, correction),
        "week": CalendarWeek(timezone, correction),
        "month": CalendarMonth(timezone, correction, (info.get("month") or {}).get("day") or 1),
    }
    for meter in meters:
        limits = tuple(Limit(each.name, each.value) for each in meter.limits if each.exhausts)
        if limits and not isinstance(meter.long, Calendar):
            unit = limits[0].kind.unit
            yield Meter(f"{meter.scope}{PACED}{unit}", limits, windows[unit], meter.part, "beside")


def _scope_of(scope: str, window: str, part: Part | None) -> str:
    """The name of a meter by its window and the part of the tokens that it counts."""
    if part is not None:
        scope += f"{OF}{part}"
    return scope if window == "day" else f"{scope}{PER}{window}"


def _named(limits: Mapping[str, Any]) -> Iterator[tuple[LimitName, float]]:
    """The limits by name, in the order of `LIMITS`; those of an odd window as `requests_per_5h`."""
    if not limits:
        return
    for name in LIMITS:
        if name not in ODD and limits.get(name) is not None:
            yield name, limits[name]
    for name, value in limits.items():
        if value is not None and name.rpartition("_")[0] in ODD:
            yield name, value
        elif value is not None and name in ("requests", "tokens"):
            for each in value if isinstance(value, list | tuple) else [value]:
                yield odd_name(name, window_length(each["per"])), parse_count(each["max"])


def _windows(info: Mapping[str, Any], day: Window, correction: float) -> dict[str, Window]:
    """The windows of more than a minute that have a name, each as the provider has it."""
    timezone = (info.get("day") or {}).get("timezone") or "UTC"
    week, month = info.get("week") or {}, info.get("month") or {}
    return {
        "hour": rolling(LENGTHS["hour"]),
        "day": day,
        "week": rolling(LENGTHS["week"]) if week.get("window") == "rolling" else CalendarWeek(timezone, correction),
        "month": rolling(LENGTHS["month"])
        if month.get("window") == "rolling"
        else CalendarMonth(timezone, correction, month.get("day") or 1),
    }


def _odd(name: str) -> Window:
    """The window of so much time: `5h`."""
    return rolling(window_length(name))


def _day(day: Mapping[str, str], correction: float) -> Window:
    return CalendarDay(day.get("timezone") or "UTC", correction) if day.get("window") == "calendar" else ROLLING_DAY


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
