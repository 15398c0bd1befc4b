"""The endpoints, as one object that an existing app includes in one line."""

import hashlib
import json
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from monitoring.documents import ExplainRequest, Explanation, Health, ProviderState, StatusDocument
from monitoring.metrics import add_metrics
from monitoring.page import add_page
from monitoring.problems import ProblemError, ProblemRoute, described
from monitoring.source import StatusSource

HEADERS: Final = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}


def router_for(source: StatusSource) -> APIRouter:
    """The status page and its API over a Router, or over a ConfiguredSource.

        app.include_router(monitoring.router_for(router))

    Routes: `/` the page, `/api/llm-providers`, `/api/llm-providers/{name}`, `/api/llm-providers/explain`, `/metrics`,
    `/healthz`.
    """
    router = APIRouter(route_class=ProblemRoute, tags=["LLM providers"])
    unavailable = described(HTTPStatus.SERVICE_UNAVAILABLE)

    # Answers are made as bytes at once: FastAPI would validate and copy them first, which costs more than making them.

    @router.get("/api/llm-providers", response_model=StatusDocument, responses=unavailable)
    async def llm_providers(request: Request) -> Response:
        """Every provider: its status, limits, usage and models; who is next, and what is left of the day."""
        return _json(request, await source.astatus())

    @router.get(
        "/api/llm-providers/{name}",
        response_model=ProviderState,
        responses={**described(HTTPStatus.NOT_FOUND), **unavailable},
    )
    async def llm_provider(name: str, request: Request) -> Response:
        """One provider."""
        providers = {each["name"]: each for each in (await source.astatus())["providers"]}
        if name not in providers:
            known = ", ".join(providers) or "none"
            raise ProblemError(HTTPStatus.NOT_FOUND, f"No provider is called {name!r}. There are: {known}.")
        return _json(request, providers[name])

    @router.post(
        "/api/llm-providers/explain",
        response_model=Explanation,
        responses={**described(HTTPStatus.UNPROCESSABLE_ENTITY), **unavailable},
    )
    async def explain(wanted: ExplainRequest, request: Request) -> Response:
        """What would happen to such a request now: every candidate, what blocks it, when that clears. None is sent."""
        try:
            return _json(request, await source.aexplain(wanted.group, wanted.tokens))
        except ValueError as error:
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None

    @router.get("/healthz")
    async def healthz() -> Health:
        """The server answers."""
        return Health()

    add_metrics(router, source)
    add_page(router)
    return router


def _json(request: Request, content: dict[str, Any]) -> Response:
    """The answer, or 304 where the client has it already; the moment it was made at is no difference."""
    body = json.dumps(content, separators=(",", ":")).encode()
    lasting = body.replace(str(content.get("generated_at")).encode(), b"", 1)
    headers = {**HEADERS, "ETag": f'W/"{hashlib.blake2b(lasting, digest_size=12).hexdigest()}"'}
    if request.method == "GET" and request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
