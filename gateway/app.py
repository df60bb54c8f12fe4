"""Puts the gateway together: the hook addresses in front, everything else behind them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.kit import registry
from connectors.kit.manifest import Manifest
from gateway.commit import GroupCommit
from gateway.connections import ConnectionTable
from gateway.console.entrance import add_console
from gateway.console.house import House
from gateway.figures import FiguresDesk
from gateway.hooks import PREFIX, Hooks
from gateway.metrics import Metrics
from gateway.pages import Pages, pages_app
from gateway.people.entrance import add_people
from gateway.widget.entrance import add_widget
from gateway.work import Bounds
from gateway.zapier.desk import PREFIX as ZAPIER
from gateway.zapier.desk import ZapierDesk
from loyalty.links import Links
from loyalty.settings import HubSettings
from loyalty.store.console_key import ConsoleKey
from loyalty.store.database import Database, StoreAway
from loyalty.store.vault import Vault


def _now() -> datetime:
    return datetime.now(UTC)


def create_app(
    settings: HubSettings,
    database: Database,
    vault: Vault,
    *,
    clock: Callable[[], datetime] = _now,
    manifests: Callable[[str], Manifest] = registry.manifest,
    bounds: Bounds | None = None,
) -> ASGIApp:
    """The gateway as an ASGI application.

    The database stays the caller's: it is neither migrated nor closed here.

    Args:
        clock: Aware; what signed timestamps are measured against.
        manifests: Finds a connector by slug; KeyError where there is none.
        bounds: How much is taken on at once.
    """
    metrics = Metrics()
    table = ConnectionTable(database, vault, manifests=manifests)
    commit = GroupCommit(database, observer=metrics, bounds=bounds)
    figures = FiguresDesk(database, clock=clock)
    prefect_ui_url = os.environ.get("HUB_PREFECT_UI_URL", "")
    pages = Pages(
        database=database,
        table=table,
        commit=commit,
        metrics=metrics,
        figures=figures,
        prefect_ui_url=prefect_ui_url,
    )
    hooks = Hooks(
        base_url=settings.base_url, table=table, commit=commit, observer=metrics, clock=clock
    )
    zapier = ZapierDesk(
        database=database,
        table=table,
        vault=vault,
        commit=commit,
        observer=metrics,
        clock=clock,
    )
    behind = pages_app(pages, base_url=settings.base_url, lifespan=_lifespan(table, commit))
    house = House(
        settings=settings,
        database=database,
        vault=vault,
        links=Links(vault.derived("links"), settings.base_url),
        commit=commit,
        table=table,
        figures=figures,
        clock=clock,
        console_key=ConsoleKey.of(settings.root, settings.console_key),
        prefect_ui_url=prefect_ui_url if prefect_ui_url.startswith("http") else "",
    )
    add_console(behind, house)
    add_people(behind)
    add_widget(behind, house)
    return _Gateway(hooks, zapier, behind)


class _Gateway:
    """Sends hook requests straight to the hooks, Zapier's to its desk, all others to the pages."""

    def __init__(self, hooks: Hooks, zapier: ZapierDesk, pages: FastAPI) -> None:
        self._hooks = hooks
        self._zapier = zapier
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await self._hooks(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(ZAPIER):
            await self._zapier(scope, receive, send)
        else:
            await self._pages(scope, receive, send)


def _lifespan(
    table: ConnectionTable, commit: GroupCommit
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def live(_: FastAPI) -> AsyncIterator[None]:
        # Where the database is away the gateway starts all the same, and answers 503.
        with suppress(StoreAway, OSError):
            await table.refresh()
        watch = asyncio.create_task(table.watch())
        try:
            yield
        finally:
            await commit.aclose()
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch

    return live
