"""What every client is told alike: five providers with limits, in an order, and the request. No LiteLLM."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from router_config.simulator.dialects import API_BASES

PREFIXES: Final = {
    "groq": "groq",
    "gemini": "gemini",
    "openrouter": "openrouter",
    "together": "together_ai",
    "openai": "openai",
}
"""Our names, and LiteLLM's, of the five kinds of provider. Their code in LiteLLM differs."""

KINDS: Final = tuple(PREFIXES)

SHIPPED: Final = {
    "groq": "openai/gpt-oss-120b",
    "gemini": "gemini-3.8-flash",
    "openrouter": "openrouter/free",
    "together": "openai/gpt-oss-120b",
    "openai": "gpt-4o-mini",
}
"""The first model of each provider in litellm.yaml. LiteLLM knows a price for three of them."""

REFERENCE: Final = {
    "groq": "llama-3.3-70b-versatile",
    "gemini": "gemini-1.5-flash",
    "openrouter": "deepseek/deepseek-r1:free",
    "together": "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "openai": "gpt-4o-mini",
}
"""Those of examples/reference.yaml. LiteLLM knows a price for two of them."""

MODELS: Final = {"shipped": SHIPPED, "reference": REFERENCE}

PLENTY: Final = 1_000_000
PLENTY_OF_TOKENS: Final = 1_000_000_000

PROMPT: Final = "The market opened higher today as traders weighed the statement on rates. " * 8
REQUEST: Final[dict[str, Any]] = {
    "messages": [
        {"role": "system", "content": "You are a careful trader. Answer with one word."},
        {"role": "user", "content": PROMPT + "Buy, sell or hold?"},
    ],
    "stop": ["\n\n"],
    "max_tokens": 200,
}
"""The same keyword arguments for every client: about 180 tokens of prompt.

No temperature: LiteLLM 1.110 refuses it for some of Gemini's models.
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """`first` is the kind of provider asked first; `url` the upstream's; `directory` for files of this client alone."""

    first: str
    url: str
    directory: str
    models: str = "shipped"

    @property
    def order(self) -> tuple[str, ...]:
        return (self.first, *(kind for kind in KINDS if kind != self.first))

    def model(self, kind: str) -> str:
        return MODELS[self.models][kind]

    def prefixed(self, kind: str) -> str:
        """The model as LiteLLM is asked for it."""
        return f"{PREFIXES[kind]}/{self.model(kind)}"

    def base(self, kind: str) -> str:
        return self.url + API_BASES[kind]

    def plain(self) -> dict[str, str]:
        return asdict(self)


def stock_models(setting: Setting, kinds: Sequence[str]) -> list[dict[str, Any]]:
    """A model list as LiteLLM's documentation writes one: `order`, `rpm` and `tpm` among the parameters."""
    return [
        {
            "model_name": "default",
            "litellm_params": {
                "model": setting.prefixed(kind),
                "api_key": f"fake-{kind}-key",
                "api_base": setting.base(kind),
                "order": place,
                "rpm": PLENTY,
                "tpm": PLENTY_OF_TOKENS,
            },
        }
        for place, kind in enumerate(kinds, start=1)
    ]


def our_document(setting: Setting, state: str, *, keys: int = 1, models: int = 1) -> dict[str, Any]:
    """A litellm.yaml: five providers with so many keys each, or so many models, limits of minute and day on all."""
    return {
        "version": 1,
        "state": state,
        "providers": {
            kind: {
                "priority": place,
                "tier": "paid" if kind in ("together", "openai") else "free",
                "api_base": setting.base(kind),
                "api_key": [f"os.environ/KEY_{number}" for number in range(keys)],
                "limits": {"rpm": PLENTY, "tpd": PLENTY_OF_TOKENS},
                "models": [
                    {
                        "name": setting.model(kind) + (f"-{number}" if number else ""),
                        "limits": {"rpm": PLENTY, "tpm": PLENTY_OF_TOKENS, "rpd": PLENTY},
                    }
                    for number in range(models)
                ],
            }
            for place, kind in enumerate(setting.order, start=1)
        },
    }


def our_environment(keys: int = 1) -> dict[str, str]:
    return {f"KEY_{number}": f"fake-key-{number}" for number in range(keys)}


def write_ours(setting: Setting, state: str, **size: int) -> Path:
    """`our_document` as a file in the setting's directory."""
    import yaml

    path = Path(setting.directory) / "litellm.yaml"
    path.write_text(yaml.safe_dump(our_document(setting, state, **size), sort_keys=False), "utf-8")
    return path
