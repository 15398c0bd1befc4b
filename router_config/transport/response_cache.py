"""`cache_responses`: answers kept in LiteLLM's cache, read before a provider is chosen.

LiteLLM's own way to a kept answer imports its proxy, whose packages it does not ask for (1.106 to 1.110). So its cache
is asked here, under the name of the group. Streams are not kept.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import litellm
from litellm.caching.caching import Cache
from litellm.types.caching import LiteLLMCacheType

from router_config.config.models import ConfigError

KEPT: Final[Mapping[str, Any]] = {"acompletion": litellm.ModelResponse, "aembedding": litellm.EmbeddingResponse}
"""Endpoints whose answers are kept, and as what."""

NOT_IN_KEYS: Final = frozenset({"metadata", "max_wait", "timeout", "ignore_cooldowns", "schema_in_prompt"})


def switched_on(settings: dict[str, Any]) -> bool:
    """Take `cache` and `cache_params` out of the settings for the litellm module; they mean what LiteLLM's proxy takes.

    Returns whether answers are to be kept. Raises ConfigError for a cache that LiteLLM does not know.
    """
    params = settings.pop("cache_params", None) or {}
    if not settings.pop("cache", False):
        return False
    known = sorted(each.value for each in LiteLLMCacheType)
    if params.get("type", known[0]) not in known:
        kinds = ", ".join(known)
        raise ConfigError(f"litellm_settings.cache_params: there is no {params['type']!r}; type is one of {kinds}")
    try:
        litellm.cache = Cache(**params)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"litellm_settings.cache_params: LiteLLM makes no cache of them: {error}") from None
    return True


def _key(endpoint: str, asked: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments that LiteLLM makes a key of; None for a request whose answer is not kept."""
    wanted = settings.get("cache_responses") or asked.get("caching")
    refused = (asked.get("cache") or {}).get("no-cache") or asked.get("stream")
    if litellm.cache is None or endpoint not in KEPT or not wanted or refused or asked.get("caching") is False:
        return None
    return {name: value for name, value in asked.items() if name not in NOT_IN_KEYS}


async def kept(endpoint: str, asked: Mapping[str, Any], settings: Mapping[str, Any]) -> Any | None:
    """The answer that an equal request was given before, if it is still kept."""
    key = _key(endpoint, asked, settings)
    if key is None or litellm.cache is None:
        return None
    found = await litellm.cache.async_get_cache(**key)
    if isinstance(found, str):
        found = json.loads(found)
    if not isinstance(found, dict):
        return None
    reply = KEPT[endpoint](**found)
    reply._hidden_params = {"cache_hit": True, "cache_key": litellm.cache.get_cache_key(**key), "response_cost": 0.0}
    return reply


async def keep(endpoint: str, asked: Mapping[str, Any], settings: Mapping[str, Any], reply: Any) -> None:
    """Keep an answer for the next equal request."""
    key = _key(endpoint, asked, settings)
    if key is not None and litellm.cache is not None and isinstance(reply, KEPT[endpoint]):
        await litellm.cache.async_add_cache(reply.model_dump_json(), **key)
