"""`router-config demo`: simulated providers, a real Router, and a few agents that ask it without pause."""

import asyncio
from typing import Final

from ..console import quiet_end, say, warn
from ..http.address import AddressError, listen, token_for
from .scenario import Scenario

DEFAULT: Final = Scenario()


def run(
    port: int = 8888,
    agents: int = 4,
    seconds: float | None = None,
    host: str = "127.0.0.1",
    *,
    insecure: bool = False,
    scenario: Scenario = DEFAULT,
) -> int:
    """Run the demo and its status page until Ctrl-C or SIGTERM, or for so many seconds.

    agents: how many ask. insecure: listen to the network without a token. scenario: pace and incidents. Port 0 takes a
    free one. Returns the exit code: 0 at an ordinary end, 1 when the address cannot be used.

    Raises ConfigError for an open address without a token.
    """
    with quiet_end():
        token = token_for(host, insecure=insecure)
        try:
            bound = listen(host, port)
        except AddressError as error:
            warn(str(error))
            return 1
        with bound:
            say("Starting the demo: five simulated providers with real limits. Nothing leaves this machine.")
            # LiteLLM comes with it, which takes three seconds.
            from .session import run_demo

            asyncio.run(run_demo(bound, scenario, agents, seconds, host=host, token=token, insecure=insecure))
    say("The demo has ended.")
    return 0
