"""`router-config remove PROVIDER`: a provider less in litellm.yaml."""

import argparse
import sys
from pathlib import Path

from router_config.cli.editing.config_edit import edit
from router_config.cli.editing.yaml_edit import NoSuchPlace, without
from router_config.config.loading import load_config


def remove(arguments: argparse.Namespace) -> int:
    """Takes the provider out of the file. Its key stays in .env and its counts in the store."""
    path = Path(arguments.config)
    names = [provider.name for provider in load_config(path).providers]

    def change(text: str) -> str:
        if arguments.provider not in names:
            raise NoSuchPlace(arguments.provider, names, "providers")
        return without(text, f"providers.{arguments.provider}")

    print(edit(path, change))
    print("Its key stays in .env, and its counts in the store, for its return.", file=sys.stderr)
    return 0
