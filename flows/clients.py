"""Live clients of the connections: made on first use, kept, replaced when credentials change."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from connectors.kit.account import Account
from connectors.kit.errors import AuthError
from connectors.kit.manifest import Client, Manifest
from connectors.kit.registry import manifest, slugs
from loyalty.store import connections, hooks_out
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.hooks_out import Hooks
from loyalty.store.tokens import StoredTokens
from loyalty.store.vault import Vault, VaultError


@dataclass(slots=True)
class Line:
    """An open line to one connection: its client, and how many calls may be under way."""

    manifest: Manifest
    client: Any
    fingerprint: str
    gauge: asyncio.Semaphore
    _users: int = 0
    _is_retired: bool = False

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """While it is in use, the line stays open also where it is retired meanwhile."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            await self._close_if_idle()

    async def retire(self) -> None:
        """Closes the line once nobody uses it: calls under way come to their end."""
        self._is_retired = True
        await self._close_if_idle()

    async def _close_if_idle(self) -> None:
        if self._is_retired and not self._users:
            await self.client.aclose()


@dataclass
class Clients:
    """The lines that this process has open."""

    database: Database
    vault: Vault
    stored: dict[str, StoredConnection] = field(default_factory=dict)
    hooks: Hooks = field(default_factory=dict)
    _lines: dict[str, Line] = field(default_factory=dict)

    async def refresh(self) -> None:
        """Reads the connections again; lines whose credentials changed are made anew."""
        async with self.database.begin() as connection:
            found = await connections.load(connection)
            self.hooks = await hooks_out.load(connection)
        self.stored = {one.slug: one for one in found}
        for slug, line in list(self._lines.items()):
            stored = self.stored.get(slug)
            if stored is None or stored.fingerprint != line.fingerprint:
                del self._lines[slug]
                await line.retire()

    def problem(self, slug: str) -> str:
        """Why nothing may be sent through a connection now; empty where it may."""
        stored = self.stored.get(slug)
        if stored is None or stored.state == "active":
            return ""
        return f"{slug} is {stored.state}: {stored.reason}"

    def line(self, slug: str) -> Line:
        """The line to a connection.

        Raises:
            AuthError: It has no credentials, or ones that cannot be right.
        """
        if slug not in self._lines:
            self._lines[slug] = self._open(slug)
        return self._lines[slug]

    def _open(self, slug: str) -> Line:
        stored = self.stored.get(slug)
        if stored is None or stored.sealed is None:
            raise AuthError(f"{slug} has no credentials: add its block in the Prefect UI")
        if stored.connector not in slugs():
            raise AuthError(f"there is no connector named {stored.connector!r}")
        known = manifest(stored.connector)
        tokens = StoredTokens(self.database, self.vault, slug)
        client: Client = known.open(account_of(stored, self.vault), tokens=tokens)
        gauge = asyncio.Semaphore(known.limit.concurrency)
        return Line(known, client, stored.fingerprint, gauge)

    async def aclose(self) -> None:
        """Closes every line."""
        lines = list(self._lines.values())
        self._lines.clear()
        for line in lines:
            await line.retire()


def account_of(stored: StoredConnection, vault: Vault) -> Account:
    """The account behind a stored connection, validated again.

    Raises:
        AuthError: The credentials cannot be opened or cannot be right; the message names the
            field, not its value.
    """
    if stored.sealed is None:
        raise AuthError(f"{stored.slug} has no credentials: add its block in the Prefect UI")
    model = manifest(stored.connector).account
    try:
        return model.model_validate(vault.open(stored.sealed))
    except ValidationError as error:
        raise AuthError(f"{stored.slug}: {first_problem(error)}") from None
    except VaultError as error:
        raise AuthError(f"{stored.slug}: {error}") from None


def first_problem(error: ValidationError) -> str:
    """The first thing that is wrong, by field, without the value."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the whole"
    return f"{place}: {first['msg']}"
