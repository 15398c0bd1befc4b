"""Which preset a provider of litellm.yaml has, and how old its facts are."""

import difflib
from datetime import date, timedelta
from typing import Final

from router_config.presets.preset import Preset
from router_config.presets.table import PRESETS

FRESH: Final = timedelta(days=90)
"""How long the facts of a preset pass for true: free tiers change within months."""

REFERENCE: Final = ("groq", "gemini", "openrouter", "together", "openai")
"""The providers of a file for which nobody named any, in the order in which they are asked."""

_BY_NAME = {preset.name: preset for preset in PRESETS}
_BY_PREFIX = {preset.litellm_provider: preset for preset in reversed(PRESETS) if preset.address is None}


class UnknownPreset(Exception):
    """There is no preset of this name, or its service is gone. Message: what is known instead."""


def preset_of(name: str, litellm_provider: str | None = None) -> Preset | None:
    """The preset of a provider: by LiteLLM's prefix where the file gives one, else by the provider's name."""
    named = _BY_NAME.get(name)
    if litellm_provider is None:
        return named or _BY_PREFIX.get(name)
    if named is not None and named.litellm_provider == litellm_provider:
        return named
    return _BY_PREFIX.get(litellm_provider)


def preset_named(name: str) -> Preset | None:
    """The preset that a person means by a name: the preset's own, or LiteLLM's prefix of it."""
    return _BY_NAME.get(name) or _BY_PREFIX.get(name)


def preset_to_add(name: str, today: date) -> Preset:
    """The preset of a provider that a person wants to have. Raises UnknownPreset where there is none, or no more."""
    found = preset_named(name)
    if found is None:
        near = difflib.get_close_matches(name, names(), n=1)
        meant = f"Did you mean {near[0]}? Known" if near else "Known"
        raise UnknownPreset(
            f"no preset is called {name[:60]!r}\n  {meant}: {', '.join(sorted(names()))}.\n"
            "  Any other provider of LiteLLM is written into the file by hand, with its models."
        )
    if found.retired is not None and found.retired <= today:
        others = ", ".join(sorted(names()))
        raise UnknownPreset(f"{found.title} is gone since {found.retired}\n  Choose among {others}.")
    return found


def of_prefix(litellm_provider: str) -> Preset | None:
    """The preset of LiteLLM's prefix, for who knows no more of a provider."""
    return _BY_PREFIX.get(litellm_provider)


def names() -> list[str]:
    """The names of all presets that still serve."""
    return [preset.name for preset in PRESETS if preset.retired is None]


def age_warning(preset: Preset, today: date) -> str | None:
    """What to tell a person whose file relies on a preset with old facts, or of a service that is gone."""
    if preset.retired is not None and preset.retired <= today:
        return f"{preset.name}: {preset.title} is gone since {preset.retired}; remove the provider"
    if preset.source is None or today - preset.source.read_on <= FRESH:
        return None
    return (
        f"{preset.name}: what the preset knows was read {(today - preset.source.read_on).days} days ago; "
        f"compare the limits with {preset.source.url}"
    )
