"""Is it alive, can it work, what does it count; and what it can be asked."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import PlainTextResponse

from gridwire.control.access import READ, Who, allow
from gridwire.control.endpoint import GridOf, router
from gridwire.control.metrics import CONTENT_TYPE, exposition

routes = router()


@routes.get("/healthz", operation_id="getHealthz", tags=["health"], response_class=PlainTextResponse)
@allow(Who.LOCAL)
async def healthz() -> str:
    """The process answers."""
    return "ok\n"


@routes.get("/readyz", operation_id="getReadyz", tags=["health"], response_class=PlainTextResponse)
@allow(Who.LOCAL)
def readyz(grid: GridOf) -> str:
    """The database answers and there is a grid; else 503."""
    epoch, revision = grid.snapshot().version
    return f"ok {epoch}.{revision}\n"


@routes.get("/metrics", operation_id="getMetrics", tags=["health"], response_class=PlainTextResponse)
@allow(*READ)
def metrics(grid: GridOf) -> PlainTextResponse:
    """Prometheus' text format."""
    return PlainTextResponse(exposition(grid), media_type=CONTENT_TYPE)


@routes.get("/api/v1/openapi.json", operation_id="getOpenapi", tags=["health"])
@allow(*READ)
def openapi(request: Request) -> dict[str, Any]:
    """This API, in OpenAPI."""
    schema: dict[str, Any] = request.app.openapi()
    return schema
