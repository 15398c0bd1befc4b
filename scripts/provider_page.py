"""Writes docs/providers.md from the presets.

python scripts/provider_page.py
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from router_config.cli.text import amount
from router_config.presets.preset import Preset
from router_config.presets.retirements import RETIRED
from router_config.presets.table import PRESETS

PAGE: Final = Path(__file__).parent.parent / "docs" / "providers.md"
_HEAD: Final = """\
# Providers

What `router-config init` and `router-config add NAME` know. Written by `scripts/provider_page.py` from
`router_config/presets/table.py`. Limits are those of a new account, read on the day that is given. What no public page
states is marked as inferred. `router-config check` tells when the facts of a provider in use are older than 90 days.
Any other provider of LiteLLM works, too: write it into the file with its models and limits.

| name | tier | key | models to begin with, their limits | limits of the account | day | wire | read | inferred |
|---|---|---|---|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    notes = [f"- {preset.name}: {preset.note}." for preset in PRESETS if preset.note]
    gone = [f"- {preset.name}: {preset.title} is gone since {preset.retired}." for preset in PRESETS if preset.retired]
    errors = [
        f"| {preset.name} | {error.status} | {error.says} | {error.means} |"
        for preset in PRESETS
        for error in preset.errors
    ]
    rows = [_row(preset) for preset in PRESETS if preset.retired is None]
    parts = [
        _HEAD + "\n".join(rows),
        "## Good to know\n\n" + "\n".join([*notes, *gone]),
        "## Retired models\n\n"
        "What `on_retired: successor` and `router-config models --write` put in their place, where neither the\n"
        "provider's list nor its error names another.\n\n"
        "| LiteLLM's prefix | model | since | use | read |\n|---|---|---|---|---|\n"
        + "\n".join(map(_retired, RETIRED)),
        "## Errors\n\n| provider | status | says | means |\n|---|---|---|---|\n" + "\n".join(errors),
    ]
    return "\n\n".join(parts) + "\n"


def _retired(name: tuple[str, str]) -> str:
    prefix, model = name
    each = RETIRED[name]
    successor = f"{each.successor} (inferred)" if each.inferred else each.successor
    since = " ".join(filter(None, (each.note, "-" if each.since is None and not each.note else str(each.since or ""))))
    return f"| {prefix} | {model} | {since} | {successor} | [{each.source.read_on}]({each.source.url}) |"


def _row(preset: Preset) -> str:
    variable = preset.written_variable or next(iter(preset.key_variables), None)
    key = "none" if variable is None else f"[{variable}]({preset.key_page})"
    models = "<br>".join(
        f"{model.name}: {_limits(model.limits)}" if model.limits else model.name for model in preset.models
    )
    day = "rolling" if preset.day == "rolling" else preset.timezone or "UTC"
    read = "-" if preset.source is None else f"[{preset.source.read_on}]({preset.source.url})"
    cells = (
        preset.name,
        preset.tier,
        key,
        models,
        _limits(preset.limits),
        day,
        preset.wire,
        read,
        preset.inferred or "-",
    )
    return f"| {' | '.join(cells)} |"


def _limits(limits: Mapping[str, int]) -> str:
    return ", ".join(f"{amount(value)} {name}" for name, value in limits.items()) or "-"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
