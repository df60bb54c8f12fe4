"""`python -m deployments.sandboxes`: every vendor's stand-in on one port, for demo and trials."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from importlib import import_module

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.kit.registry import slugs
from connectors.kit.sandbox import VendorSandbox
from deployments.demo.storefront import storefront_routes
from loyalty.settings import HubSettings

LISTENING = ("smtp",)
"""Stand-ins with a port of their own, which has to be open before somebody writes to it."""


class Town:
    """Every vendor's stand-in below its slug; a house is built when somebody first knocks.

    To import all of them takes many seconds, and a day of the demo meets a third of them.
    """

    def __init__(self, settings: HubSettings) -> None:
        self.settings = settings
        self._houses: dict[str, VendorSandbox] = {}
        self._apps: dict[str, ASGIApp] = {}

    def house(self, slug: str) -> VendorSandbox:
        """The stand-in of a connector; what it accepted is kept below HUB_HOME."""
        if slug not in self._houses:
            given = {"smtp_port": self.settings.sandbox_smtp_port} if slug == "smtp" else {}
            built = sandbox_of(slug)(**given)
            built.keep_in(self.settings.root / "sandboxes" / f"{slug}.jsonl")
            self._houses[slug] = built
        return self._houses[slug]

    def door(self, slug: str) -> ASGIApp:
        """The application of a stand-in that may not be built yet."""

        async def knock(scope: Scope, receive: Receive, send: Send) -> None:
            if slug not in self._apps:
                self._apps[slug] = self.house(slug).app()
            await self._apps[slug](scope, receive, send)

        return knock


def sandbox_of(slug: str) -> type[VendorSandbox]:
    """The stand-in of a connector."""
    module = import_module(f"connectors.{slug}.sandbox")
    return next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, VendorSandbox) and value.slug == slug
    )


def application(town: Town) -> Starlette:
    """All stand-ins below their slugs, and `/healthz`."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        for slug in LISTENING:
            await town.house(slug).start()
        yield
        for slug in LISTENING:
            await town.house(slug).stop()

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok")

    doors = [Mount(f"/{slug}", app=town.door(slug)) for slug in slugs()]
    shop = storefront_routes(town.settings)
    return Starlette(routes=[Route("/healthz", healthz), *shop, *doors], lifespan=lifespan)


def main() -> None:
    """Serves until SIGTERM."""
    settings = HubSettings()
    app = application(Town(settings))
    config = uvicorn.Config(
        app, host="127.0.0.1", port=settings.sandbox_port, log_level="warning", access_log=False
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
