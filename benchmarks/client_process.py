"""One client in a process of its own: a JSON job on stdin, "ready" on stdout, a JSON start on stdin, JSON results."""

import asyncio
import json
import logging
import os
import sys
import time
from dataclasses import asdict, replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

if TYPE_CHECKING:
    from benchmarks.clients import AheadClock, Make, Setting


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
        await warm(make, setting, clock)
        ask = make(setting, clock)
        print("ready", flush=True)
        clock.ahead = json.loads(sys.stdin.readline())["ahead"]
        used = time.process_time()
        results = await drive(ask, load, clock)
        return {"results": [asdict(result) for result in results], "cpu": time.process_time() - used}

    print(json.dumps(asyncio.run(run())), flush=True)
    os._exit(0)  # LiteLLM's threads and unfinished tasks would only complain.


async def warm(make: "Make", setting: "Setting", clock: "AheadClock") -> None:
    """What LiteLLM does at its first call, such as importing a provider's code, is not part of the load.

    The simulator is reset afterwards; the routers used for it, and their store, are not used again.
    """
    from benchmarks.load import Arrival

    with TemporaryDirectory() as directory:
        for name, base in setting.bases.items():
            one = replace(setting, bases={name: base}, limits={name: {}}, keys=1, directory=directory)
            ask = make(one, clock)
            for stream in (False, True):
                await ask(Arrival(0.0, 10, stream))


if __name__ == "__main__":
    main()
