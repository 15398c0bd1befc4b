"""`router-config serve` and `demo`: the status server, and the same with everything simulated."""

import argparse


def serve(arguments: argparse.Namespace) -> int:
    from monitoring.command import run

    return run(
        arguments.config,
        arguments.host,
        arguments.port,
        arguments.demo_without_keys,
        insecure=arguments.insecure,
    )


def demo(arguments: argparse.Namespace) -> int:
    from monitoring.demo import run

    return run(
        arguments.port,
        arguments.agents,
        arguments.seconds,
        arguments.host,
        insecure=arguments.insecure,
    )
