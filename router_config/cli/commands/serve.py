"""`router-config serve`: the status page and GET /api/llm-providers."""

import argparse
from importlib import import_module


def serve(arguments: argparse.Namespace) -> int:
    """Serves until Ctrl-C; 1 when the address cannot be used."""
    code: int = import_module("router_config.monitoring.command").run(
        arguments.config, arguments.host, arguments.port, arguments.demo_without_keys, insecure=arguments.insecure
    )
    return code
