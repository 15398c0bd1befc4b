"""`router-config serve`: the status page and GET /api/llm-providers."""

import argparse


def serve(arguments: argparse.Namespace) -> int:
    """Serves until Ctrl-C; 1 when the address cannot be used."""
    from monitoring.command import run

    return run(
        arguments.config, arguments.host, arguments.port, arguments.demo_without_keys, insecure=arguments.insecure
    )
