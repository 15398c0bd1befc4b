"""Errors as problem documents (RFC 9457), without error handlers in the app that includes the routes."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from router_config.ledger.interfaces import StoreError

from ..documents import Problem

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """Ends a request with a problem document."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def problem(status: HTTPStatus, detail: str) -> Response:
    """The response with a problem document."""
    document = Problem(title=status.phrase, status=status.value, detail=detail)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    return Response(document.model_dump_json(), status.value, headers, MEDIA_TYPE)


class ProblemRoute(APIRoute):
    """A route that answers errors with problem documents."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except ProblemError as error:
                return problem(error.status, error.detail)
            except RequestValidationError as error:
                return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(map(_mistake, error.errors())))
            except StoreError as error:
                return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

        return answer


def _mistake(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"] if part != "body")
    return f"{where}: {error['msg']}" if where else str(error["msg"])


def described(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """These responses for the OpenAPI schema."""
    content = {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}
    return {status.value: {"description": status.phrase, "content": content} for status in statuses}
