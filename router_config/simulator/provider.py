"""The way of a request to the simulated provider that it is for."""

import json
from collections.abc import Mapping
from typing import Any

from router_config.simulator.dialects import DIALECTS
from router_config.simulator.exchange import Reply
from router_config.simulator.http.connection import Connection
from router_config.simulator.visit import Visit
from router_config.simulator.world import World


async def serve(
    world: World, provider: str, path: str, query: str, connection: Connection, headers: Mapping[bytes, bytes]
) -> None:
    """Answer one request as `provider` would."""
    dialect = DIALECTS[provider]
    endpoint = dialect.endpoint(path)
    if endpoint == "models":
        listed = Reply(200, dialect.models(sorted(world.known_models(provider))))
        await connection.send(listed)
    elif endpoint is None:
        missing = f"Unknown request URL: {path}. The simulator has no such path."
        await connection.send(dialect.error(404, missing))
    else:
        raw = await connection.read()
        key = dialect.key(headers, query)
        await Visit(world, dialect, connection, key).run(path, _json(raw))


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None
