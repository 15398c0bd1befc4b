"""The status page and its API: for an app to include, or as an app of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.types import ASGIApp

from router_config.config.models import ConfigError
from router_config.ledger.rules.decisions import DECISIONS_KEPT
from router_config.status.source import StatusSource

from .documents import (
    Changes,
    DecisionList,
    ExplainRequest,
    Explanation,
    Health,
    History,
    ProviderState,
    Reload,
    StatusDocument,
)
from .http.answer import Answer
from .http.guard import app_for, is_cross_site
from .http.page import add_page
from .http.problems import ProblemError, ProblemRoute, described
from .live.event_stream import EventStream
from .live.readings import ReadingsByLoop
from .metrics.endpoint import add_metrics
from .plans.endpoint import add_plans

EVENTS: Final = (
    "`status`: the document of GET /api/llm-providers, at once, within a second of any change, and every 15 seconds. "
    '`decisions`: `{"decisions": [...]}` as in GET /api/llm-providers/decisions, the last 50 and then the new ones.'
)

READING_LASTS: Final = 0.1
"""Seconds for which one reading of the store answers all who ask; up to 0.4 where reading takes long."""


def router_for(source: StatusSource, *, reading_lasts: float = READING_LASTS) -> APIRouter:
    """The status page and its API over a Router, or over a ConfiguredSource.

        app.include_router(monitoring.router_for(router))

    Routes: `/` the page; `/api/llm-providers`, and below it `/history`, `/decisions`, `/events`, `/changes`,
    `/plan`, `/explain`, `/reload` and `/{name}`; `/metrics`; `/healthz`. A provider with one of those names is in the
    list, but may have no address of its own.

    reading_lasts: seconds for which one reading of the store answers all who ask, so that many who poll cost no more
    than one; what happened since then is not in it.
    """
    router = APIRouter(route_class=ProblemRoute, tags=["LLM providers"])
    unavailable = described(HTTPStatus.SERVICE_UNAVAILABLE)
    wrong = described(HTTPStatus.UNPROCESSABLE_ENTITY)
    live = ReadingsByLoop(source, reading_lasts)

    @router.get("/api/llm-providers", response_model=StatusDocument, responses=unavailable)
    async def llm_providers(request: Request) -> Response:
        """Every provider: its status, limits, usage and models; who is next, and what is left of the day."""
        return (await live.here.status.get()).to(request)

    @router.get("/api/llm-providers/history", response_model=History, responses={**wrong, **unavailable})
    async def history(
        request: Request, hours: Annotated[int, Query(ge=1, le=24, description="how far back")] = 24
    ) -> Response:
        """Usage and events of each provider, slot by slot, over all processes of the store."""
        return (await live.here.history(hours)).to(request)

    @router.get("/api/llm-providers/decisions", response_model=DecisionList, responses={**wrong, **unavailable})
    async def decisions(
        request: Request,
        last: Annotated[int, Query(ge=1, le=DECISIONS_KEPT, description="how many at most")] = 50,
        after: Annotated[int, Query(ge=0, description="only those with a higher number")] = 0,
        provider: Annotated[str | None, Query(max_length=200, description="that answered or was tried")] = None,
        outcome: Annotated[str | None, Query(max_length=100, description="such as ok, refused or timeout")] = None,
    ) -> Response:
        """The last requests, newest first: who asked, what was tried, what was skipped and why, who answered."""
        found = await source.adecision_log(after=after, last=last, provider=provider, outcome=outcome)
        return Answer.of(found).to(request)

    @router.get(
        "/api/llm-providers/events",
        status_code=HTTPStatus.OK,
        response_class=EventStream,
        responses={200: {"description": EVENTS, "content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )
    async def events() -> Response:
        """Changes as they happen, as server-sent events."""
        return EventStream(live.here.feed)

    @router.get(
        "/api/llm-providers/changes",
        response_model=Changes,
        responses={**described(HTTPStatus.CONFLICT), **wrong, **unavailable},
    )
    async def changes(request: Request) -> Response:
        """What reading the configuration's file now would change: nothing, where edits count by themselves."""
        with _problems_of_the_file():
            return Answer.of(await source.achanges()).to(request)

    add_plans(router, source)

    @router.get(
        "/api/llm-providers/{name}",
        response_model=ProviderState,
        responses={**described(HTTPStatus.NOT_FOUND), **unavailable},
    )
    async def llm_provider(name: str, request: Request) -> Response:
        """One provider."""
        document: dict[str, Any] = (await live.here.status.get()).content
        providers = {each["name"]: each for each in document["providers"]}
        if name not in providers:
            known = ", ".join(providers) or "none"
            raise ProblemError(HTTPStatus.NOT_FOUND, f"No provider is called {name!r}. There are: {known}.")
        return Answer.of(providers[name]).to(request)

    @router.post(
        "/api/llm-providers/explain",
        response_model=Explanation,
        responses={**wrong, **unavailable},
    )
    async def explain(wanted: ExplainRequest, request: Request) -> Response:
        """What would happen to such a request now: every candidate, what blocks it, when that clears. None is sent."""
        try:
            return Answer.of(await source.aexplain(wanted.group, wanted.tokens, wanted.needs, wanted.agent)).to(request)
        except ValueError as error:
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None

    @router.post(
        "/api/llm-providers/reload",
        response_model=Reload,
        responses={**described(HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT), **wrong, **unavailable},
    )
    async def reload(request: Request) -> Response:
        """Read the configuration's file now. One that cannot be used changes nothing: the last good one serves on."""
        if is_cross_site(request.headers):
            raise ProblemError(HTTPStatus.FORBIDDEN, "A page of another site cannot have the file read.")
        with _problems_of_the_file():
            made = await source.areload()
        return Answer.of({"changes": list(made.changes), "warnings": list(made.warnings)}).to(request)

    @router.get("/healthz")
    async def healthz() -> Health:
        """The server answers."""
        return Health()

    add_metrics(router, source)
    add_page(router)
    return router


@contextmanager
def _problems_of_the_file() -> Iterator[None]:
    try:
        yield
    except ConfigError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
    except ValueError as error:
        raise ProblemError(HTTPStatus.CONFLICT, str(error)) from None


def sub_app_for(source: StatusSource, *, token: str | None = None) -> ASGIApp:
    """What `router_for` serves, for apps that are not FastAPI's, or that want it behind a token.

        app.mount("/llm", monitoring.sub_app_for(router, token=os.environ["ROUTER_STATUS_TOKEN"]))

    token: what a caller must bring, as bearer or as the password of any user; None leaves that to the outer app. Which
    host names are served is the outer app's business, too.
    """
    return app_for([router_for(source)], host="", token=token, insecure=True)
