"""One client in a process of its own: reads a JSON job on stdin, waits for its start, writes JSON results to stdout."""

import asyncio
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.clients import Ask, Setting

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"


async def warm(make: "Callable[[Setting], Ask]", setting: "Setting") -> None:
    """What LiteLLM does at the first call only, such as importing a provider's code, is not part of the load.

    The simulator is reset afterwards; the router used for it, and its store, are not used again.
    """
    from benchmarks.load import Arrival

    with TemporaryDirectory() as directory:
        for name, base in setting.bases.items():
            one = replace(setting, bases={name: base}, limits={name: {}}, keys=1, directory=directory)
            ask = make(one)
            for stream in (False, True):
                await ask(Arrival(0.0, 10, stream))


def main() -> None:
    """Run the job of stdin's first line; its second line starts the load."""
    job: dict[str, Any] = json.loads(sys.stdin.readline())
    from benchmarks.clients import CLIENTS, AheadClock, Setting
    from benchmarks.load import drive, timetable

    logging.disable(logging.CRITICAL)  # LiteLLM writes a line for each error.
    setting = Setting(**job["setting"])
    load = timetable(**job["load"])
    clock = AheadClock(setting.clock_ahead)

    async def run() -> dict[str, Any]:
        await warm(CLIENTS[job["client"]], setting)
        ask = CLIENTS[job["client"]](setting)
        print("ready", flush=True)
        sys.stdin.readline()
        used = time.process_time()
        results = await drive(ask, load, clock)
        return {"results": [asdict(result) for result in results], "cpu": time.process_time() - used}

    print(json.dumps(asyncio.run(run())), flush=True)
    sys.stdout.flush()
    os._exit(0)  # LiteLLM's threads and unfinished tasks would only complain.


if __name__ == "__main__":
    main()
