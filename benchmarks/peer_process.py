"""One peer in a process and an environment of its own, asked through its public interface; client_process's protocol.

A peer knows no limits but those that its own configuration has a place for.
"""

import asyncio
import importlib
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from benchmarks.load import MAX_TOKENS, Arrival, drive, timetable
from router_config.clock import SystemClock

Ask = Callable[[Arrival], Awaitable[object]]
MODELS: Final = {
    "groq": "llama-3.3-70b-versatile",
    "together": "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "openrouter": "deepseek/deepseek-r1:free",
}
TIMEOUT: Final = 30.0
"""Seconds for a request in all; what stock LiteLLM is told, too."""

STARTS_WITHIN: Final = 60.0


def freelm(setting: dict[str, Any]) -> Ask:
    """Limits of a minute; providers by priority."""
    module = importlib.import_module("freelm")
    providers = [
        module.Provider(
            key_of(name),
            name=name,
            base_url=base,
            models=[module.ModelSpec(MODELS[name])],
            rpm=setting["limits"][name]["rpm"],
            priority=priority,
        )
        for priority, (name, base) in enumerate(setting["bases"].items(), start=1)
    ]
    client = module.AsyncFreeLLM(providers, strategy="priority", timeout=TIMEOUT)

    async def ask(arrival: Arrival) -> object:
        if not arrival.stream:
            return await client.chat(arrival.messages, max_tokens=MAX_TOKENS)
        return [each async for each in client.astream(arrival.messages, max_tokens=MAX_TOKENS)]

    return ask


def freellmpool(setting: dict[str, Any]) -> Ask:
    """Knows limits of a day alone, and no streams where it is asynchronous."""
    directory = Path(setting["directory"])
    os.environ |= {
        "FREELLMPOOL_ALLOW_LOCAL_PROVIDERS": "1",
        "FREELLMPOOL_QUOTA_PATH": str(directory / "quota.json"),
        "FREELLMPOOL_STATS_PATH": str(directory / "stats.json"),
        "FREELLMPOOL_HEALTH_FILE": str(directory / "health.json"),
        **{f"KEY_{name}": key_of(name) for name in setting["bases"]},
    }
    module = importlib.import_module("freellmpool")
    providers = [
        module.Provider(name, name, "openai", base, (module.Model(MODELS[name]),), key_env=f"KEY_{name}")
        for name, base in setting["bases"].items()
    ]
    pool = module.AsyncPool(module.Pool(providers, env=dict(os.environ)))
    return lambda arrival: pool.achat(arrival.messages, max_tokens=MAX_TOKENS, timeout=TIMEOUT)


def flexrouter(setting: dict[str, Any]) -> Ask:
    """Limits of a minute; a service of its own on this machine, and its client."""
    home = Path(setting["directory"]) / "flexrouter"
    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    document = {
        "settings": {"port": port, "failover_budget_seconds": TIMEOUT},
        "providers": {
            name: {"base_url": base, "api_key_env": f"KEY_{name}"} for name, base in setting["bases"].items()
        },
        "buckets": {
            "free": [
                {
                    "provider": name,
                    "model": MODELS[name],
                    "score": 90 - 10 * place,
                    "rpm": setting["limits"][name]["rpm"],
                    "tpm": None,
                    "context_window": 131_072,
                }
                for place, name in enumerate(setting["bases"])
            ]
        },
    }
    (home / "config.yaml").write_text(json.dumps(document), "utf-8")
    os.environ |= {"FLEXROUTER_HOME": str(home), **{f"KEY_{name}": key_of(name) for name in setting["bases"]}}
    command = [str(Path(sys.executable).parent / "flexrouter"), "serve", "--port", str(port)]
    _services.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=sys.stderr))
    _wait_for(port)
    client = importlib.import_module("flexrouter").FlexRouter(base_url=f"http://127.0.0.1:{port}")

    async def ask(arrival: Arrival) -> object:
        if not arrival.stream:
            return await client.agenerate(arrival.messages, "free", max_tokens=MAX_TOKENS)
        return [each async for each in client.agenerate_stream(arrival.messages, "free", max_tokens=MAX_TOKENS)]

    return ask


PEERS: Final = {"freelm": freelm, "freellmpool": freellmpool, "flexrouter": flexrouter}
_services: list["subprocess.Popen[bytes]"] = []


def key_of(name: str) -> str:
    return f"simulated-{name}-0"


def _wait_for(port: int) -> None:
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the service did not start")


def main() -> None:
    """Run the job of stdin's first line; its second line starts the load."""
    job: dict[str, Any] = json.loads(sys.stdin.readline())
    logging.disable(logging.CRITICAL)

    async def run() -> dict[str, Any]:
        ask = PEERS[job["client"]](job["setting"])
        print("ready", flush=True)
        sys.stdin.readline()
        used = time.process_time()
        results = await drive(ask, timetable(**job["load"]), SystemClock())
        return {"results": [asdict(result) for result in results], "cpu": time.process_time() - used}

    try:
        print(json.dumps(asyncio.run(run())), flush=True)
    finally:
        for service in _services:
            service.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
