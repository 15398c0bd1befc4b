"""The clients that are compared, each as its user would write it, aimed at one upstream."""

import functools
import itertools
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import aiohttp
import litellm
import openai
from litellm.integrations.custom_logger import CustomLogger
from litellm.router import Router as LiteLLMRouter

from benchmarks.costs.setting import REQUEST, Setting, our_environment, stock_models, write_ours

litellm.disable_hf_tokenizer_download = True  # For Llama models it would ask a hub for a tokenizer, at every call.
litellm.suppress_debug_info = True

MANY: Final = 60
"""Keys, or models, of each of the five providers: 300 deployments."""


@dataclass(frozen=True)
class Rival:
    """`ask` answers one request, with `stream=True` a stream. `router` where there is one, for what only it can do.

    callback: among litellm.callbacks, where this client has one.
    """

    ask: Callable[..., Awaitable[Any]]
    router: Any = None
    callback: "CountingCallback | None" = None


def raw_aiohttp(setting: Setting) -> Rival:
    """POST and the JSON of the answer, as little as there can be."""
    first = setting.first
    url, body = setting.base(first) + "/chat/completions", {"model": setting.model(first), **REQUEST}
    if first == "gemini":
        url = f"{setting.base(first)}/models/{setting.model(first)}:generateContent"
        texts = [{"role": "user", "parts": [{"text": each["content"]}]} for each in REQUEST["messages"]]
        body = {"contents": texts, "generationConfig": {"stopSequences": ["\n\n"], "maxOutputTokens": 200}}

    @functools.cache
    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(headers={"authorization": "Bearer fake-key"})

    async def ask() -> Any:
        async with session().post(url, json=body) as reply:
            return json.loads(await reply.read())

    return Rival(ask)


def openai_sdk(setting: Setting) -> Rival:
    """AsyncOpenAI. Gemini is asked in OpenAI's format, too, which is what it offers to this client."""
    kind = "openai" if setting.first == "gemini" else setting.first
    client = openai.AsyncOpenAI(api_key="fake-key", base_url=setting.base(kind), max_retries=0)
    return Rival(functools.partial(client.chat.completions.create, model=setting.model(kind), **REQUEST))


def bare(setting: Setting) -> Rival:
    """litellm.acompletion, straight to the first provider."""
    where = {"api_base": setting.base(setting.first), "api_key": "fake-key"}
    return Rival(functools.partial(litellm.acompletion, model=setting.prefixed(setting.first), **where, **REQUEST))


def stock(setting: Setting, deployments: int, **how: Any) -> Rival:
    """litellm.Router with so many ordered deployments."""
    router = LiteLLMRouter(model_list=stock_models(setting, setting.order[:deployments]), **how)
    return Rival(functools.partial(router.acompletion, model="default", **REQUEST), router)


def ours(setting: Setting, state: str = "memory://", *, fast_path: bool = True, **size: int) -> Rival:
    """router_config.Router from a litellm.yaml."""
    path = write_ours(setting, state.format(directory=setting.directory), **size)
    router = _router_class().from_yaml(path, env=our_environment(size.get("keys", 1)), fast_path=fast_path)
    return Rival(functools.partial(router.acompletion, model="default", **REQUEST), router)


@functools.cache
def _router_class() -> Any:
    """Imported as in a program that imports it before LiteLLM, which a fork has already."""
    from router_config.transport.garbage_collector import importing

    with importing():
        from router_config import Router
    return Router


class CountingCallback(CustomLogger):
    """Counts the answers that it was told of, with what LiteLLM's own loggers read of each."""

    called = 0

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.called += kwargs["standard_logging_object"]["total_tokens"] > 0


def with_callback(make: Callable[[Setting], Rival]) -> Callable[[Setting], Rival]:
    """The same with a logger among litellm.callbacks, as most who run agents have one."""

    def made(setting: Setting) -> Rival:
        litellm.callbacks.append(callback := CountingCallback())
        return replace(make(setting), callback=callback)

    return made


def with_seeds(make: Callable[[Setting], Rival]) -> Callable[[Setting], Rival]:
    """The same with another parameter at each request, so that LiteLLM has to prepare every one."""

    def made(setting: Setting) -> Rival:
        rival, seeds = make(setting), itertools.count()
        return Rival(lambda: rival.ask(seed=next(seeds)), rival.router)

    return made


def enforcing(setting: Setting) -> Rival:
    return stock(setting, 5, optional_pre_call_checks=["enforce_model_rate_limits"])


def public(setting: Setting) -> Rival:
    return ours(setting, fast_path=False)


RIVALS: Final[Mapping[str, Callable[[Setting], Rival]]] = {
    "raw aiohttp": raw_aiohttp,
    "AsyncOpenAI": openai_sdk,
    "acompletion": bare,
    "stock, 1": lambda setting: stock(setting, 1),
    "stock, 5": lambda setting: stock(setting, 5),
    "stock, 5 + enforce": enforcing,
    "stock, callback": with_callback(enforcing),
    "ours": ours,
    "ours, public": public,
    "ours, callback": with_callback(ours),
    "ours, public, callback": with_callback(public),
    "ours, SQLite": lambda setting: ours(setting, "sqlite:///{directory}/state.db"),
    "ours, seeds": with_seeds(ours),
    "ours, 300 keys": lambda setting: ours(setting, keys=MANY),
    "ours, 300 models": lambda setting: ours(setting, models=MANY),
    "ours, SQLite, 300 keys": lambda setting: ours(setting, "sqlite:///{directory}/state.db", keys=MANY),
}
