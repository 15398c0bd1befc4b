"""POST, GET and DELETE of /api/llm-providers/plan: whether the providers last for months."""

import asyncio
import contextlib
from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Body, Request, Response
from pydantic_core import to_json

from router_config.config.models import ConfigError
from router_config.iso import epoch, iso
from router_config.planner.assumptions.own_history import measured_latencies
from router_config.planner.own_process import Cause, PlanFailed
from router_config.planner.question import MOST_REQUESTS, Asked, Question, again, even, question_of
from router_config.status.source import StatusSource

from ..http.answer import HEADERS
from ..http.guard import is_cross_site
from ..http.problems import ProblemError, described
from ..live.event_stream import ENDING
from ..live.feed import server_is_ending
from .desk import LONGEST, BusyError, Making, PlanDesk
from .plan_json import PlanAnswer, PlanRequest, PlanState

PATH: Final = "/api/llm-providers/plan"
USUAL_REPLAY: Final = "7d"
LOOK: Final = 0.5
"""Seconds between two looks whether the server ends."""

STATUSES: Final[dict[Cause, HTTPStatus]] = {
    "refused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "cancelled": HTTPStatus.CONFLICT,
    "failed": HTTPStatus.SERVICE_UNAVAILABLE,
}
ABOUT: Final = (
    "Whether the providers last for a workload, day by day: what `router-config plan --json` prints. It is computed "
    "in a process of its own, one at a time; that ends when the client goes away, and at DELETE. At most "
    f"{MOST_REQUESTS:,} requests and {LONGEST:.0f} seconds. Without `tokens_per_day` and `requests_per_hour` it is for "
    "the `workload:` of the file; where that has none, or with `replay`, for what was asked of the router before."
)


def add_plans(router: APIRouter, source: StatusSource) -> None:
    """Serve plans of the configuration of a source."""
    desk = PlanDesk()

    @router.post(
        PATH,
        response_model=PlanAnswer,
        description=ABOUT,
        responses=described(
            HTTPStatus.FORBIDDEN,
            HTTPStatus.CONFLICT,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ),
    )
    async def make_plan(request: Request, asked: Annotated[PlanRequest | None, Body()] = None) -> Response:
        _refuse_cross_site(request)
        with _problems():
            question = await _question(source, asked)
            with desk.make(question) as making:
                desk.last = await _unless_nobody_waits(making, request)
                return _json(desk.last)

    @router.get(PATH, response_model=PlanState)
    async def last_plan(request: Request) -> Response:
        """The last plan that was made here, and the one that is being made."""
        last = desk.last or b"null"
        return _json(b'{"making":' + _making(desk.making) + b',"last":' + last + b"}")

    @router.get(f"{PATH}/progress", response_model=PlanState, response_model_exclude={"last"})
    async def progress(request: Request) -> Response:
        """The plan that is being made, without the last one."""
        return _json(b'{"making":' + _making(desk.making) + b"}")

    @router.delete(PATH, status_code=HTTPStatus.NO_CONTENT, responses=described(HTTPStatus.FORBIDDEN))
    async def cancel_plan(request: Request) -> Response:
        """End the plan that is being made, whoever asked for it. Without one nothing happens."""
        _refuse_cross_site(request)
        desk.cancel()
        return Response(status_code=HTTPStatus.NO_CONTENT)


async def _question(source: StatusSource, asked: PlanRequest | None) -> Question:
    asked = asked or PlanRequest.model_validate({})
    config, status = await source.aconfig(), await source.astatus()
    now = epoch(status["generated_at"])
    try:
        workload = even(
            tokens_per_day=asked.tokens_per_day, requests_per_hour=asked.requests_per_hour, tokens=asked.tokens
        )
        if workload is None and (asked.replay is not None or not config.workload):
            workload = await again(source.store, config, asked.replay or USUAL_REPLAY, now)
        elif workload is None:
            workload = Asked(config.workload, "the file's workload")
        elif asked.replay is not None:
            raise ValueError("ask for a number or for a replay, not for both")
        latency, told = await measured_latencies(source.store, config, now)
        return question_of(
            config,
            workload._replace(remarks=(*workload.remarks, told)),
            now,
            days=asked.days,
            timezone=asked.timezone,
            latency=latency,
            simulated=status["simulated"],
        )
    except ValueError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None


async def _unless_nobody_waits(making: Making, request: Request) -> bytes:
    """The plan. Raises PlanFailed when the client goes, the server ends, or it takes too long."""
    result = asyncio.ensure_future(making.result())
    others = [asyncio.ensure_future(_disconnected(request)), asyncio.ensure_future(_ending(request))]
    try:
        await asyncio.wait([result, *others], timeout=LONGEST, return_when=asyncio.FIRST_COMPLETED)
        if result.done():
            return result.result()
        if any(each.done() for each in others):
            raise PlanFailed("cancelled", "the plan was cancelled")
        raise PlanFailed("refused", f"the plan took longer than {LONGEST:.0f} s: ask for fewer days or requests")
    finally:
        for each in (result, *others):
            each.cancel()


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _ending(request: Request) -> None:
    ending = request.scope.get(ENDING)
    if ending is not None:
        await ending.wait()
        return
    while not server_is_ending():
        await asyncio.sleep(LOOK)


@contextlib.contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except BusyError:
        detail = f"A plan is being made already; wait for it, or end it: DELETE {PATH}"
        raise ProblemError(HTTPStatus.CONFLICT, detail) from None
    except PlanFailed as error:
        raise ProblemError(STATUSES[error.cause], str(error)) from None
    except ConfigError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
    except ValueError as error:
        raise ProblemError(HTTPStatus.CONFLICT, str(error)) from None


def _refuse_cross_site(request: Request) -> None:
    if is_cross_site(request.headers):
        raise ProblemError(HTTPStatus.FORBIDDEN, "A page of another site cannot have a plan made.")


def _making(making: Making | None) -> bytes:
    if making is None:
        return b"null"
    question = making.question
    about = {"asked": question.asked, "days": question.days, "progress": round(making.progress, 3)}
    return to_json({**about, "started_at": iso(making.started_at)})


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json", headers={**HEADERS, "Cache-Control": "no-store"})
