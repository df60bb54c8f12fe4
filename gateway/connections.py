"""The table of connections in memory: found without a query, kept up to date by a bell.

A paused or refused connection still receives: a pause concerns sending, and what a vendor
reports must not be lost meanwhile. An invalid one answers 503, so that the vendor tries again
until its credentials are put right; a removed one answers 404, as one that never was.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import asyncpg
from pydantic import ValidationError

from connectors.kit.account import Account
from connectors.kit.manifest import Manifest
from connectors.kit.webhook import Source, Webhook
from gateway.answers import Refused, later
from gateway.stack import stack_of
from loyalty.store import connections
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database, StoreAway
from loyalty.store.vault import Vault, VaultError

logger = logging.getLogger("hub.gateway")

REFRESH_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 1.0
RECONNECT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Hook:
    """A connection that can receive webhooks."""

    source: Source
    webhook: Webhook
    account: Account


@dataclass(frozen=True, slots=True)
class Listed:
    """A connection as the home page shows it.

    Attributes:
        problem: Why it cannot receive, in words; empty where it can or need not.
        receives: Whether its vendor sends webhooks at all.
    """

    slug: str
    state: str
    reason: str
    problem: str = ""
    receives: bool = True


@dataclass(frozen=True, slots=True)
class _Entry:
    stored: StoredConnection
    listed: Listed
    hook: Hook | None = None


class ConnectionTable:
    """Every connection, by `vendor/name`."""

    def __init__(
        self, database: Database, vault: Vault, *, manifests: Callable[[str], Manifest]
    ) -> None:
        self._database = database
        self._vault = vault
        self._manifests = manifests
        self._entries: dict[str, _Entry] = {}
        self._is_current = False
        self._looked_at = -LOOK_AGAIN_SECONDS
        self._looking = asyncio.Lock()
        self._refreshing = asyncio.Lock()
        self.is_loaded = False

    def listed(self) -> list[Listed]:
        """All connections, for the home page."""
        return [entry.listed for entry in self._entries.values()]

    @property
    def is_current(self) -> bool:
        """Whether the table is as the database has it, as far as is known."""
        return self._is_current

    def stored(self, connector: str) -> list[StoredConnection]:
        """The connections of a connector as they are stored."""
        found = (entry.stored for entry in self._entries.values())
        return [one for one in found if one.connector == connector]

    async def find(self, slug: str) -> Hook:
        """The connection of an address.

        Raises:
            Refused: It is unknown or removed (404), or not usable at the moment (503).
        """
        entry = self._entries.get(slug)
        if entry is not None and entry.hook is not None:
            return entry.hook
        if entry is None:
            await self.look_again()
            entry = self._entries.get(slug)
        if entry is None:
            raise self._unknown(slug)
        if entry.hook is None:
            raise _closed(entry.listed)
        return entry.hook

    async def refresh(self) -> None:
        """Reads the connections anew.

        Raises:
            StoreAway: The database is away; what was known stays.
        """
        async with self._refreshing:
            try:
                async with self._database.begin() as connection:
                    rows = await connections.load(connection)
            except StoreAway:
                self._is_current = False
                raise
            # Imports of connectors and decryption take their time; requests go on meanwhile.
            self._entries = await asyncio.to_thread(self._build, rows, self._entries)
            self._is_current = self.is_loaded = True

    async def watch(self) -> None:
        """Keeps the table up to date until it is cancelled."""
        while True:
            try:
                await self._listen()
            except (StoreAway, OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                logger.warning("connections cannot be read: %s; trying again", _first_line(error))
            except Exception as error:  # noqa: BLE001 - the table must go on being kept up to date
                logger.error("connections cannot be read: %s", stack_of(error))
            self._is_current = False
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        """Refreshes whenever the bell rings, and every so often, while the connection holds."""
        bell = asyncio.Event()
        listener = await asyncpg.connect(self._database.driver_url, timeout=5)
        try:
            listener.add_termination_listener(lambda *_: bell.set())
            await listener.add_listener(connections.BELL, lambda *_: bell.set())
            while not listener.is_closed():
                await self.refresh()
                try:
                    async with asyncio.timeout(REFRESH_SECONDS):
                        await bell.wait()
                except TimeoutError:
                    pass  # nobody rang: read anyway, a bell may have been missed
                bell.clear()
        finally:
            listener.terminate()

    async def look_again(self) -> None:
        """Reads the table for the sake of an unknown address or key, at most once a second."""
        async with self._looking:
            if monotonic() - self._looked_at < LOOK_AGAIN_SECONDS:
                return
            self._looked_at = monotonic()
            try:
                await self.refresh()
            except StoreAway:
                logger.warning("connections cannot be read: the database is away")

    def _unknown(self, slug: str) -> Refused:
        if not self._is_current:
            return later(
                "away",
                "the database is away, so that it is not known whether this connection exists",
                "Send the request again.",
                seconds=2,
            )
        return Refused(
            404,
            "unknown_connection",
            f"there is no connection {slug[:100]}",
            "The address is /hooks/{vendor}/{connection}. Make the connection in the Prefect UI "
            "(Blocks), then send the request again.",
        )

    def _build(self, rows: list[StoredConnection], before: dict[str, _Entry]) -> dict[str, _Entry]:
        found = {}
        for row in rows:
            known = before.get(row.slug)
            same = known is not None and known.stored == row
            found[row.slug] = known if known is not None and same else self._entry(row)
        return found

    def _entry(self, row: StoredConnection) -> _Entry:
        reason = row.reason or row.note
        listed = Listed(row.slug, row.state, reason)
        if row.state in ("absent", "invalid"):
            return _Entry(row, listed)
        try:
            manifest = self._manifests(row.connector)
            if manifest.webhook is None:
                return _Entry(row, Listed(row.slug, row.state, reason, receives=False))
            account = manifest.account.model_validate(self._vault.open(row.sealed or b""))
        except Exception as error:  # noqa: BLE001 - one broken connection must not close the others
            problem = _problem(error, row)
            logger.error("%s receives nothing: %s", row.slug, problem)
            return _Entry(row, Listed(row.slug, row.state, reason, problem))
        return _Entry(row, listed, Hook(Source(row.connector, row.name), manifest.webhook, account))


def _problem(error: Exception, row: StoredConnection) -> str:
    if row.sealed is None:
        return "it has no credentials: save its block again in the Prefect UI"
    if isinstance(error, VaultError):
        return str(error)
    if isinstance(error, ValidationError):
        names = ", ".join(".".join(map(str, one["loc"])) for one in error.errors()[:5])
        return f"its credentials are incomplete or wrong ({names}): correct its block"
    if isinstance(error, KeyError):
        return f"there is no connector {row.connector}"
    return f"its connector cannot be loaded ({type(error).__name__})"


def _closed(listed: Listed) -> Refused:
    if listed.state == "absent":
        return Refused(
            404,
            "unknown_connection",
            f"the connection {listed.slug} was removed",
            "Save its credentials again in the Prefect UI, or delete the webhook at the vendor.",
        )
    if not listed.receives:
        return Refused(
            404,
            "unknown_connection",
            f"{listed.slug} receives no webhooks",
            "Its vendor is only written to.",
        )
    reason = listed.problem or listed.reason or "its credentials are not valid"
    return later(
        "closed",
        f"{listed.slug} cannot check signatures at the moment: {reason}",
        "Correct its credentials in the Prefect UI; the vendor will send again.",
        seconds=60,
    )


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
