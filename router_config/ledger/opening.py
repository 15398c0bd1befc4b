"""The store that a URL names."""

from router_config.ledger.interfaces import Store, StoreError
from router_config.ledger.local.memory import MemoryStore


def open_store(url: str) -> Store:
    """Open `memory://`, `sqlite:///path` (a path after three slashes) or `redis://host:port/db`.

    While a file or a Redis fails, this process counts for itself. A Redis need not answer yet.

    Raises `StoreError` when the store cannot be opened, and for any other URL.
    """
    scheme, _, place = url.partition("://")
    if scheme == "memory":
        return MemoryStore()
    if scheme == "sqlite" and place.startswith("/") and len(place) > 1:
        from router_config.ledger.local.sqlite import SQLiteStore
        from router_config.ledger.outage.store import ResilientStore

        path = place[1:]
        return ResilientStore(SQLiteStore(path), reopen=lambda: SQLiteStore(path))
    if scheme in ("redis", "rediss"):
        try:
            from router_config.ledger.outage.store import ResilientStore
            from router_config.ledger.redis.store import RedisStore
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "redis":
                raise
            raise StoreError("the Redis client is missing; pip install 'litellm-router-config[redis]'") from None

        return ResilientStore(RedisStore(url))
    raise StoreError(f"state {url!r} is no store: write memory://, sqlite:///path or redis://host:port/db")
