"""Which models are known to take a JSON schema as their `response_format`."""

from functools import lru_cache
from typing import Final

import litellm

from router_config.config import prices

_BINDING: Final = frozenset({"ollama", "ollama_chat", "lm_studio", "llamafile", "hosted_vllm", "vllm"})
"""LiteLLM's prefixes of servers that bind any model to a schema."""


@lru_cache(maxsize=1024)
def takes_schema(model: str) -> bool:
    """model: as in `litellm_params`, with LiteLLM's prefix."""
    prefix, _, name = model.partition("/")
    if prefix in _BINDING:
        return True
    try:
        if prefix == "openai" and not prices.listed([(prefix, name)])[prefix, name]:
            return True  # A server of one's own that speaks like it.
        return bool(litellm.supports_response_schema(model=name, custom_llm_provider=prefix))
    except Exception:  # LiteLLM raises whatever it likes for a model that it does not know.
        return False
