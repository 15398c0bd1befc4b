"""`router-config demo`: five simulated providers, agents that ask them, and the status page."""

import argparse


def demo(arguments: argparse.Namespace) -> int:
    """Runs until Ctrl-C, or for so many seconds; 1 when the address cannot be used."""
    from monitoring.demo import run

    return run(arguments.port, arguments.agents, arguments.seconds, arguments.host, insecure=arguments.insecure)
