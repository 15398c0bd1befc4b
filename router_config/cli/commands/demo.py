"""`router-config demo`: five simulated providers, agents that ask them, and the status page."""

import argparse
from importlib import import_module


def demo(arguments: argparse.Namespace) -> int:
    """Runs until Ctrl-C, or for so many seconds; 1 when the address cannot be used."""
    code: int = import_module("router_config.monitoring.demo").run(
        arguments.port, arguments.agents, arguments.seconds, arguments.host, insecure=arguments.insecure
    )
    return code
