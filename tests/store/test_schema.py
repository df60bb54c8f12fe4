"""The migrations make exactly what the tables say, and the ledger only grows."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from loyalty.store.database import Database
from loyalty.store.tables import metadata


async def test_the_migrated_schema_equals_the_tables(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with database.begin() as connection:
        found = await connection.run_sync(differences)
    assert [d for d in found if "alembic_version" not in str(d)] == []


GROWING = ("entries", "allocations", "consents", "attempts", "audit", "rule_switches")


@pytest.mark.parametrize("table", GROWING)
async def test_a_table_that_only_grows_refuses_change(database: Database, table: str) -> None:
    for statement in (f"delete from {table}", f"update {table} set {_column(table)} = null"):
        with pytest.raises(DBAPIError, match="only grows"):
            async with database.begin() as connection:
                await connection.execute(text(statement))


def _column(table: str) -> str:
    return list(metadata.tables[table].columns)[-1].name
