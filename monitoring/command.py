"""What `router-config serve` does: the status page over litellm.yaml and its store, without LiteLLM."""

import asyncio
import os
import socket

from router_config.config.loading import load_config
from router_config.config.models import Config, ConfigError
from router_config.ledger.interfaces import Store, StoreError
from router_config.ledger.opening import open_store
from router_config.status.explanation import absence

from .console import ending_at_signal, quiet_end, say, warn
from .http.address import AddressError, address_of, listen, token_for


def run(
    config_path: str | os.PathLike[str] = "litellm.yaml",
    host: str = "127.0.0.1",
    port: int = 8888,
    demo_without_keys: bool = False,
    *,
    insecure: bool = False,
) -> int:
    """Serve the page until Ctrl-C or SIGTERM.

    demo_without_keys: where no provider is configured, run the demo instead. insecure: listen to the network without
    a token. Port 0 takes a free one. Returns the exit code: 0 at an ordinary end, 1 when the address cannot be used.

    Raises ConfigError.
    """
    with quiet_end():
        config = load_config(config_path)
        if demo_without_keys and not _configured(config):
            from . import demo

            say("No provider is configured yet (router-config env sets the keys), so here is the demo.")
            return demo.run(port=port, host=host, insecure=insecure)
        token = token_for(host, insecure=insecure)
        try:
            bound = listen(host, port)
        except AddressError as error:
            warn(str(error))
            return 1
        with bound:
            asyncio.run(_serve(config, _open(config), bound, host, token, insecure))
    return 0


async def _serve(
    config: Config, store: Store, bound: socket.socket, host: str, token: str | None, insecure: bool
) -> None:
    from router_config.status.source import ConfiguredSource

    from .api import router_for
    from .http.guard import app_for
    from .server import serve

    with ending_at_signal() as ending:
        try:
            routes = router_for(ConfiguredSource(config, store, follow=True))
            _introduce(config, store, address_of(bound, host))
            await serve(app_for([routes], host=host, token=token, insecure=insecure), bound, ending)
        finally:
            await store.aclose()


def _open(config: Config) -> Store:
    try:
        store = open_store(config.state)
    except StoreError as error:
        raise ConfigError(str(error)) from error
    damaged = getattr(store, "set_aside", None)
    if damaged is not None:
        warn(f"The state file was damaged. It was moved to {damaged}; counting begins anew.")
    return store


def _introduce(config: Config, store: Store, url: str) -> None:
    for warning in config.warnings:
        warn(warning)
    say(f"Status page: {url}  (Ctrl-C ends it)")
    width = max((len(each.name) for each in config.providers), default=0)
    for provider in config.by_priority:
        absent = absence(config, provider.name)
        say(f"  {provider.name:{width}}  {'configured' if absent is None else ': '.join(absent)}")
    if not _configured(config):
        say("Without a key no request can be answered. To see how it works: router-config demo")
    if not store.shared:
        say("Counts are kept in memory (state: memory://), so requests of other processes do not show here.")


def _configured(config: Config) -> bool:
    return any(provider.enabled and provider.configured for provider in config.providers)
