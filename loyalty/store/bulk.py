"""Many rows in one statement: a JSON array unfolded by PostgreSQL, one round trip, one plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import TextClause

from loyalty.store.database import dumps

_DIALECT = postgresql.dialect()


@cache
def _types(table: Table) -> dict[str, str]:
    return {column.name: column.type.compile(_DIALECT) for column in table.columns}


@cache
def _insert(table: Table, columns: tuple[str, ...], tail: str) -> TextClause:
    names = ", ".join(columns)
    typed = ", ".join(f"{name} {_types(table)[name]}" for name in columns)
    return text(
        f"insert into {table.name} ({names}) select {names} "  # noqa: S608
        f"from jsonb_to_recordset(cast(:rows as jsonb)) as r({typed}) {tail}"
    )


async def insert_rows(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    tail: str = "",
) -> Sequence[Any]:
    """Inserts all rows, which have the same keys, and returns what `tail` returns.

    Args:
        tail: `on conflict … returning …`, written by us, never from outside.
    """
    if not rows:
        return []
    columns = tuple(rows[0])
    result = await connection.execute(_insert(table, columns, tail), {"rows": dumps(list(rows))})
    return result.all() if result.returns_rows else []


@cache
def _update(
    table: Table,
    key: str,
    columns: tuple[str, ...],
    given: tuple[tuple[str, str], ...],
    where: str,
) -> TextClause:
    types = _types(table) | dict(given)
    typed = ", ".join(f"{name} {types[name]}" for name in (key, *columns, *dict(given)))
    changes = ", ".join(f"{name} = r.{name}" for name in columns)
    return text(
        f"update {table.name} as t set {changes} "  # noqa: S608
        f"from jsonb_to_recordset(cast(:rows as jsonb)) as r({typed}) "
        f"where t.{key} = r.{key} {where}"
    )


async def update_rows(
    connection: AsyncConnection,
    table: Table,
    key: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    given: Mapping[str, str] | None = None,
    where: str = "",
) -> int:
    """Updates one row per item, found by its `key` column; returns how many were changed.

    Args:
        given: Values of the items, by name and type, that are not written but that `where`
            speaks of.
        where: A further condition on `t`, the row, and `r`, the item; written by us.
    """
    if not rows:
        return 0
    extra = given or {}
    columns = tuple(name for name in rows[0] if name != key and name not in extra)
    statement = _update(table, key, columns, tuple(extra.items()), where)
    result = await connection.execute(statement, {"rows": dumps(list(rows))})
    return result.rowcount
