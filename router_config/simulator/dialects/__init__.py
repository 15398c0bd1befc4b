"""The wire formats of the five providers."""

from router_config.simulator.dialects.base import Dialect, Stamp
from router_config.simulator.dialects.gemini import Gemini
from router_config.simulator.dialects.groq import Groq
from router_config.simulator.dialects.openai import OpenAI
from router_config.simulator.dialects.openrouter import OpenRouter
from router_config.simulator.dialects.together import Together

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (Groq(), Gemini(), OpenRouter(), Together(), OpenAI())
}
API_BASES = {name: f"/{name}{dialect.base}" for name, dialect in DIALECTS.items()}
"""Where each provider's API begins below the simulator's address: what LiteLLM takes as `api_base`."""

__all__ = ["API_BASES", "DIALECTS", "Dialect", "Stamp"]
