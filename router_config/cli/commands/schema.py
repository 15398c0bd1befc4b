"""`router-config schema`: the JSON schema of litellm.yaml, for editors."""

import argparse

from router_config.cli.text import print_json
from router_config.config.file_format import json_schema


def schema(_: argparse.Namespace) -> int:
    """Prints the schema."""
    print_json(json_schema())
    return 0
