"""Models that are no longer served, as of November 2026."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from router_config.presets.preset import Source


@dataclass(frozen=True, slots=True)
class Retirement:
    """A model that is no longer served: since when (None: the day is not known), and what to use instead.

    source: where its provider says so. inferred: no public page names the successor.
    """

    since: date | None
    successor: str
    source: Source
    note: str = ""
    inferred: bool = False


_READ: Final = date(2026, 11, 23)
_GROQ = Source("https://console.groq.com/docs/deprecations", _READ)
_GEMINI = Source("https://ai.google.dev/gemini-api/docs/deprecations", _READ)
_OPENROUTER = Source("https://openrouter.ai/models", _READ)
_TOGETHER = Source("https://docs.together.ai/docs/deprecations", _READ)
_CEREBRAS = Source("https://inference-docs.cerebras.ai/support/deprecation", date(2026, 11, 26))
_XAI = Source("https://docs.x.ai/developers/migration/may-15-retirement", date(2026, 11, 26))
_COHERE = Source("https://docs.cohere.com/changelog/2026-04-04-embed-v2-aya-8b-retirement", date(2026, 11, 26))
_NOVITA = Source("https://novita.ai/docs/changelog/04-06-26", date(2026, 11, 26))

# By LiteLLM's prefix and the model's name.
RETIRED: dict[tuple[str, str], Retirement] = {
    ("groq", "llama-3.3-70b-versatile"): Retirement(date(2026, 8, 16), "openai/gpt-oss-120b", _GROQ),
    ("groq", "mixtral-8x7b-32768"): Retirement(date(2025, 3, 20), "openai/gpt-oss-20b", _GROQ, inferred=True),
    ("gemini", "gemini-1.5-flash"): Retirement(None, "gemini-3.8-flash", _GEMINI, inferred=True),
    ("gemini", "gemini-2.5-pro"): Retirement(None, "gemini-3.8-flash", _GEMINI, "for new projects"),
    ("gemini", "gemini-2.5-flash"): Retirement(None, "gemini-3.8-flash", _GEMINI, "for new projects", inferred=True),
    ("openrouter", "deepseek/deepseek-r1:free"): Retirement(None, "openrouter/free", _OPENROUTER, inferred=True),
    ("openrouter", "mistralai/mistral-7b-instruct:free"): Retirement(
        None, "openrouter/free", _OPENROUTER, inferred=True
    ),
    ("together_ai", "mistralai/Mixtral-8x7B-Instruct-v0.1"): Retirement(
        None, "openai/gpt-oss-120b", _TOGETHER, "without a server of your own", inferred=True
    ),
    ("cerebras", "llama-3.3-70b"): Retirement(date(2026, 2, 16), "gpt-oss-120b", _CEREBRAS),
    ("cerebras", "qwen-3-32b"): Retirement(date(2026, 2, 16), "gpt-oss-120b", _CEREBRAS),
    ("cerebras", "qwen-3-235b-a22b-thinking-2507"): Retirement(date(2025, 11, 14), "gpt-oss-120b", _CEREBRAS),
    ("cerebras", "llama-4-scout-17b-16e-instruct"): Retirement(date(2025, 11, 3), "gpt-oss-120b", _CEREBRAS),
    ("cerebras", "llama-4-maverick-17b-128e-instruct"): Retirement(date(2025, 10, 15), "gpt-oss-120b", _CEREBRAS),
    ("cohere_chat", "c4ai-aya-expanse-8b"): Retirement(date(2026, 4, 4), "command-r7b-12-2024", _COHERE),
    ("novita", "meta-llama/llama-3-70b-instruct"): Retirement(
        date(2026, 6, 19), "meta-llama/llama-3.3-70b-instruct", _NOVITA
    ),
    ("novita", "meta-llama/llama-3-8b-instruct"): Retirement(
        date(2026, 6, 19), "meta-llama/llama-3.1-8b-instruct", _NOVITA
    ),
    ("novita", "zai-org/glm-4.5"): Retirement(date(2026, 6, 19), "zai-org/glm-5.1", _NOVITA),
    ("xai", "grok-3"): Retirement(date(2026, 5, 15), "grok-4.3", _XAI),
    ("xai", "grok-4-0709"): Retirement(date(2026, 5, 15), "grok-4.3", _XAI),
    ("xai", "grok-4-fast-reasoning"): Retirement(date(2026, 5, 15), "grok-4.3", _XAI),
    ("xai", "grok-4-1-fast-reasoning"): Retirement(date(2026, 5, 15), "grok-4.3", _XAI),
    ("xai", "grok-code-fast-1"): Retirement(date(2026, 5, 15), "grok-4.3", _XAI),
}


def retirement_warning(provider: str, litellm_provider: str, model: str) -> str | None:
    """What to tell a person whose file names a retired model; None for any other."""
    retired = RETIRED.get((litellm_provider, model))
    if retired is None:
        return None
    since = f" since {retired.since}" if retired.since is not None else ""
    note = f" {retired.note}" if retired.note else ""
    return f"{provider}: {model} is no longer served{note}{since}; use {retired.successor} instead"
