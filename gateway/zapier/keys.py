"""Finds the connection whose key a caller shows."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from connectors.zapier.account import ZapierAccount
from gateway.answers import Refused, later
from gateway.connections import ConnectionTable
from loyalty.store.connections import StoredConnection
from loyalty.store.vault import Vault, VaultError

logger = logging.getLogger("hub.gateway")

CONNECTOR = "zapier"
SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """A connection that has proved itself."""

    slug: str
    account: ZapierAccount


class Keys:
    """The keys of all Zapier connections, opened once and kept while they stay as they are.

    A paused connection is still let in: a pause concerns what the hub sends.
    """

    def __init__(self, table: ConnectionTable, vault: Vault) -> None:
        self._table = table
        self._vault = vault
        self._opened: dict[str, tuple[StoredConnection, ZapierAccount | None]] = {}

    async def caller(self, headers: Mapping[str, str]) -> Caller:
        """Who calls.

        Raises:
            Refused: No key, or one that nobody has (401); nobody can say at the moment (503).
        """
        key = key_in(headers)
        if not key:
            raise _refused(
                "there is no key", "Send the connection's key as Authorization: Bearer … ."
            )
        found = self._find(key)
        if found is None:
            await self._table.look_again()
            found = self._find(key)
        if found is None and not self._table.is_current:
            raise later(
                "away",
                "the database is away, so that it is not known whose key this is",
                "Send the request again.",
                seconds=2,
            )
        if found is None:
            raise _refused(
                "this key is not known",
                "Enter the api_key of a Zapier block (Prefect UI, Blocks) in Zapier's connection.",
            )
        return found

    def _find(self, key: str) -> Caller | None:
        """Compares with every key, so that the time it takes tells nothing."""
        given, found = key.encode("utf-8", "replace"), None
        for stored in self._table.stored(CONNECTOR):
            account = self._account(stored)
            if account is None:
                continue
            if hmac.compare_digest(given, account.api_key.get_secret_value().encode()):
                found = Caller(stored.slug, account)
        return found

    def _account(self, stored: StoredConnection) -> ZapierAccount | None:
        known = self._opened.get(stored.slug)
        if known is None or known[0] != stored:
            known = (stored, self._open(stored))
            self._opened[stored.slug] = known
        return known[1]

    def _open(self, stored: StoredConnection) -> ZapierAccount | None:
        if stored.state in ("absent", "invalid") or stored.sealed is None:
            return None
        try:
            return ZapierAccount.model_validate(self._vault.open(stored.sealed))
        except (VaultError, ValidationError) as error:
            logger.error("%s lets nobody in: %s", stored.slug, type(error).__name__)
            return None


def key_in(headers: Mapping[str, str]) -> str:
    """The key of `Authorization: Bearer …` or `X-API-Key`; empty where there is none."""
    said = headers.get("authorization", "")
    if said.lower().startswith(SCHEME):
        return said[len(SCHEME) :].strip()
    return headers.get("x-api-key", "").strip()


def _refused(error: str, hint: str) -> Refused:
    return Refused(401, "bad_key", error, hint, headers=(("www-authenticate", "Bearer"),))
