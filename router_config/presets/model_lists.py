"""Where each provider lists its models, and in what form.

`{base}` is where its API begins: the provider's `api_base`, the variable that LiteLLM reads, or the provider's own.
Where a list is read by more than one request, it is because its provider cuts it into pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from router_config.presets.preset import Source

ListForm = Literal["openai", "gemini", "anthropic", "cohere", "ollama", "openrouter", "cloudflare"]
PriceUnit = Literal["token", "million"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelList:
    """A provider's list of models.

    base: where its API begins. variables: where LiteLLM looks for another base, first to last. version: what a base
    that was given needs at its end, such as `/v1`. path: of the list, behind the base. parameters: of its query.
    account: the path of what is told of the account. prices: what they are for; None: to be judged by their size.
    zero_is_free: False where a price of 0 is one that is not told. whole: False where the list is known to lack models
    that are served, so that what it lacks may be served all the same. counted: whether the provider counts the request
    for the list among the account's, as `source` says; of all others nothing says so.
    """

    form: ListForm = "openai"
    base: str | None = None
    variables: tuple[str, ...] = ()
    version: str = ""
    path: str = "/models"
    parameters: Mapping[str, str] = field(default_factory=dict)
    account: str | None = None
    prices: PriceUnit | None = None
    zero_is_free: bool = True
    whole: bool = True
    counted: bool = False
    source: Source | None = None


_READ_ON = date(2026, 11, 26)

_OLLAMA = ModelList(
    form="ollama",
    base="http://localhost:11434",
    variables=("OLLAMA_API_BASE",),
    path="/api/tags",
    source=Source("https://docs.ollama.com/api/tags", _READ_ON),
)

_COHERE = ModelList(
    form="cohere",
    base="https://api.cohere.com/v1",
    variables=("COHERE_API_BASE",),
    version="/v1",
    parameters={"page_size": "1000"},
    counted=True,  # "Trial keys are limited to 1,000 API calls a month", of whatever endpoint.
    source=Source("https://docs.cohere.com/docs/rate-limits", _READ_ON),
)

_CLOUDFLARE = ModelList(
    form="cloudflare",
    variables=("CLOUDFLARE_API_BASE",),
    path="/models/search",
    parameters={"per_page": "1000"},
    source=Source("https://developers.cloudflare.com/api/resources/ai/subresources/models", _READ_ON),
)

_BY_PREFIX: Final[Mapping[str, ModelList]] = {
    "groq": ModelList(base="https://api.groq.com/openai/v1", variables=("GROQ_API_BASE",)),
    "gemini": ModelList(
        form="gemini",
        base="https://generativelanguage.googleapis.com/v1beta",
        variables=("GEMINI_API_BASE",),
        version="/v1beta",
        parameters={"pageSize": "1000"},
        source=Source("https://ai.google.dev/api/models", _READ_ON),
    ),
    "openrouter": ModelList(
        form="openrouter",
        base="https://openrouter.ai/api/v1",
        variables=("OPENROUTER_API_BASE",),
        parameters={"output_modalities": "all"},
        account="/key",
        prices="token",
        source=Source("https://openrouter.ai/docs/models", _READ_ON),
    ),
    "together_ai": ModelList(
        base="https://api.together.ai/v1",
        variables=("TOGETHER_AI_API_BASE",),
        prices="million",
        zero_is_free=False,
        source=Source("https://docs.together.ai/reference/models-1", _READ_ON),
    ),
    "openai": ModelList(base="https://api.openai.com/v1", variables=("OPENAI_BASE_URL", "OPENAI_API_BASE")),
    "cerebras": ModelList(base="https://api.cerebras.ai/v1", variables=("CEREBRAS_API_BASE",)),
    "sambanova": ModelList(base="https://api.sambanova.ai/v1", variables=("SAMBANOVA_API_BASE",), prices="token"),
    "mistral": ModelList(base="https://api.mistral.ai/v1", variables=("MISTRAL_API_BASE",)),
    "cohere": _COHERE,
    "cohere_chat": _COHERE,
    "huggingface": ModelList(
        base="https://router.huggingface.co/v1", variables=("HF_API_BASE", "HUGGINGFACE_API_BASE"), prices="million"
    ),
    "zai": ModelList(base="https://api.z.ai/api/paas/v4", variables=("ZAI_API_BASE",), whole=False),
    "nvidia_nim": ModelList(base="https://integrate.api.nvidia.com/v1", variables=("NVIDIA_NIM_API_BASE",)),
    "ollama": _OLLAMA,
    "ollama_chat": _OLLAMA,
    "scaleway": ModelList(base="https://api.scaleway.ai/v1"),
    "fireworks_ai": ModelList(
        base="https://api.fireworks.ai/inference/v1", variables=("FIREWORKS_API_BASE",), whole=False
    ),
    "novita": ModelList(base="https://api.novita.ai/v3/openai", variables=("NOVITA_API_BASE",)),
    "hyperbolic": ModelList(base="https://api.hyperbolic.xyz/v1", variables=("HYPERBOLIC_API_BASE",)),
    "deepinfra": ModelList(
        base="https://api.deepinfra.com/v1/openai", variables=("DEEPINFRA_API_BASE",), prices="million"
    ),
    "ai21": ModelList(base="https://api.ai21.com/studio/v1", variables=("AI21_API_BASE",)),
    "perplexity": ModelList(
        base="https://api.perplexity.ai", variables=("PERPLEXITY_API_BASE",), version="/v1", whole=False
    ),
    "vercel_ai_gateway": ModelList(
        base="https://ai-gateway.vercel.sh/v1", variables=("VERCEL_AI_GATEWAY_API_BASE",), prices="token"
    ),
    "nebius": ModelList(
        base="https://api.studio.nebius.ai/v1",
        variables=("NEBIUS_API_BASE",),
        parameters={"verbose": "true"},
        prices="token",
    ),
    "moonshot": ModelList(base="https://api.moonshot.ai/v1", variables=("MOONSHOT_API_BASE",)),
    "chutes": ModelList(base="https://llm.chutes.ai/v1", prices="million"),
    "anthropic": ModelList(
        form="anthropic",
        base="https://api.anthropic.com/v1",
        variables=("ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"),
        version="/v1",
        parameters={"limit": "1000"},
        source=Source("https://docs.anthropic.com/en/api/models-list", _READ_ON),
    ),
    "deepseek": ModelList(base="https://api.deepseek.com", variables=("DEEPSEEK_API_BASE",)),
    "xai": ModelList(base="https://api.x.ai/v1", variables=("XAI_API_BASE",), path="/language-models"),
    "lm_studio": ModelList(base="http://localhost:1234/v1", variables=("LM_STUDIO_API_BASE",)),
    "litellm_proxy": ModelList(variables=("LITELLM_PROXY_API_BASE",)),
    "hosted_vllm": ModelList(variables=("HOSTED_VLLM_API_BASE",)),
    "cloudflare": _CLOUDFLARE,
    "custom_openai": ModelList(),
}

_BY_NAME: Final[Mapping[str, ModelList]] = {
    "cloudflare": _CLOUDFLARE,
    "kilo": ModelList(form="openrouter", prices="token"),
}
"""Of providers that share their prefix with others, by the name of their preset."""


def list_of(litellm_provider: str, preset: str | None = None) -> ModelList:
    """Where the models of a provider are listed. preset: the name of its preset.

    One that is not in the table is asked in OpenAI's form, which most have.
    """
    return _BY_NAME.get(preset or "") or _BY_PREFIX.get(litellm_provider) or ModelList()
