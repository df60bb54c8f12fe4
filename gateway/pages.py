"""The slow addresses: home page, health, metrics, and the description of the API."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field
from sqlalchemy import text

from connectors.kit.redact import without_people
from gateway.answers import SECURITY_HEADERS
from gateway.commit import GroupCommit
from gateway.connections import ConnectionTable
from gateway.figures import FiguresDesk
from gateway.metrics import Metrics
from gateway.schema import with_hooks
from gateway.zapier.schema import with_zapier
from loyalty.store.database import Database, StoreAway

logger = logging.getLogger("hub.gateway")

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["discreet"] = without_people

_PAGE_HEADERS = {
    **SECURITY_HEADERS,
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


class Alive(BaseModel):
    """The process answers."""

    alive: bool = Field(description="Always true.")


class Readiness(BaseModel):
    """Whether webhooks can be accepted now."""

    ready: bool = Field(description="Whether nothing stands in the way.")
    connections: int = Field(description="How many connections are known.")
    reasons: list[str] = Field(description="What stands in the way, a sentence each.")
    warnings: list[str] = Field(description="Connections that cannot receive, and why.")


class Pages:
    """The parts of the gateway that the slow addresses look at."""

    def __init__(
        self,
        *,
        database: Database,
        table: ConnectionTable,
        commit: GroupCommit,
        metrics: Metrics,
        figures: FiguresDesk,
        prefect_ui_url: str,
    ) -> None:
        self._database = database
        self._table = table
        self._commit = commit
        self._metrics = metrics
        self._figures = figures
        self._prefect_ui_url = prefect_ui_url if prefect_ui_url.startswith("http") else ""

    async def home(self) -> str:
        """What waits, what is on its way, and which connections there are."""
        figures = await self._figures.latest()
        return _TEMPLATES.get_template("home.html").render(
            figures=figures,
            waiting=[one for one in figures.waiting if one.count or one.is_paused],
            connections=self._table.listed(),
            is_loaded=self._table.is_loaded,
            prefect_ui_url=self._prefect_ui_url,
        )

    async def readiness(self) -> Readiness:
        """Asks the database and the table of connections."""
        reasons = []
        if not await self._is_database_reachable():
            reasons.append("The database cannot be reached.")
        if not self._table.is_loaded:
            reasons.append("The connections are not loaded yet.")
        listed = self._table.listed()
        return Readiness(
            ready=not reasons,
            connections=len(listed),
            reasons=reasons,
            warnings=[f"{one.slug}: {one.problem}" for one in listed if one.problem],
        )

    async def exposition(self) -> bytes:
        """The metrics in Prometheus' text format."""
        self._metrics.queued.set(self._commit.waiting)
        return self._metrics.exposition(await self._figures.latest())

    async def _is_database_reachable(self) -> bool:
        try:
            async with asyncio.timeout(3), self._database.begin() as connection:
                await connection.execute(text("select 1"))
        except (StoreAway, TimeoutError):
            return False
        except Exception as error:  # noqa: BLE001 - a driver's own error while it starts up
            logger.warning("the database does not answer: %s", type(error).__name__)
            return False
        return True


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def pages_app(pages: Pages, *, base_url: str, lifespan: Lifespan) -> FastAPI:
    """The FastAPI application of the slow addresses."""
    app = FastAPI(
        title="Loyalty Hub gateway",
        version="1",
        description="Webhooks in, health and metrics out.",
        servers=[{"url": base_url}],
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    _describe_hooks(app)
    _add_machine_routes(app, pages)
    _add_pages(app, pages)
    return app


def _describe_hooks(app: FastAPI) -> None:
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = with_zapier(with_hooks(plain()))
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def _add_machine_routes(app: FastAPI, pages: Pages) -> None:
    @app.get("/healthz", summary="Is the process alive?", tags=["operations"])
    async def healthz(response: Response) -> Alive:
        response.headers.update(SECURITY_HEADERS)
        return Alive(alive=True)

    @app.get(
        "/readyz",
        summary="Can webhooks be accepted now?",
        tags=["operations"],
        responses={503: {"model": Readiness, "description": "Not now, for these reasons."}},
    )
    async def readyz(response: Response) -> Readiness:
        found = await pages.readiness()
        response.headers.update(SECURITY_HEADERS)
        response.status_code = 200 if found.ready else 503
        return found

    @app.get(
        "/metrics",
        summary="Metrics for Prometheus",
        tags=["operations"],
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        content = await pages.exposition()
        return Response(content, media_type=CONTENT_TYPE_LATEST, headers=dict(SECURITY_HEADERS))


def _add_pages(app: FastAPI, pages: Pages) -> None:
    @app.get("/", include_in_schema=False)
    async def home() -> HTMLResponse:
        return HTMLResponse(await pages.home(), headers=_PAGE_HEADERS)

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        page = _TEMPLATES.get_template("docs.html").render(document=app.openapi())
        return HTMLResponse(page, headers=_PAGE_HEADERS)
