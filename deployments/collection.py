"""Prefect's entry point: makes the work pool type `hub` known to the Prefect CLI and server.

It also lends the hub's store of tokens to the connection check of the credentials blocks.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from connectors.kit.credentials import use_tokens
from connectors.kit.oauth import TokenStore
from deployments.worker import HubWorker

__all__ = ["HubWorker"]


@asynccontextmanager
async def open_tokens(slug: str) -> AsyncIterator[TokenStore]:
    """The stored token of a connection, by the settings of this process.

    Raises:
        OSError: The database is out of reach.
        ValueError: Its address or the key of the vault cannot be right.
    """
    # Here, since the Prefect CLI loads this module with every command.
    from flows.runtime import database_url
    from loyalty.settings import HubSettings
    from loyalty.store.database import Database, StoreAway
    from loyalty.store.tokens import StoredTokens
    from loyalty.store.vault import Vault, VaultError

    settings = HubSettings()
    database = Database(database_url(settings), pool_size=1)
    try:
        tokens = StoredTokens(database, Vault.of(settings.root, settings.secret_key), slug)
        try:
            await tokens.read()
        except (StoreAway, VaultError) as error:
            raise OSError(str(error)) from None
        yield tokens
    finally:
        await database.aclose()


use_tokens(open_tokens)
