"""What a request needs of a model, by its arguments. Found once for each request."""

from collections.abc import Mapping
from typing import Any, Final

from router_config.deployments.abilities import NOTHING, Needs
from router_config.routing.needs.chats import of_chat
from router_config.routing.needs.other_endpoints import OTHERS

PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "tools": ("tools", "functions"),
    "parallel_tools": ("parallel_tool_calls",),
    "json_object": ("response_format",),
    "json_schema": ("response_format",),
    "n": ("n",),
    "logprobs": ("logprobs", "top_logprobs"),
    "reasoning": ("reasoning_effort", "thinking"),
    "dimensions": ("dimensions",),
}
"""The parameters that ask for an ability, which LiteLLM may drop."""


def needs_of(endpoint: str, asked: Mapping[str, Any]) -> Needs:
    """The needs of a request. endpoint: the name of LiteLLM's function."""
    if endpoint == "acompletion":
        return of_chat(asked)
    of = OTHERS.get(endpoint)
    return NOTHING if of is None else of(asked)
