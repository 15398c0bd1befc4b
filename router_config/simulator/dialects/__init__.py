"""The wire formats of the five providers."""

from router_config.simulator.dialects.base import Dialect, Moment
from router_config.simulator.dialects.gemini import Gemini
from router_config.simulator.dialects.groq import Groq
from router_config.simulator.dialects.openai import OpenAI
from router_config.simulator.dialects.openrouter import OpenRouter
from router_config.simulator.dialects.together import Together

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (Groq(), Gemini(), OpenRouter(), Together(), OpenAI())
}

__all__ = ["DIALECTS", "Dialect", "Moment"]
