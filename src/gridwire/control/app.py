"""The application: nouns, one table of errors, and a tick once a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Protocol

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute

from gridwire.control.changing import PREVIEW, Previewed
from gridwire.control.endpoint import is_local
from gridwire.control.errors import problem, problem_of, raised_at
from gridwire.control.follower import Follower
from gridwire.control.grid import Grid
from gridwire.control.headers import AnswerHeaders
from gridwire.control.openapi import Schema, described, schema_of
from gridwire.control.precondition import NotModified
from gridwire.control.routes import (
    agent,
    certificates,
    enrolments,
    events,
    health,
    invitations,
    nodes,
    notifications,
    operators,
    outcomes,
    overview,
    perimeter,
    policies,
    revisions,
    routes,
    second_factors,
    services,
    session,
    status,
    stream,
    tailnet,
    tokens,
    traffic,
)
from gridwire.core import paths
from gridwire.core.errors import GridwireError
from gridwire.version import __version__

TICK_SECONDS = 1.0


class Job(Protocol):
    """What is done once a second; ``rests``: there is nothing to do, which costs nothing to find."""

    @property
    def rests(self) -> bool: ...

    def tick(self) -> None: ...


_NOUNS = (
    status,
    overview,
    outcomes,
    nodes,
    invitations,
    services,
    routes,
    policies,
    revisions,
    events,
    certificates,
    agent,
    enrolments,
    tailnet,
    session,
    second_factors,
    operators,
    tokens,
    stream,
    traffic,
    notifications,
    perimeter,
    health,
)


def all_routes() -> list[BaseRoute]:
    return [route for noun in _NOUNS for route in noun.routes.routes]


def api_schema() -> Schema:
    """What can be asked, in OpenAPI; needs no grid."""
    return schema_of(all_routes())


def create_app(
    grid: Grid,
    *,
    control_socket: str = paths.CONTROL_SOCKET,
    local_socket: str = paths.LOCAL_SOCKET,
    log: structlog.typing.FilteringBoundLogger | None = None,
) -> FastAPI:
    """The socket paths are those that ``getsockname`` gives; a request by any other way is a stranger's."""
    logger = log if log is not None else structlog.get_logger()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        ticking = asyncio.create_task(_tick((grid, grid.traffic), logger))
        following = asyncio.create_task(Follower(grid, logger).run())
        telling = asyncio.create_task(grid.teller.run(logger))
        try:
            yield
        finally:
            grid.close()
            ticking.cancel()
            following.cancel()
            telling.cancel()

    app = FastAPI(
        title="gridwire",
        version=__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.grid = grid
    app.state.control_socket = control_socket
    app.state.local_socket = local_socket
    app.router.routes.extend(all_routes())
    _answer_errors(app, logger)
    app.add_middleware(AnswerHeaders)
    described(app)
    return app


def _answer_errors(app: FastAPI, logger: structlog.typing.FilteringBoundLogger) -> None:
    @app.exception_handler(GridwireError)
    async def ours(request: Request, error: GridwireError) -> Response:
        return problem_of(error)

    @app.exception_handler(NotModified)
    async def unchanged(request: Request, error: NotModified) -> Response:
        return Response(status_code=304, headers={"ETag": error.tag})

    @app.exception_handler(Previewed)
    def previewed(request: Request, looked: Previewed) -> Response:  # no coroutine: it is work, for a thread
        return Response(PREVIEW.dump_json(looked.preview()), media_type="application/json")

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:])
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(first["msg"]), code="invalid", field=field)

    async def unrouted(request: Request, error: Exception) -> Response:
        # What there is to ask is told to nobody who may not ask.
        if not is_local(request):
            return problem(HTTPStatus.UNAUTHORIZED, "nobody may ask this here", code="not-known")
        status = HTTPStatus(getattr(error, "status_code", HTTPStatus.NOT_FOUND))
        answer = problem(status, f"{request.method} {request.url.path} is not there", code=_slug(status))
        answer.headers.update(getattr(error, "headers", None) or {})
        return answer

    for unanswered in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):  # all that the router says by itself
        app.add_exception_handler(unanswered, unrouted)

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=HTTPStatus.BAD_REQUEST)  # nobody is there to read it

    @app.exception_handler(Exception)
    async def broken(request: Request, error: Exception) -> Response:
        # Starlette raises it again after this answer, so uvicorn logs where it came from.
        logger.error("request failed", method=request.method, path=request.url.path, error=type(error).__name__)
        return problem(
            HTTPStatus.INTERNAL_SERVER_ERROR, "control failed at this", code="internal", fix="see control's log"
        )


def _slug(status: HTTPStatus) -> str:
    return status.phrase.lower().replace(" ", "-")


async def _tick(jobs: Sequence[Job], logger: structlog.typing.FilteringBoundLogger) -> None:
    """Keeps on whatever happens: the next second may be better, and without it no invitation ever runs out."""
    while True:
        for job in jobs:
            try:
                if not job.rests:
                    await run_in_threadpool(job.tick)
            except GridwireError as error:
                logger.warning("tick failed", error=str(error))
            except Exception as error:  # noqa: BLE001  # said each time, with where it came from, until it is mended
                logger.error(
                    "tick failed",
                    error=f"{type(error).__name__}: {error}",
                    at=raised_at(error),
                )
        await asyncio.sleep(TICK_SECONDS)
