"""The JSON of a limit that a provider reports otherwise than the file has it."""

from typing import Any

from router_config.deployments.limit_changes import LimitChange
from router_config.iso import iso
from router_config.status.numbers import number


def limit_change(change: LimitChange, *, editable: bool = True) -> dict[str, Any]:
    """editable: there is a file, into which a command writes the limit."""
    return {
        "scope": "account" if change.model is None else "model",
        "model": change.model,
        "limit": change.limit,
        "file": number(change.file),
        "reported": number(change.reported.value),
        "since": iso(change.reported.since),
        "seen": iso(change.reported.seen),
        "source": change.reported.source,
        "in_force": change.in_force,
        "edit": change.edit if editable else None,
    }
