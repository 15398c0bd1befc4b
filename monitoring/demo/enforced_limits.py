"""What the simulated providers enforce: the limits of the file that the demo's Router goes by."""

from dataclasses import asdict
from typing import Any

from router_config.config.models import Config, Limits, Provider
from router_config.simulator import LimitsError
from router_config.simulator.quotas.limits import provider_name


def enforced_limits(config: Config) -> dict[str, Any]:
    """The limits of each provider that is simulated, its windows and its models', as `Simulator` takes them."""
    return {each.name: _of(each) for each in config.providers if _is_simulated(each.name)}


def _is_simulated(name: str) -> bool:
    try:
        provider_name(name)
    except LimitsError:
        return False
    return True


def _of(provider: Provider) -> dict[str, Any]:
    prices = [asdict(model.price) for model in provider.models if model.price is not None]
    return {
        **_plain(provider.limits),
        "models": {model.name: _plain(model.limits) for model in provider.models if model.limits.given()},
        "shared_account": provider.pool == "shared",
        "day": provider.day.given(),
        "week": asdict(provider.week),
        "month": asdict(provider.month),
        "price": prices[0] if prices else None,
    }


def _plain(limits: Limits) -> dict[str, Any]:
    return {name: value for name, value in asdict(limits).items() if value not in (None, ())}
