"""A fault of one request or of one endpoint takes no provider from chats."""

import asyncio
import inspect
from contextlib import suppress
from typing import Any

import openai
import pytest
from rig import MODELS, MakeRouter, message

from router_config import NoProviderAvailable, Router, route_of
from router_config.simulator import Simulator

ENDPOINT_REFUSED: list[dict[str, Any]] = [
    {"status": 400, "body": {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}}},
    {"status": 403, "body": {"error": {"message": "This model cannot be used for embeddings"}}},
    {"status": 404, "body": {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}}},
    {"status": 404, "body": {"detail": "Not Found"}},
    {"status": 405, "body": {"detail": "Method Not Allowed"}},
    {"status": 501, "body": {"error": {"message": "Not implemented"}}},
]
CANNOT_BE_SENT: dict[str, tuple[str, dict[str, Any]]] = {
    "a lone surrogate": ("completion", {"messages": message("a \ud800 b")}),
    "an object": ("completion", {"messages": message(), "extra_body": {"x": object()}}),
    "a header": ("completion", {"messages": message(), "extra_headers": {"x": "a\nb"}}),
    "embeddings": ("embedding", {"input": ["a \ud800 b"]}),
    "responses": ("aresponses", {"input": "a \ud800 b"}),
    "an image": ("aimage_generation", {"prompt": "a \ud800"}),
    "a recording": ("atranscription", {"file": object()}),
    "reranking": ("arerank", {"query": "x", "documents": ["a"]}),
}
ONE_REQUEST = [
    "You do not have permission to access the File abc or it may not exist.",
    "Media type image/tiff is not allowed",
    "Parameter logit_bias is not permitted",
    "This file may not be used by this account.",
    "The uploaded attachment belongs to another organization",
]


def one(make_router: MakeRouter) -> Router:
    others: dict[str, Any] = {name: None for name in MODELS if name != "openai"}
    return make_router(providers=others)


def serves_chats(router: Router) -> bool:
    return route_of(router.completion(model="default", messages=message())).provider == "openai"


@pytest.mark.parametrize("refusal", ENDPOINT_REFUSED, ids=str)
def test_embeddings_that_a_chat_model_refuses_leave_its_chats_alone(
    make_router: MakeRouter, simulator: Simulator, refusal: dict[str, Any]
) -> None:
    router = one(make_router)
    simulator.fault("openai", times=1, **refusal)
    with pytest.raises((NoProviderAvailable, openai.APIError)):
        router.embedding(model="anything", input=["Buy or sell?"])
    assert router.status()["providers"][0]["status"] == "available"
    assert serves_chats(router)


@pytest.mark.parametrize("told", ONE_REQUEST)
def test_a_403_about_a_part_of_one_request_leaves_the_key_alone(
    make_router: MakeRouter, simulator: Simulator, told: str
) -> None:
    router = one(make_router)
    simulator.fault("openai", times=1, status=403, body={"error": {"message": told}})
    with pytest.raises((NoProviderAvailable, openai.APIError)):
        router.completion(model="default", messages=message())
    assert serves_chats(router)


@pytest.mark.parametrize(
    "told",
    [
        "Tools are not supported by this model",
        "This model does not support image input",
        "Unsupported response_format for this model",
        "No endpoints found that can handle the requested parameters",
        "No such File object: file-123",
    ],
)
def test_a_404_about_what_the_request_asks_for_leaves_the_model_alone(
    make_router: MakeRouter, simulator: Simulator, told: str
) -> None:
    router = one(make_router)
    simulator.fault("openai", times=1, status=404, body={"error": {"message": told}})
    with pytest.raises((NoProviderAvailable, openai.APIError)):
        router.completion(model="default", messages=message())
    assert serves_chats(router)


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("what", CANNOT_BE_SENT)
def test_what_cannot_be_sent_is_no_provider_s_fault(make_router: MakeRouter, what: str, provider: str) -> None:
    others: dict[str, Any] = {name: None for name in MODELS if name != provider}
    router = make_router(providers=others)
    endpoint, asked = CANNOT_BE_SENT[what]

    async def ask() -> None:
        answer = getattr(router, endpoint)(model="default", **asked)
        await answer if inspect.isawaitable(answer) else answer

    with suppress(Exception):
        asyncio.run(ask())
    assert router.status()["providers"][0]["status"] == "available"
