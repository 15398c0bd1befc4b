"""Models that are no longer served, as of November 2026."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Retirement:
    """A model that is no longer served: since when (None: the day is not known), and what to use instead."""

    since: date | None
    successor: str
    note: str = ""


# By LiteLLM's prefix and the model's name.
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
