"""Runs the gateway: `python -m gateway.serve`, told by its environment (`HUB_…`)."""

from __future__ import annotations

import gc
import logging
import resource
import signal

import uvicorn
import uvloop

from gateway.app import create_app
from gateway.protocol import protocol_class
from loyalty.settings import HubSettings
from loyalty.store.console_key import ConsoleKey, ConsoleKeyWeak
from loyalty.store.database import Database
from loyalty.store.vault import Vault

KEEP_ALIVE_SECONDS = 30
STOP_SECONDS = 15
CONNECTIONS = 2000


def configuration(app: object, settings: HubSettings) -> uvicorn.Config:
    """How uvicorn serves the gateway."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=settings.host,
        port=settings.port,
        http=protocol_class(),
        ws="none",
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        backlog=1024,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


async def serve(settings: HubSettings) -> None:
    """Serves until SIGTERM or SIGINT; requests under way are answered first."""
    database = Database(settings.database_url)
    try:
        ConsoleKey.of(settings.root, settings.console_key)
    except ConsoleKeyWeak as error:
        raise SystemExit(str(error)) from None
    try:
        app = create_app(settings, database, Vault.of(settings.root, settings.secret_key))
        await uvicorn.Server(configuration(app, settings)).serve()
    finally:
        await database.aclose()


def _spare_the_collector() -> None:
    """Lets the garbage collector pass over what was imported, and come less often.

    Every request makes some hundred objects that counting references frees; the default
    thresholds would have the collector look for cycles among them many times a second.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _allow_connections() -> None:
    """Raises the soft limit of open files to what the connections need, where it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + 200
    if soft < wanted and (hard == resource.RLIM_INFINITY or hard > soft):
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))


def main() -> None:
    """The process: exits 0 after a graceful stop."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    settings = HubSettings()
    if not settings.database_url:
        raise SystemExit("HUB_DATABASE_URL is not set: start the gateway with `hub up`")
    _allow_connections()
    _spare_the_collector()
    # uvicorn raises the signal again after it has stopped; by then there is nothing left to do.
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, lambda *_: None)
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
