"""One client in a process of its own: a JSON job on stdin, "ready" on stdout, a JSON start on stdin, JSON results."""

import asyncio
import json
import logging
import os
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

if TYPE_CHECKING:
    from benchmarks.clients import Setting


def main() -> None:
    """Run the job of stdin's first line; its second line starts the load and says by how much clocks are ahead."""
    job: dict[str, Any] = json.loads(sys.stdin.readline())
    from benchmarks.clients import CLIENTS, AheadClock, Setting
    from benchmarks.load import drive, timetable

    logging.disable(logging.CRITICAL)  # LiteLLM writes a line for each error.
    setting, clock = Setting(**job["setting"]), AheadClock()
    load = timetable(**job["load"])
    make = CLIENTS[job["client"]]

    async def run() -> dict[str, Any]:
        await warm(setting)
        ask = make(setting, clock)
        print("ready", flush=True)
        clock.ahead = json.loads(sys.stdin.readline())["ahead"]
        used = time.process_time()
        results = await drive(ask, load, clock)
        return {"results": [asdict(result) for result in results], "cpu": time.process_time() - used}

    print(json.dumps(asyncio.run(run())), flush=True)
    os._exit(0)  # LiteLLM's threads and unfinished tasks would only complain.


async def warm(setting: "Setting") -> None:
    """What LiteLLM does at its first call to a provider, such as importing its code, is not part of the load.

    The simulator is reset afterwards.
    """
    import litellm

    # Else LiteLLM tries to fetch a tokenizer for a llama's stream, half a minute where there is no network (1.106.2).
    litellm.disable_hf_tokenizer_download = True
    calls = (warm_up(name, base, stream) for name, base in setting.bases.items() for stream in (False, True))
    await asyncio.gather(*calls)


async def warm_up(name: str, base: str, stream: bool) -> None:
    """One request, with a key for each, since an account may be allowed one request a minute."""
    import litellm

    from benchmarks.clients import MODELS, PREFIXES

    reply = await litellm.acompletion(
        model=f"{PREFIXES.get(name, name)}/{MODELS[name]}",
        messages=[{"role": "user", "content": "hello"}],
        api_base=base,
        api_key=f"warm-{stream}",
        max_tokens=10,
        stream=stream,
    )
    if stream:
        async for _ in reply:
            pass


if __name__ == "__main__":
    main()
