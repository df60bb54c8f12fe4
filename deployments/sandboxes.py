"""`python -m deployments.sandboxes`: every vendor's stand-in on one port, for demo and trials."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from connectors.kit.registry import slugs
from connectors.kit.sandbox import VendorSandbox, town
from loyalty.settings import HubSettings


def all_sandboxes(settings: HubSettings) -> list[VendorSandbox]:
    """One stand-in per connector; what they accepted is kept below HUB_HOME."""
    found = []
    options: dict[str, Any] = {"smtp": {"smtp_port": settings.sandbox_smtp_port}}
    for slug in slugs():
        sandbox = sandbox_of(slug)(**options.get(slug, {}))
        sandbox.keep_in(settings.root / "sandboxes" / f"{slug}.jsonl")
        found.append(sandbox)
    return found


def sandbox_of(slug: str) -> type[VendorSandbox]:
    """The stand-in of a connector."""
    module = import_module(f"connectors.{slug}.sandbox")
    return next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, VendorSandbox) and value.slug == slug
    )


def application(sandboxes: list[VendorSandbox]) -> Starlette:
    """All stand-ins below their slugs, and `/healthz`."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        for one in sandboxes:
            await one.start()
        yield
        for one in sandboxes:
            await one.stop()

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/healthz", healthz)], lifespan=lifespan)
    app.routes.extend(town(sandboxes).routes)
    return app


def main() -> None:
    """Serves until SIGTERM."""
    settings = HubSettings()
    app = application(all_sandboxes(settings))
    config = uvicorn.Config(
        app, host="127.0.0.1", port=settings.sandbox_port, log_level="warning", access_log=False
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
