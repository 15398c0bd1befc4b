"""The text of a litellm.yaml, and of each provider in it, as `router-config init` and `add` write it."""

from collections.abc import Iterable, Mapping

from router_config.cli.text import amount
from router_config.presets.preset import KnownModel, Preset

_HEAD = """\
# The one file to edit. Check it with `router-config check`, set keys with `router-config env`.
# Requests go to the first provider with room in all of its limits; a provider without its key is skipped.
# `router-config add NAME`, `remove NAME` and `set NAME.limits.rpm 60` edit it too. Every key: `router-config schema`.

version: 1
state: sqlite:///.router/state.db        # memory:// | sqlite:///path (relative to this file) | redis://host:6379/0

defaults:
  cooldown: 5m                           # how long a failing provider gets no requests
  timeout: 30s                           # for one attempt
  soft_limit: 95%                        # of a daily limit: from here on the next provider is preferred
  max_wait: 0s                           # how long a request may wait for room before it fails

providers:
"""
_TAIL = """
aliases: {gpt-4o: default, "*": default} # what callers may ask for -> a group of models
"""
_ENV_HEAD = "# Keys for the providers of litellm.yaml. `router-config env` fills in .env without showing them;\n" + (
    "# or copy this file to .env by hand. A provider without its key is skipped.\n"
)


def file_text(presets: Iterable[Preset], variables: Mapping[str, str]) -> str:
    """A whole litellm.yaml: the presets in their order, but the free ones before those that are paid.

    variables: those that are set; a provider names the first that holds its key.
    """
    ordered = sorted(presets, key=lambda preset: preset.tier == "paid")
    sections = [
        section_text(preset, priority, key_variable(preset, variables)) for priority, preset in enumerate(ordered, 1)
    ]
    return _HEAD + "\n".join(sections) + _TAIL


def section_text(preset: Preset, priority: int, variable: str | None) -> str:
    """A provider as it stands under `providers:`, indented by two spaces, with where its facts are from."""
    lines = [f"{preset.name}:"]
    if preset.note:
        lines.append(f"  # {preset.title}: {preset.note}.")
    if preset.key_page is not None:
        lines.append(f"  # Keys: {preset.key_page}")
    lines += [f"  priority: {priority}", f"  tier: {preset.tier}"]
    if variable is not None:
        lines.append(f"  api_key: os.environ/{variable}")
    lines += _source_lines(preset)
    if preset.limits:
        lines.append(f"  limits: {_limits(preset.limits)}")
    lines.append("  models:")
    for model in preset.models:
        lines += _model_lines(model)
    return "".join(f"  {line}\n" for line in lines)


def env_example(presets: Iterable[Preset], variables: Mapping[str, str]) -> str:
    """A .env.example: each variable that the file names, empty, with the page where its value is found."""
    text = _ENV_HEAD
    for preset in presets:
        for name in needed_variables(preset, key_variable(preset, variables)):
            text += f"\n# {preset.key_page}\n{name}=\n" if preset.key_page else f"\n{name}=\n"
    return text


def key_variable(preset: Preset, variables: Mapping[str, str]) -> str | None:
    """The variable for a provider's key: the first that is set, else the usual one."""
    for name in preset.key_variables:
        if variables.get(name, "").strip():
            return name
    return preset.written_variable or next(iter(preset.key_variables), None)


def needed_variables(preset: Preset, variable: str | None) -> list[str]:
    """The variables that a provider needs: that of its key, and those in its address."""
    in_address = [part.split("}")[0] for part in (preset.address or "").split("{")[1:]]
    return [*([] if variable is None else [variable]), *in_address]


def _source_lines(preset: Preset) -> list[str]:
    if preset.source is None:
        return []
    lines = [f"  # As of {preset.source.read_on}: {preset.source.url}"]
    if preset.inferred:
        lines.append(f"  # Not stated there: {preset.inferred}.")
    return lines


def _model_lines(model: KnownModel) -> list[str]:
    name = f'"{model.name}"' if model.name[0] in "@*&!%" else model.name
    if not model.limits:
        return [f"    - {name}"]
    return [f"    - name: {name}", f"      limits: {_limits(model.limits)}"]


def _limits(limits: Mapping[str, int]) -> str:
    return "{" + ", ".join(f"{name}: {amount(value)}" for name, value in limits.items()) + "}"
