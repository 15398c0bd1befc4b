"""One of the processes of a client: a JSON job on stdin, "ready" on stdout, a start on stdin, JSON results.

It runs in LiteLLM's own environment, too, where nothing of ours but the simulator and this package is imported.
"""

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from benchmarks.classes.judge import Result
from benchmarks.classes.load import AGENTS, CLASSES, MAX_TOKENS, WEIGHTS, Ask, Load

MODELS: Final = {
    "groq": "groq/llama-3.3-70b-versatile",
    "together": "together_ai/mistralai/Mixtral-8x7B-Instruct-v0.1",
    "openrouter": "openrouter/deepseek/deepseek-r1:free",
}
Asking = Callable[[Ask], Awaitable[object]]


def ours(job: dict[str, Any]) -> Asking:
    """Our Router of a file with classes."""
    import yaml

    from router_config import Router

    load = job["load"]
    document = {
        "version": 1,
        "state": job["state"],
        "classes": CLASSES,
        "providers": {
            name: {
                "priority": priority,
                "api_base": job["bases"][name],
                "api_key": "os.environ/KEY",
                "limits": {load["limit"]: limit},
                "day": {"window": "rolling"},
                "models": [MODELS[name].partition("/")[2]],
            }
            for priority, (name, limit) in enumerate(load["limits"].items(), start=1)
        },
    }
    path = Path(job["directory"]) / f"litellm-{os.getpid()}.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    router = Router.from_yaml(path, env={"KEY": "simulated"})
    return lambda ask: router.acompletion(
        model="default", messages=ask.messages, max_tokens=MAX_TOKENS, metadata={"agent": AGENTS[ask.agent_class]}
    )


def litellms(job: dict[str, Any]) -> Asking:
    """LiteLLM's Router with the limiter of its proxy that reserves by priority, asked as the proxy asks it."""
    import litellm
    from litellm.caching.dual_cache import DualCache
    from litellm.caching.redis_cache import RedisCache
    from litellm.proxy._types import UserAPIKeyAuth
    from litellm.proxy.hooks.dynamic_rate_limiter_v3 import _PROXY_DynamicRateLimitHandlerV3
    from litellm.router import Router

    litellm.suppress_debug_info = True
    litellm.priority_reservation = {**WEIGHTS}
    if job["fresh"]:
        from litellm.types.utils import PriorityReservationSettings

        litellm.priority_reservation_settings = PriorityReservationSettings(saturation_check_cache_ttl=0)
    entries = [
        {
            "model_name": "default",
            "litellm_params": {
                "model": MODELS[name],
                "api_key": "simulated",
                "api_base": job["bases"][name],
                job["load"]["limit"]: limit,
            },
            "model_info": {"id": name, "input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
        }
        for name, limit in job["load"]["limits"].items()
    ]
    router = Router(  # Its usual routing, by the limits; its usual cooldown.
        model_list=entries,
        num_retries=2,
        redis_url=job["state"],
        optional_pre_call_checks=["enforce_model_rate_limits"],
    )
    cache = DualCache(redis_cache=RedisCache(url=job["state"]))
    limiter = _PROXY_DynamicRateLimitHandlerV3(internal_usage_cache=cache)
    limiter.update_variables(router)
    litellm.callbacks.append(limiter)

    async def asking(ask: Ask) -> object:
        key = UserAPIKeyAuth(metadata={"priority": ask.agent_class})
        data = {"model": "default", "messages": ask.messages, "max_tokens": MAX_TOKENS}
        await limiter.async_pre_call_hook(key, cache, data, "completion")
        reply = await router.acompletion(**{**data, "metadata": {"user_api_key_auth_metadata": key.metadata}})
        return await limiter.async_post_call_success_hook(data, key, reply)

    return asking


async def drive(asking: Asking, load: Sequence[Ask]) -> list[Result]:
    """Ask everything at its time, whatever the answers."""
    start, running = time.time(), []
    for ask in load:
        if (early := start + ask.at - time.time()) > 0:
            await asyncio.sleep(early)
        running.append(asyncio.create_task(_one(asking, ask)))
    return list(await asyncio.gather(*running))


async def _one(asking: Asking, ask: Ask) -> Result:
    began, error = time.time(), None
    try:
        await asking(ask)
    except Exception as failure:
        error = type(failure).__name__
    return Result(ask.agent_class, began, time.time(), error)


def main() -> None:
    """Run the job of stdin's first line; its second line starts the load."""
    job: dict[str, Any] = json.loads(sys.stdin.readline())
    logging.disable(logging.CRITICAL)
    load = Load(**job["load"])
    asks = load.timetable()[job["number"] :: job["processes"]]

    async def run() -> list[Result]:
        asking = (ours if job["client"].startswith("ours") else litellms)(job)
        print("ready", flush=True)
        sys.stdin.readline()
        return await drive(asking, asks)

    print(json.dumps([asdict(each) for each in asyncio.run(run())]), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
