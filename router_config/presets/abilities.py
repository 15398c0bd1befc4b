"""What models can do, where LiteLLM's list lacks it or is wrong: by provider and model, with the page that says so.

Only what such a page states: what it leaves open stays open. Models that are no longer served have no facts here.
"""

from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, Final

from router_config.presets.preset import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """Facts of one page about the models of a provider.

    litellm_provider: LiteLLM's prefix; `*`: whoever serves the model, for what is a matter of the model itself.
    model: a name, or a pattern with `*` and `?`. can, cannot: abilities, by their names in litellm.yaml. context,
    max_output: the most tokens of prompt and answer together, and of an answer.
    """

    litellm_provider: str
    model: str
    source: Source
    can: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    context: int | None = None
    max_output: int | None = None

    def holds_for(self, litellm_provider: str, model: str) -> bool:
        return self.litellm_provider in ("*", litellm_provider) and fnmatchcase(model, self.model)

    @property
    def told(self) -> dict[str, Any]:
        """By the name of an ability, or `context` and `max_output`, what the page says."""
        sizes = {"context": self.context, "max_output": self.max_output}
        return {
            **dict.fromkeys(self.can, True),
            **dict.fromkeys(self.cannot, False),
            **{name: tokens for name, tokens in sizes.items() if tokens is not None},
        }


_READ: Final = date(2026, 11, 26)


def _gpt_oss(size: str) -> ModelFacts:
    return ModelFacts(
        litellm_provider="*",
        model=f"*gpt-oss?{size}*",  # gpt-oss-120b, openai/gpt-oss-120b:free, gpt-oss:120b, ...
        source=Source(f"https://developers.openai.com/api/docs/models/gpt-oss-{size}", _READ),
        cannot=("images", "audio"),  # Text alone goes in and out.
    )


MODEL_FACTS: Final = (
    # The more exact first: of each ability the first that holds for a model counts.
    ModelFacts(
        litellm_provider="openrouter",
        model="openrouter/free",
        source=Source("https://openrouter.ai/openrouter/free", _READ),
        can=("tools", "images", "json_schema"),  # It chooses among the free models that can.
        context=200_000,
    ),
    ModelFacts(
        litellm_provider="vercel_ai_gateway",
        model="openai/gpt-oss-120b",
        source=Source("https://vercel.com/ai-gateway/models/gpt-oss-120b/faq", _READ),
        can=("tools", "reasoning"),
        context=131_072,
    ),
    ModelFacts(
        litellm_provider="vercel_ai_gateway",
        model="openai/gpt-oss-20b",
        source=Source("https://vercel.com/ai-gateway/models/gpt-oss-20b", _READ),
        can=("tools", "reasoning"),
        context=131_072,
        max_output=32_768,
    ),
    ModelFacts(
        litellm_provider="custom_openai",
        model="@cf/openai/gpt-oss-120b",
        source=Source("https://developers.cloudflare.com/workers-ai/models/gpt-oss-120b/", _READ),
        can=("tools", "reasoning"),
        context=128_000,
    ),
    ModelFacts(
        litellm_provider="groq",
        model="*",
        source=Source("https://console.groq.com/docs/openai", _READ),
        cannot=("n", "logprobs"),  # "will result in a 400 error"
    ),
    ModelFacts(
        litellm_provider="scaleway",
        model="*",
        source=Source("https://www.scaleway.com/en/docs/generative-apis/api-cli/using-chat-api/", _READ),
        cannot=("n",),
    ),
    _gpt_oss("120b"),
    _gpt_oss("20b"),
)


def preset_facts(litellm_provider: str, model: str, facts: tuple[ModelFacts, ...] = MODEL_FACTS) -> dict[str, Any]:
    """What is known of a model, by the names of abilities, `context` and `max_output`; what nobody says is not in it.

    litellm_provider: LiteLLM's prefix of its provider.

        >>> preset_facts("openrouter", "openrouter/free")["context"]
        200000
    """
    found: dict[str, Any] = {}
    for each in facts:
        if each.holds_for(litellm_provider, model):
            found = {**each.told, **found}
    return found
