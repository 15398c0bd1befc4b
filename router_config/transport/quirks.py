"""What LiteLLM 1.106.2 shows, fetches or imports unasked, switched off for the process once a Router is made."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import litellm
from litellm import CustomStreamWrapper
from litellm.caching import caching_handler
from litellm.responses import main as responses
from litellm.responses.streaming_iterator import BaseResponsesAPIStreamingIterator


def quieten() -> None:
    """Idempotent. A setting that the user made stands."""
    if litellm.disable_hf_tokenizer_download is None:
        # Else it fetches a tokenizer to count a llama stream's prompt, 24 seconds where it cannot.
        litellm.disable_hf_tokenizer_download = True
    litellm.suppress_debug_info = True  # Else each failed attempt prints advice to stdout.
    # A call cancelled while LiteLLM still prepares it in a thread leaves its coroutine behind.
    warnings.filterwarnings(
        "ignore", r"coroutine '\w+\.a\w*(completion|embedding)\w*' was never awaited", RuntimeWarning
    )
    # pydantic 2.14 on a type of openai's that LiteLLM validates with.
    warnings.filterwarnings("ignore", "Item '.*' on TypedDict class", UserWarning)
    _spare_packages()


def _spare_packages() -> None:
    """LiteLLM imports its proxy at each cache hit, and the mcp package at each call of the Responses API.

    It asks for the packages of neither, so that both fail where only LiteLLM is installed.
    """
    caching_handler._should_defer_streaming_cache_hit_callbacks = _is_replayed_stream
    dispatch = responses._responses_try_dispatch_mcp_gateway
    if not isinstance(dispatch, _OnlyForMCP):
        responses._responses_try_dispatch_mcp_gateway = _OnlyForMCP(dispatch)


def _is_mcp(tool: Any) -> bool:
    """Whether a tool of a request is one of an MCP server."""
    return isinstance(tool, Mapping) and tool.get("type") == "mcp"


def _is_replayed_stream(*, cached_result: object) -> bool:
    streams = (CustomStreamWrapper, BaseResponsesAPIStreamingIterator)
    return isinstance(cached_result, streams) or type(cached_result).__name__ == "CachedAnthropicMessagesStreamIterator"


class _OnlyForMCP:
    """LiteLLM's dispatch to MCP servers, asked only by requests that have tools of one."""

    def __init__(self, dispatch: Callable[..., Any]) -> None:
        self._dispatch = dispatch

    def __call__(self, *, tools: Any, **kwargs: Any) -> Any:
        return self._dispatch(tools=tools, **kwargs) if any(map(_is_mcp, tools or ())) else None
