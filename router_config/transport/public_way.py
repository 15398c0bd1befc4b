"""The public way to ask a provider: LiteLLM's documented functions with a deployment's parameters, nothing else."""

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from functools import cache
from importlib.util import find_spec
from typing import Any, Final

import litellm
import openai
from litellm.llms.custom_httpx.http_handler import HTTPHandler

from router_config.transport import client_lookup, endpoints, seams
from router_config.transport.callbacks import somebody_listens
from router_config.transport.clients import TEXT, Clients, is_misfit
from router_config.transport.exchange import Exchange
from router_config.transport.wire.notes import COST

OF_THE_ROUTER: Final = frozenset(
    {
        "model", "max_wait", "caching", "ignore_cooldowns", "schema_in_prompt", "num_retries",
        "priority",
        "mock_testing_rate_limit_error", "mock_testing_fallbacks",
        "mock_testing_context_fallbacks", "mock_testing_content_policy_fallbacks",
        "fallbacks", "context_window_fallbacks", "content_policy_fallbacks",
        "specific_deployment", "disable_fallbacks", "max_fallbacks", "model_group", "router_timeout",
    }
)  # fmt: skip
"""Arguments of a call that the router itself heeds."""


def arguments(
    endpoint: str, given: Mapping[str, Any], entry: Mapping[str, Any], group: str, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What LiteLLM's function is called with: the deployment's parameters, then the caller's.

    entry: the deployment, from LiteLLM's model list. settings: those of the Router.
    """
    params, info = entry["litellm_params"], entry["model_info"]
    name = "litellm_metadata" if endpoint in endpoints.METADATA_OF_THE_PROVIDER else "metadata"
    asked = {each: value for each, value in params.items() if value is not None}
    asked.update((each, value) for each, value in given.items() if each not in OF_THE_ROUTER)
    metadata = dict(asked.get(name) or {})
    for each, value in (settings.get("default_litellm_params") or {}).items():
        if each == "metadata":
            metadata = {**value, **metadata}
        elif value is not None:
            asked.setdefault(each, value)
    if params.get("tags"):
        metadata["tags"] = list(dict.fromkeys([*(metadata.get("tags") or ()), *params["tags"]]))
    metadata.update(
        model_group=group,
        deployment=params["model"],
        model_info=info,
        api_base=params.get("api_base"),
        deployment_model_name=entry["model_name"],
    )
    asked.update({name: metadata, "model_info": info})
    if endpoint == "acompletion" and spares_mcp() and not any(map(_is_mcp, asked.get("tools") or ())):
        asked["_skip_mcp_handler"] = True
    return asked


async def ask(endpoint: str, asked: dict[str, Any], exchange: Exchange, clients: Clients) -> Any:
    """Ask once. asked: LiteLLM's arguments, with the timeout in seconds. Raises LiteLLM's errors.

    A client that the caller brings is used as it is: what goes over it is not seen, and counts as one request.
    """
    function, place = endpoints.function(endpoint), (exchange.provider, endpoint)
    own = asked.get("client")
    exchange.own_client = own is not None
    if own is not None and isinstance(own, HTTPHandler | openai.OpenAI):
        return await asyncio.to_thread(endpoints.function(endpoint.removeprefix("a")), **asked)
    if own is not None:
        return await function(**asked)
    exchange.free = exchange.recording is None and _is_free(endpoint, asked) and not somebody_listens()
    client = clients.for_request(asked, asked["timeout"])
    if endpoint not in TEXT:  # Our clients heed `ssl_verify`; LiteLLM would send it to the provider.
        asked = {**asked, "max_retries": 0}
        asked.pop("ssl_verify", None)
    for kind in (*clients.kinds(*place), None):
        exchange.sent = False if kind is not None and (endpoint in TEXT or place in clients.proven) else None
        given = {} if kind is None else {"client": client(kind)}
        with nullcontext() if place in clients.proven else client_lookup.serving(client) as serving:
            try:
                reply = await function(**asked, **given)
            except Exception as error:
                if kind is None or exchange.sent or not is_misfit(error):
                    raise
                clients.misfit(*place, kind)
                continue
            finally:
                if kind is not None and serving is not None and serving.used:
                    clients.misfit(*place, kind)
                elif kind is not None and exchange.sent:
                    clients.proven.add(place)
            # A stream may be asked for only when its first chunk is fetched, as of Gemini (LiteLLM 1.110).
            unseen = not exchange.sent and asked.get("stream") is not True and not _needs_no_provider(asked)
            if kind is not None and unseen:
                clients.misfit(*place, kind)
                exchange.sent = None
            if exchange.free:
                _forget_cost(reply)
            return reply
    raise AssertionError("the last of the kinds either answers or raises")


def _is_free(endpoint: str, asked: Mapping[str, Any]) -> bool:
    """Whether a chat costs nothing, by its deployment's price."""
    info = asked["model_info"]
    price = info.get("input_cost_per_token"), info.get("output_cost_per_token")
    return endpoint == "acompletion" and price == (0, 0) and not asked.get("stream")


def _forget_cost(reply: Any) -> None:
    """Take the header that told LiteLLM the cost from those of the answer."""
    hidden = getattr(reply, "_hidden_params", None) or {}
    for place in ("additional_headers", "headers"):
        for name in (COST, f"llm_provider-{COST}"):
            (hidden.get(place) or {}).pop(name, None)


def _needs_no_provider(asked: Mapping[str, Any]) -> bool:
    """Whether LiteLLM may have answered by itself. Else it took no notice of the client that it was given."""
    return litellm.cache is not None or any(name.startswith("mock_") for name in asked)


@cache
def spares_mcp() -> bool:
    """LiteLLM imports the mcp package for any tool, does not ask for it, and fails without (1.106.2).

    Where the package is missing, an argument of its own spares the import: if this LiteLLM takes it, and so does not
    send it to the provider.
    """
    if find_spec("mcp") is not None:
        return False
    from litellm import main

    function = getattr(main.completion, "__wrapped__", main.completion)
    code = getattr(function, "__code__", None)
    known = code is not None and "_skip_mcp_handler" in code.co_consts
    return seams.note("tools without the mcp package", None if known else "LiteLLM's completion() has no such argument")


def _is_mcp(tool: Any) -> bool:
    return isinstance(tool, Mapping) and tool.get("type") == "mcp"
