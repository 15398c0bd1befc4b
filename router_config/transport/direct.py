"""LiteLLM's chat completion without what nobody asked for.

`litellm.acompletion` runs `litellm.completion` in a thread and wraps it in caching, rules, hooks, retries and logging;
`litellm.Router` adds fallbacks, metrics and context compaction. A call that uses none of it pays for all of it, more
than for everything else together (1.106.2). Here `completion`, with each provider's own code, is called as
`acompletion` calls it, where nobody can tell the difference. Whoever registers a callback, a cache, a fallback or
anything else that is not named here gets LiteLLM's own way, whole.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, Final
from uuid import uuid4

import litellm
from litellm.chat_completions.dispatch import acompletion
from litellm.litellm_core_utils.exception_mapping_utils import exception_type
from litellm.litellm_core_utils.llm_response_utils.response_metadata import update_response_metadata
from litellm.litellm_core_utils.rules import Rules
from litellm.router import Router as LiteLLMRouter
from litellm.router_utils.add_retry_fallback_headers import (
    add_fallback_headers_to_response,
    add_retry_headers_to_response,
)
from litellm.utils import function_setup

from router_config.routing.request import Flight
from router_config.transport.callbacks import somebody_listens
from router_config.transport.prepared import PreparedCalls, kind_of, noting

PROVIDERS: Final = frozenset({"groq", "gemini", "openrouter", "together_ai", "openai"})
"""Their `completion(acompletion=True)` builds the request without waiting for anything, and sends it asynchronously."""

MODEL_PARAMS: Final = frozenset(
    {
        "temperature", "top_p", "n", "stop", "max_tokens", "max_completion_tokens", "presence_penalty",
        "frequency_penalty", "logit_bias", "user", "response_format", "seed", "tools", "tool_choice",
        "parallel_tool_calls", "logprobs", "top_logprobs", "reasoning_effort", "verbosity", "service_tier",
        "safety_identifier", "prompt_cache_key", "extra_headers", "timeout",
    }
)  # fmt: skip
"""What a request or a deployment may set: `completion` alone reads it."""

REQUEST_PARAMS: Final = MODEL_PARAMS | {"stream_options", "metadata", "max_wait", "despite_rests"}
CALL_PARAMS: Final = MODEL_PARAMS | {"stream", "stream_options", "metadata", "client", "_skip_mcp_handler"}
DEPLOYMENT_PARAMS: Final = MODEL_PARAMS | {"model", "api_key", "api_base", "custom_llm_provider", "organization"}
DEFAULT_PARAMS: Final = frozenset({"timeout", "max_retries", "metadata"})

SETTINGS: Final = (
    "cache", "max_budget", "model_fallbacks", "modify_params", "num_retries_per_request",
    "enable_json_schema_validation", "request_correlation_in_logs", "set_verbose", "pre_call_rules", "post_call_rules",
)  # fmt: skip
"""Settings of the litellm module that its wrappers serve."""

ROUTER_FEATURES: Final = (
    "fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "num_retries", "retry_policy",
    "model_group_retry_policy", "cache_responses", "default_priority", "default_max_parallel_requests",
    "alerting_config",
)  # fmt: skip
"""Settings of litellm.Router that its wrappers serve."""

_settings: Final = attrgetter(*SETTINGS)
_features: Final = attrgetter(*ROUTER_FEATURES)
_RULES: Final = Rules()


def takes_request(router: LiteLLMRouter, messages: Any, request: Mapping[str, Any]) -> bool:
    """Whether a request, with these arguments besides model, messages and stream, needs nothing of the wrappers.

    Images and other parts are left to LiteLLM, for some of them it downloads.
    """
    return (
        REQUEST_PARAMS.issuperset(request)
        and not any(_settings(litellm))
        and not somebody_listens()
        and litellm.acompletion is acompletion  # Instrumentation puts a function of its own there.
        and not any(_features(router))
        and DEFAULT_PARAMS.issuperset(router.default_litellm_params)
        and isinstance(messages, list)
        and all(isinstance(each, dict) and isinstance(each.get("content"), str | None) for each in messages)
    )


def takes_call(flight: Flight, call: Mapping[str, Any]) -> bool:
    """Whether one call of such a request, to this deployment, needs nothing of the wrappers."""
    return (
        CALL_PARAMS.issuperset(call)
        and flight.deployment.litellm_provider in PROVIDERS
        and DEPLOYMENT_PARAMS.issuperset(
            name for name, value in flight.entry["litellm_params"].items() if value is not None and value is not False
        )
    )


async def complete(flight: Flight, call: Mapping[str, Any], prepared: PreparedCalls) -> Any:
    """Ask the flight's deployment. Raises LiteLLM's errors.

    call: the arguments of `litellm.acompletion` besides the deployment's own, `metadata` among them.
    """
    params, model_info = flight.entry["litellm_params"], flight.entry["model_info"]
    model, call_id, began = params["model"], str(uuid4()), datetime.now()
    metadata = {**call["metadata"], "deployment": model, "model_info": model_info}  # The deployment's own price.
    known = {"model": model, "model_info": model_info, "metadata": metadata, "litellm_call_id": call_id}
    asked = {**params, **call, **known}
    kind = kind_of(asked)
    ready = prepared.find(kind)
    if ready is None or any("tool_calls" in each for each in asked["messages"]):
        listener, asked = function_setup("acompletion", _RULES, began, is_async_call=False, **asked)
    else:
        listener = ready.listener(asked, began)
    _spare(listener, model_info)
    try:
        reply = ready.start(asked, listener) if ready is not None else _start(asked, listener, kind, prepared)
        if asyncio.iscoroutine(reply):
            reply = await reply
        if isinstance(reply, litellm.CustomStreamWrapper):
            reply.set_logging_event_loop(loop=asyncio.get_running_loop())
            if reply.completion_stream is None and reply.make_call is not None:
                await reply.fetch_stream()
    except Exception as error:
        provider = flight.deployment.litellm_provider
        raise exception_type(model, error, provider, asked, asked) from error  # type: ignore[no-untyped-call]
    update_response_metadata(reply, listener, model, asked, began, datetime.now())
    return reply


def _start(asked: Mapping[str, Any], listener: Any, kind: str | None, prepared: PreparedCalls) -> Any:
    """Have LiteLLM prepare a chat and hand it over, and note for the next of its kind what it came to."""
    if kind is None or not prepared.wants(kind):
        return litellm.completion(**asked, litellm_logging_obj=listener, acompletion=True)
    with noting(listener) as note:
        reply = litellm.completion(**asked, litellm_logging_obj=listener, acompletion=True)
    prepared.keep(kind, note, asked)
    return reply


def _spare(listener: Any, model_info: Mapping[str, Any]) -> None:
    """The work for those who listen: nobody does. And for the cost of what is free, which LiteLLM looks up for long."""
    listener.dispatch_success_handlers = listener.dispatch_failure_handlers = _nobody  # A stream's end calls them.
    if model_info.get("input_cost_per_token") == 0 == model_info.get("output_cost_per_token"):
        listener.response_cost_calculator = _nothing


def with_headers(reply: Any) -> Any:
    """With the headers of LiteLLM's own that its Router adds to `_hidden_params`: no retry, no fallback."""
    reply = add_retry_headers_to_response(reply, attempted_retries=0)
    return add_fallback_headers_to_response(reply, attempted_fallbacks=0)


async def _nobody(*_: Any, **__: Any) -> None:
    """Nobody listens."""


def _nothing(*_: Any, **__: Any) -> float:
    """What a free answer costs."""
    return 0.0
