"""What each provider's list says, by its wire form, and what nobody should believe of it."""

from typing import Any

import pytest

from router_config.catalogue.list_request import ListRequest, list_requests
from router_config.catalogue.listing import ListedModel
from router_config.config.models import Key, Model, Price, Provider, Secret


def provider(name: str, prefix: str | None = None, api_base: str | None = None, *models: str, **more: Any) -> Provider:
    return Provider(
        name=name,
        litellm_provider=prefix or name,
        api_base=api_base,
        keys=(Key(secret=Secret("a-key")),),
        models=tuple(Model(name=each) for each in models),
        **more,
    )


def request(name: str, prefix: str | None = None, api_base: str | None = None) -> ListRequest:
    return list_requests(provider(name, prefix, api_base), {})[0]


FORMS: dict[str, tuple[str, Any, list[ListedModel]]] = {
    "groq": (
        "groq",
        {
            "object": "list",
            "data": [
                {"id": "openai/gpt-oss-20b", "created": 1754408224, "active": True, "context_window": 131072},
                {"id": "whisper-large-v3", "active": True, "context_window": 448},
                {"id": "gone-soon", "active": False, "context_window": 8192},
            ],
        },
        [
            ListedModel(name="openai/gpt-oss-20b", context=131072, created=1754408224.0),
            ListedModel(name="whisper-large-v3", context=448, kind="other"),
        ],
    ),
    "openrouter": (
        "openrouter",
        {
            "data": [
                {
                    "id": "deepseek/deepseek-r1:free",
                    "context_length": 163840,
                    "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
                    "pricing": {"prompt": "0", "completion": "0"},
                    "supported_parameters": ["max_tokens", "reasoning"],
                    "expiration_date": None,
                },
                {
                    "id": "google/gemini-3-flash",
                    "context_length": 1048576,
                    "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
                    "pricing": {"prompt": "0.0000003", "completion": "0.0000025"},
                    "supported_parameters": ["tools", "tool_choice"],
                    "expiration_date": "2026-12-31",
                },
                {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}},
                {"id": "an/embedding", "architecture": {"output_modalities": ["embeddings"]}, "pricing": {}},
            ]
        },
        [
            ListedModel(
                name="deepseek/deepseek-r1:free",
                context=163840,
                tools=False,
                vision=False,
                price=Price(input=0, output=0),
                free=True,
            ),
            ListedModel(
                name="google/gemini-3-flash",
                context=1048576,
                tools=True,
                vision=True,
                price=Price(input=0.3, output=2.5),
                free=False,
                deprecated=True,
                retires_on="2026-12-31",
            ),
            ListedModel(name="openrouter/auto"),
            ListedModel(name="an/embedding", kind="embedding"),
        ],
    ),
    "together": (
        "together_ai",
        [
            {
                "id": "openai/gpt-oss-120b",
                "type": "chat",
                "context_length": 131072,
                "pricing": {"hourly": 0, "input": 0.15, "output": 0.6, "base": 0, "finetune": 0},
            },
            {"id": "an/unpriced-one", "type": "chat", "pricing": {"input": 0, "output": 0}},
            {"id": "BAAI/bge-large-en", "type": "embedding", "pricing": {"input": 0.02, "output": 0.02}},
        ],
        [
            ListedModel(name="openai/gpt-oss-120b", context=131072, price=Price(input=0.15, output=0.6), free=False),
            ListedModel(name="an/unpriced-one"),
            ListedModel(name="BAAI/bge-large-en", kind="embedding", price=Price(input=0.02, output=0.02), free=False),
        ],
    ),
    "gemini": (
        "gemini",
        {
            "models": [
                {
                    "name": "models/gemini-3.8-flash",
                    "inputTokenLimit": 1048576,
                    "supportedGenerationMethods": ["generateContent", "countTokens"],
                },
                {"name": "models/gemini-embedding-001", "supportedGenerationMethods": ["embedContent"]},
                {"name": "models/veo-4", "supportedGenerationMethods": ["predictLongRunning"]},
            ],
            "nextPageToken": "more",
        },
        [
            ListedModel(name="gemini-3.8-flash", context=1048576),
            ListedModel(name="gemini-embedding-001", kind="embedding"),
            ListedModel(name="veo-4", kind="other"),
        ],
    ),
    "mistral": (
        "mistral",
        {
            "data": [
                {
                    "id": "mistral-medium-2508",
                    "capabilities": {"completion_chat": True, "function_calling": True, "vision": True},
                    "max_context_length": 131072,
                    "aliases": ["mistral-medium-latest"],
                    "deprecation": "2026-12-31T12:00:00Z",
                    "deprecation_replacement_model": "mistral-medium-3-5",
                },
                {"id": "mistral-embed", "capabilities": {"completion_chat": False, "vision": False}},
                {"id": "ft:old", "capabilities": {"completion_chat": True}, "archived": True},
            ]
        },
        [
            ListedModel(
                name="mistral-medium-2508",
                aliases=("mistral-medium-latest",),
                context=131072,
                tools=True,
                vision=True,
                deprecated=True,
                retires_on="2026-12-31",
                successor="mistral-medium-3-5",
            ),
            ListedModel(name="mistral-embed", kind="embedding", vision=False),
        ],
    ),
    "cohere": (
        "cohere_chat",
        {
            "models": [
                {
                    "name": "command-a-03-2025",
                    "is_deprecated": False,
                    "endpoints": ["chat"],
                    "context_length": 288000,
                    "features": ["tools", "json_mode"],
                    "supports_vision": False,
                },
                {"name": "command-r", "is_deprecated": True, "endpoints": ["chat"], "context_length": 128000},
                {"name": "embed-v4.0", "endpoints": ["embed"], "context_length": 128000},
            ],
            "next_page_token": "more",
        },
        [
            ListedModel(name="command-a-03-2025", context=288000, tools=True, vision=False),
            ListedModel(name="command-r", context=128000, deprecated=True),
            ListedModel(name="embed-v4.0", kind="embedding", context=128000),
        ],
    ),
    "anthropic": (
        "anthropic",
        {
            "data": [
                {
                    "id": "claude-haiku-5-5-20260801",
                    "type": "model",
                    "created_at": "2026-08-01T00:00:00Z",
                    "max_input_tokens": 200000,
                    "capabilities": {"image_input": {"supported": True}},
                }
            ],
            "has_more": True,
            "last_id": "claude-haiku-5-5-20260801",
        },
        [ListedModel(name="claude-haiku-5-5-20260801", context=200000, vision=True, created=1785542400.0)],
    ),
    "ollama": (
        "ollama_chat",
        {
            "models": [
                {"name": "qwen3:latest", "model": "qwen3:latest", "modified_at": "2026-08-01T00:00:00Z"},
                {"name": "nomic-embed-text:v1.5", "capabilities": ["embedding"]},
            ]
        },
        [
            ListedModel(name="qwen3:latest", aliases=("qwen3",), created=1785542400.0),
            ListedModel(name="nomic-embed-text:v1.5", kind="embedding", tools=False, vision=False),
        ],
    ),
    "cloudflare": (
        "custom_openai",
        {
            "success": True,
            "result": [
                {
                    "name": "@cf/openai/gpt-oss-120b",
                    "task": {"name": "Text Generation"},
                    "properties": [
                        {"property_id": "context_window", "value": "128000"},
                        {"property_id": "function_calling", "value": "true"},
                        {
                            "property_id": "price",
                            "value": [
                                {"unit": "per M input tokens", "price": 0.35, "currency": "USD"},
                                {"unit": "per M output tokens", "price": 0.75, "currency": "USD"},
                            ],
                        },
                        {"property_id": "planned_deprecation_date", "value": "2026-12-30"},
                    ],
                }
            ],
            "result_info": {"page": 1, "total_pages": 2},
        },
        [
            ListedModel(
                name="@cf/openai/gpt-oss-120b",
                context=128000,
                tools=True,
                price=Price(input=0.35, output=0.75),
                deprecated=True,
                retires_on="2026-12-30",
            )
        ],
    ),
    "huggingface": (
        "huggingface",
        {
            "data": [
                {
                    "id": "openai/gpt-oss-120b",
                    "architecture": {"input_modalities": ["text"], "output_modalities": ["text"]},
                    "providers": [
                        {"provider": "a", "context_length": 131072, "supports_tools": False},
                        {"provider": "b", "supports_tools": True, "pricing": {"input": 0.1, "output": 0.5}},
                    ],
                }
            ]
        },
        [
            ListedModel(
                name="openai/gpt-oss-120b",
                context=131072,
                tools=True,
                vision=False,
                price=Price(input=0.1, output=0.5),
                free=False,
            )
        ],
    ),
    "xai": (
        "xai",
        {
            "models": [
                {
                    "id": "grok-4.6",
                    "aliases": ["grok-latest"],
                    "input_modalities": ["text", "image"],
                    "prompt_text_token_price": 12500,
                    "completion_text_token_price": 25000,
                }
            ]
        },
        [
            ListedModel(
                name="grok-4.6",
                aliases=("grok-latest",),
                vision=True,
                price=Price(input=1.25, output=2.5),
                free=False,
            )
        ],
    ),
    "vercel": (
        "vercel_ai_gateway",
        {
            "data": [
                {
                    "id": "a/model",
                    "type": "language",
                    "context_window": 32000,
                    "tags": ["tool-use", "vision"],
                    "pricing": {"input": "0.00000015", "output": "0.0000006"},
                }
            ]
        },
        [
            ListedModel(
                name="a/model",
                context=32000,
                tools=True,
                vision=True,
                price=Price(input=0.15, output=0.6),
                free=False,
            )
        ],
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_list_is_read_in_its_form(name: str) -> None:
    prefix, document, expected = FORMS[name]
    assert list(request(name, prefix).page(document).models) == expected


def test_pages_follow_where_a_list_is_cut() -> None:
    following = {name: request(name, FORMS[name][0]).page(FORMS[name][1]).following for name in FORMS}
    assert {name: each for name, each in following.items() if each is not None} == {
        "gemini": {"pageToken": "more"},
        "cohere": {"page_token": "more"},
        "anthropic": {"after_id": "claude-haiku-5-5-20260801"},
        "cloudflare": {"page": "2"},
    }


ADDRESSES = [
    ("groq", "groq", None, "https://api.groq.com/openai/v1/models"),
    ("local", "openai", "http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1/models"),
    ("gemini", "gemini", "http://127.0.0.1:1", "http://127.0.0.1:1/v1beta/models"),
    ("gemini", "gemini", "http://127.0.0.1:1/v1beta/", "http://127.0.0.1:1/v1beta/models"),
    ("anthropic", "anthropic", "http://proxy/v1/messages", "http://proxy/v1/models"),
    ("cohere", "cohere_chat", "https://api.cohere.com/v2/chat", "https://api.cohere.com/v1/models"),
    ("ollama", "ollama_chat", "http://box:11434/v1", "http://box:11434/api/tags"),
    (
        "cloudflare",
        "custom_openai",
        "https://api.cloudflare.com/client/v4/accounts/me/ai/v1",
        "https://api.cloudflare.com/client/v4/accounts/me/ai/models/search",
    ),
    ("cloudflare", "cloudflare", "http://here/accounts/me/ai/run/", "http://here/accounts/me/ai/models/search"),
    ("kilo", "custom_openai", "https://api.kilo.ai/api/gateway", "https://api.kilo.ai/api/gateway/models"),
]


@pytest.mark.parametrize(("name", "prefix", "base", "url"), ADDRESSES)
def test_the_list_stands_where_the_requests_go(name: str, prefix: str, base: str | None, url: str) -> None:
    asked = request(name, prefix, base)
    assert asked.url(asked.base or "") == url


def test_the_key_goes_into_the_header_of_the_form_and_nowhere_else() -> None:
    headers = {name: request(name, FORMS[name][0]).headers() for name in FORMS}
    assert headers["groq"]["authorization"] == "Bearer a-key"
    assert headers["gemini"]["x-goog-api-key"] == headers["anthropic"]["x-api-key"] == "a-key"
    assert "authorization" not in headers["gemini"]
    assert "authorization" not in headers["anthropic"]
    assert "a-key" not in repr(request("groq"))


def test_a_variable_that_LiteLLM_reads_gives_the_base() -> None:
    assert list_requests(provider("groq"), {"GROQ_API_BASE": "http://here/v1"})[0].base == "http://here/v1"


def test_clouds_with_names_of_the_users_own_have_no_list() -> None:
    assert not list_requests(provider("azure"), {})
    assert not list_requests(provider("v", "vertex_ai"), {})


GARBAGE: list[Any] = [
    None,
    3,
    "text",
    [],
    {},
    {"data": None},
    {"data": [None, 3, "x", [], {"id": 5}, {"id": ""}, {"id": "two words"}, {"id": "a\x1b[31mred"}, {"id": "x" * 500}]},
    {"models": {"a": 1}},
    {"data": {"data": []}},
]


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("document", GARBAGE)
def test_garbage_is_an_empty_list(name: str, document: Any) -> None:
    assert request(name, FORMS[name][0]).page(document).models == ()


def test_what_no_model_can_have_is_not_believed() -> None:
    entry = {
        "id": "m",
        "context_length": -5,
        "max_model_len": 10**12,
        "created": "yesterday",
        "aliases": "m2",
        "supported_parameters": "tools",
        "capabilities": 7,
        "pricing": {"prompt": "1e308", "completion": "NaN"},
        "expiration_date": "soon",
        "input_modalities": {"image": 1},
    }
    assert request("openrouter").page({"data": [entry]}).models == (ListedModel(name="m"),)


def test_the_unit_of_prices_is_judged_by_the_dearest() -> None:
    for prices, expected in (((0.00000015, 0.00002), 0.15), ((0.15, 20), 0.15)):
        data = [{"id": "m", "pricing": {"input": prices[0]}}, {"id": "n", "pricing": {"input": prices[1]}}]
        read = request("own", "openai", "http://own/v1").page({"data": data}).models
        assert read[0].price == Price(input=expected, output=0)


def test_the_account_of_OpenRouter() -> None:
    told = {"data": {"label": "sk-or-v1-abc", "is_free_tier": True, "limit": 5, "limit_remaining": 4.5, "usage": 0.5}}
    account = request("openrouter").account(told)
    assert (account.free_tier, account.limit_usd, account.remaining_usd, account.used_usd) == (True, 5.0, 4.5, 0.5)
