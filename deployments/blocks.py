"""Credentials blocks to connections: read from Prefect, validated again, sealed into the store."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from importlib import import_module
from typing import Any

import orjson
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import BlockDocument
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.kit.credentials import CredentialsBlock
from connectors.kit.registry import manifest, slugs
from flows.clients import first_problem
from flows.sending import budget_name
from loyalty.store import budgets, connections
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.vault import Vault

logger = logging.getLogger(__name__)

PAGE = 200


def block_types() -> list[type[CredentialsBlock]]:
    """The credentials block of every connector."""
    found = []
    for slug in slugs():
        module = import_module(f"connectors.{slug}.credentials")
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, CredentialsBlock)
                and value.__dict__.get("_connector") == slug
            ):
                found.append(value)
    return found


def connector_of(document: BlockDocument) -> str | None:
    """Which connector a block document belongs to; None for blocks of others."""
    slug = document.block_type.slug if document.block_type else ""
    connector = slug.removesuffix("-credentials")
    return connector if slug.endswith("-credentials") and connector in slugs() else None


async def read_documents(client: PrefectClient) -> list[BlockDocument]:
    """Every credentials block there is, with its secrets."""
    found: list[BlockDocument] = []
    while True:
        page = await client.read_block_documents(limit=PAGE, offset=len(found))
        found.extend(page)
        if len(page) < PAGE:
            return [one for one in found if connector_of(one) is not None and one.name]


class BlockSync:
    """Carries what operations enter in the Prefect UI over to the store, where it changed."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def sync(self, documents: Iterable[BlockDocument], *, now: datetime) -> list[str]:
        """Brings the connections in line with the blocks; returns those that changed."""
        async with self._database.begin() as connection:
            known = {one.slug: one for one in await connections.load(connection)}
            wanted = [self._wanted_safely(one) for one in documents]
            changed = [one for one in wanted if _differs(one, known.get(one.slug))]
            for one in changed:
                await connections.put(connection, one, now=now)
                await _ensure_budget(connection, one, now)
            gone = set(known) - {one.slug for one in wanted}
            for slug in sorted(gone):
                await connections.set_state(
                    connection,
                    known[slug].connector,
                    known[slug].name,
                    state="absent",
                    reason="its credentials block was deleted in Prefect",
                    now=now,
                )
        return [one.slug for one in changed]

    def _wanted_safely(self, document: BlockDocument) -> StoredConnection:
        """One block that breaks its connector must not keep the others from being taken over."""
        try:
            return self._wanted(document)
        except Exception as error:
            logger.exception("the block %s cannot be taken over", document.name)
            reason = f"the connector cannot read it ({type(error).__name__}): see the worker's log"
            connector = connector_of(document) or ""
            mark = f"unreadable:{document.updated}"
            return StoredConnection(connector, str(document.name), "invalid", reason, None, mark)

    def _wanted(self, document: BlockDocument) -> StoredConnection:
        connector = connector_of(document)
        assert connector is not None
        name = str(document.name)
        data = {k: v for k, v in document.data.items() if not k.startswith("block_type_slug")}
        # With the time it was saved: whoever gave a missing right at the vendor and saves the
        # same credentials again means them to be tried again.
        saved = {"data": data, "at": str(document.updated)}
        fingerprint = hashlib.sha256(orjson.dumps(saved, option=orjson.OPT_SORT_KEYS)).hexdigest()
        try:
            account = manifest(connector).account.model_validate(data)
        except ValidationError as error:
            reason = f"{first_problem(error)}: correct it in the block"
            return StoredConnection(connector, name, "invalid", reason, None, fingerprint)
        sealed = self._vault.seal(account.plain())
        return StoredConnection(connector, name, "active", "", sealed, fingerprint)


async def _ensure_budget(
    connection: AsyncConnection, stored: StoredConnection, now: datetime
) -> None:
    """The documented limit holds from the first moment, before Prefect's limit is made."""
    limit = manifest(stored.connector).limit
    await budgets.define(
        connection,
        budget_name(stored.slug),
        burst=limit.burst,
        per_second=Decimal(str(limit.per_second)),
        is_active=True,
        now=now,
        replace=False,
    )


def _differs(wanted: StoredConnection, known: StoredConnection | None) -> bool:
    """Whether the block was saved; a connection that was refused stays so until it is."""
    if known is None or known.fingerprint != wanted.fingerprint:
        return True
    return known.state == "absent"


async def save_block(block_type: type[CredentialsBlock], name: str, fields: dict[str, Any]) -> None:
    """Creates or replaces a credentials block (the demo and tests do)."""
    await block_type(**fields).save(name, overwrite=True)
