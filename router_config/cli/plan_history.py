"""What `router-config plan` asks the store for: outages, requests and latencies of the router's own history."""

from datetime import UTC, datetime

from router_config.cli.store_access import asked_of_store
from router_config.cli.text import plural, span
from router_config.config.models import Config, ConfigError
from router_config.config.store_url import without_password
from router_config.ledger.interfaces import Store, StoreError
from router_config.ledger.rules.history import SLOT_SECONDS
from router_config.ledger.values import History
from router_config.planner.assumptions.faults import ALL, Fault
from router_config.planner.assumptions.latencies import LATENCY, Latencies
from router_config.planner.assumptions.observed_faults import LOOKED_BACK, observed_faults, observed_since
from router_config.planner.assumptions.own_history import measured_latencies, replay_of
from router_config.planner.assumptions.replay import Replay


def outages_observed(config: Config) -> tuple[tuple[Fault, ...], str]:
    """The outages of the own history, and what is to be said of them."""
    now = datetime.now(UTC).timestamp()

    async def read(_: Config, store: Store) -> History:
        return await store.history(SLOT_SECONDS, now - LOOKED_BACK, now)

    history = asked_of_store(config, read)
    names = {each.name for each in config.providers}
    faults = [each for each in observed_faults(history, now) if each.of == ALL or each.of in names]
    over = f"Observed over {span(now - observed_since(history, now))}"
    if not faults:
        return (), f"{over}: nobody failed."
    each = (
        f"{fault.of} failed {plural(len(fault.lengths), 'time')}, {span(sum(fault.lengths) / len(fault.lengths))} each"
        for fault in faults
    )
    return tuple(faults), f"{over}: {'; '.join(each)}."


def requests_replayed(seconds: float, config: Config) -> tuple[Replay, str]:
    """The requests of the last so many seconds, and what is to be said of them. Raises ConfigError without any."""
    now = datetime.now(UTC).timestamp()

    async def read(used: Config, store: Store) -> tuple[Replay, str]:
        if store.degraded is not None:
            raise StoreError(f"the requests to replay cannot be read: {store.degraded.reason}")
        return await replay_of(store, used, seconds, now)

    try:
        return asked_of_store(config, read)
    except ValueError as nothing:
        hint = "Let the router serve for some days, or write --tokens-per-day 1M."
        raise ConfigError(
            f"router-config plan --replay: {nothing}, in {without_password(config.state)}\n  {hint}"
        ) from None


def latencies_measured(config: Config) -> tuple[Latencies, str]:
    """How long answers take by the own history, and what is to be said of it; a plan needs no store for that."""
    now = datetime.now(UTC).timestamp()

    async def read(used: Config, store: Store) -> tuple[Latencies, str]:
        return await measured_latencies(store, used, now)

    try:
        return asked_of_store(config, read)
    except StoreError as failure:
        return Latencies({}), f"Answers take {LATENCY:g} s, for nobody can be asked how long they took: {failure}"
