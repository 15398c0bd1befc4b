"""The router of the examples: that of ../litellm.yaml where one of its keys is set, else one of simulated providers."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from router_config import Router, load_config
from router_config.simulator import Simulator

ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def example_router(**options: Any) -> Iterator[Router]:
    """A router, closed at the end. `--demo` takes the simulated providers even where a key is set.

    options: the simulator's, such as `answer="Hold."`.
    """
    path = ROOT / "litellm.yaml"
    if "--demo" not in sys.argv and any(each.enabled and each.configured for each in load_config(path).providers):
        with closing(Router.from_yaml(path)) as router:
            yield router
    else:
        print("Simulated providers answer; nothing leaves this machine.")
        path = ROOT / "monitoring" / "demo" / "reference.yaml"
        with (
            Simulator(**options) as simulator,
            closing(Router.from_yaml(path, env=simulator.env(), simulated=True)) as router,
        ):
            yield router
