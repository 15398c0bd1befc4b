"""`router-config show`: the configuration as it is understood."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from router_config.cli.text import print_json
from router_config.config.loading import load_config
from router_config.config.models import Config, Key, Secret
from router_config.config.store_url import without_password


def show(arguments: argparse.Namespace) -> int:
    """Prints the configuration with presets applied and numbers parsed, without a secret."""
    document = _without_secrets(load_config(arguments.config))
    if arguments.json:
        print_json(document)
    else:
        import yaml

        print(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), end="")
    return 0


def _without_secrets(config: Config) -> dict[str, Any]:
    document = _plain(asdict(config))
    document["state"] = without_password(config.state)
    document["groups"] = document.pop("group_rules")
    for provider, shown in zip(config.providers, document["providers"], strict=True):
        shown["keys"] = [_key(key) for key in provider.keys]
        if provider.api_base is not None:
            shown["api_base"] = without_password(provider.api_base)
    return {name: document[name] for name in document if name not in ("warnings", "variables")}


def _key(key: Key) -> dict[str, Any]:
    return {"variable": key.variable, "set": key.secret is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Secret | Path) else value
