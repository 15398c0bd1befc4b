"""GET /metrics, for Prometheus. Without the extra `metrics` the answer says how to install it."""

import asyncio
from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response

from router_config.status.source import StatusSource

from ..http.problems import ProblemError

MISSING: Final = "Metrics need prometheus-client: pip install 'litellm-router-config[metrics]'"
HEADERS: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def add_metrics(router: APIRouter, source: StatusSource) -> None:
    """Serve the metrics, in Prometheus' text format or in OpenMetrics, as the scraper asks.

    The counts are those of the store: whichever process is asked, all that share the store are in them.
    """

    @router.get("/metrics", include_in_schema=False)
    async def metrics(request: Request) -> Response:
        try:
            from prometheus_client.exposition import choose_encoder

            from .families import Families
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "prometheus_client":
                raise
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, MISSING) from None
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        families = Families(await source.areading())
        # In a thread: hundreds of deployments take tens of milliseconds, for which no request should wait.
        body = await asyncio.to_thread(encode, families)
        return Response(body, headers={**HEADERS, "Content-Type": media_type})
