"""What is known of providers, so that litellm.yaml need not say it: prefix, key, day, retired models."""

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, slots=True)
class Preset:
    """A provider that is known by name.

    `litellm_provider` is LiteLLM's prefix; `key_variables`, where its key is looked for, first to last (none:
    it needs no key); `day` and `timezone`, when its day begins; `key_page`, where a person gets a key; `successor`,
    a model to suggest where one is gone.
    """

    name: str
    litellm_provider: str
    key_variables: tuple[str, ...]
    day: Literal["rolling", "calendar"] = "rolling"
    timezone: str | None = None
    key_page: str | None = None
    successor: str | None = None


def _usual(name: str, key_page: str, successor: str | None = None) -> Preset:
    """A provider with LiteLLM's prefix for a name, whose key is in NAME_API_KEY."""
    return Preset(name, name, (f"{name.upper()}_API_KEY",), key_page=key_page, successor=successor)


_PRESETS = (
    _usual("groq", "https://console.groq.com/keys", successor="openai/gpt-oss-120b"),
    Preset(
        "gemini",
        "gemini",
        ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        day="calendar",
        timezone="America/Los_Angeles",
        key_page="https://aistudio.google.com/apikey",
        successor="gemini-3.8-flash",
    ),
    Preset(
        "openrouter",
        "openrouter",
        ("OPENROUTER_API_KEY",),
        day="calendar",
        timezone="UTC",
        key_page="https://openrouter.ai/settings/keys",
        successor="openrouter/free",
    ),
    Preset(
        "together",
        "together_ai",
        ("TOGETHERAI_API_KEY", "TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHER_AI_TOKEN"),
        key_page="https://api.together.ai/settings/api-keys",
        successor="openai/gpt-oss-120b",
    ),
    _usual("openai", "https://platform.openai.com/api-keys", successor="gpt-4o-mini"),
    _usual("anthropic", "https://platform.claude.com"),
    _usual("cerebras", "https://cloud.cerebras.ai"),
    _usual("deepseek", "https://platform.deepseek.com"),
    _usual("mistral", "https://console.mistral.ai"),
    _usual("nvidia_nim", "https://build.nvidia.com"),
    _usual("sambanova", "https://cloud.sambanova.ai"),
    _usual("xai", "https://console.x.ai"),
    Preset("ollama", "ollama", ()),
    Preset("lm_studio", "lm_studio", ()),
)
_BY_NAME = {preset.name: preset for preset in _PRESETS}
_BY_PREFIX = {preset.litellm_provider: preset for preset in _PRESETS}


def preset_of(name: str, litellm_provider: str | None = None) -> Preset | None:
    """The preset of a provider: by LiteLLM's prefix where the file gives one, else by the provider's name."""
    if litellm_provider is not None:
        return _BY_PREFIX.get(litellm_provider)
    return _BY_NAME.get(name) or _BY_PREFIX.get(name)


@dataclass(frozen=True, slots=True)
class Retirement:
    """A model that is no longer served: since when (None: the day is not known), and what to use instead."""

    since: date | None
    successor: str
    note: str = ""


# As of November 2026, by LiteLLM's prefix and the model's name.
RETIRED: dict[tuple[str, str], Retirement] = {
    ("groq", "llama-3.3-70b-versatile"): Retirement(date(2026, 8, 16), "openai/gpt-oss-120b"),
    ("groq", "mixtral-8x7b-32768"): Retirement(date(2025, 3, 20), "openai/gpt-oss-20b"),
    ("gemini", "gemini-1.5-flash"): Retirement(None, "gemini-3.8-flash"),
    ("gemini", "gemini-2.5-pro"): Retirement(None, "gemini-3.8-flash", "for new projects"),
    ("gemini", "gemini-2.5-flash"): Retirement(None, "gemini-3.8-flash", "for new projects"),
    ("openrouter", "deepseek/deepseek-r1:free"): Retirement(None, "openrouter/free"),
    ("openrouter", "mistralai/mistral-7b-instruct:free"): Retirement(None, "openrouter/free"),
    ("together_ai", "mistralai/Mixtral-8x7B-Instruct-v0.1"): Retirement(
        None, "openai/gpt-oss-120b", "without a server of your own"
    ),
}


def retirement_warning(provider: str, litellm_provider: str, model: str) -> str | None:
    """What to tell a person whose file names a retired model; None for any other."""
    retired = RETIRED.get((litellm_provider, model))
    if retired is None:
        return None
    since = f" since {retired.since}" if retired.since is not None else ""
    note = f" {retired.note}" if retired.note else ""
    return f"{provider}: {model} is no longer served{note}{since}; use {retired.successor} instead"
