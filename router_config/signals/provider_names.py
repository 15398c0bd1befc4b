"""What people call the providers, and where they go to mend things."""

from __future__ import annotations

from dataclasses import dataclass

from router_config.signals.redaction import redact


@dataclass(frozen=True, slots=True)
class Place:
    """name: as people write it. keys, billing, models: pages for people."""

    name: str
    keys: str
    billing: str
    models: str


_KNOWN = {
    "groq": Place(
        "Groq",
        "https://console.groq.com/keys",
        "https://console.groq.com/settings/billing",
        "https://console.groq.com/docs/models",
    ),
    "gemini": Place(
        "Gemini",
        "https://aistudio.google.com/apikey",
        "https://ai.studio/projects",
        "https://ai.google.dev/gemini-api/docs/models",
    ),
    "openrouter": Place(
        "OpenRouter",
        "https://openrouter.ai/settings/keys",
        "https://openrouter.ai/settings/credits",
        "https://openrouter.ai/models",
    ),
    "together_ai": Place(
        "Together",
        "https://api.together.ai/settings/api-keys",
        "https://api.together.ai/settings/billing",
        "https://api.together.ai/models",
    ),
    "openai": Place(
        "OpenAI",
        "https://platform.openai.com/api-keys",
        "https://platform.openai.com/settings/organization/billing",
        "https://platform.openai.com/docs/models",
    ),
}


def place_of(provider: str) -> Place:
    """The pages of a provider; for one outside the five, words in their stead."""
    known = _KNOWN.get(provider)
    if known is not None:
        return known
    name = redact(provider)[:40] or "The provider"
    return Place(name, "the provider's console", "the provider's console", "the provider's list of models")
