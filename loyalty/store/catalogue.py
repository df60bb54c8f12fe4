"""The catalogue in PostgreSQL: edited by operations, every version kept in the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.catalogue import RewardItem
from loyalty.store import audit
from loyalty.store.database import dumps


class ChangedMeanwhile(Exception):
    """Somebody else saved the item first; the message says what to do."""


@dataclass(frozen=True, slots=True)
class CatalogueItem:
    """An item as it is stored."""

    item: RewardItem
    version: int
    changed_at: datetime
    changed_by: str


_ALL = text("select * from catalogue_items order by place, id")
_NAMED = text("select * from catalogue_items where id = any(cast(:ids as text[])) order by id")
_LOCK = text("""
select 1 from catalogue_items
where id = any(cast(:ids as text[])) and document ->> 'stock' is not null order by id for update
""")
_ADD = text("""
insert into catalogue_items (id, version, document, place, changed_at, changed_by)
values (:id, 1, cast(:document as jsonb), :place, :now, :by)
on conflict (id) do nothing returning version
""")
_CHANGE = text("""
update catalogue_items set version = version + 1, document = cast(:document as jsonb),
    place = :place, changed_at = :now, changed_by = :by
where id = :id and version = :seen returning version
""")


async def items(connection: AsyncConnection) -> list[CatalogueItem]:
    """The whole catalogue, in the order in which it is shown."""
    return [_item(row) for row in await connection.execute(_ALL)]


async def named(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, CatalogueItem]:
    """Items by id, those that there are."""
    if not ids:
        return {}
    rows = await connection.execute(_NAMED, {"ids": sorted(set(ids))})
    return {row.id: _item(row) for row in rows}


async def lock_stock(connection: AsyncConnection, ids: Sequence[str]) -> None:
    """Lets nobody else take of a limited stock before the commit."""
    if ids:
        await connection.execute(_LOCK, {"ids": sorted(set(ids))})


async def save(
    connection: AsyncConnection, item: RewardItem, *, seen: int, by: str, now: datetime
) -> int:
    """Adds an item, or changes it; returns its version.

    Args:
        seen: The version that the change was made from; 0 for an item that is new.

    Raises:
        ChangedMeanwhile: The item was saved by somebody else since.
    """
    document = item.model_dump(mode="json", exclude_defaults=True)
    statement = _CHANGE if seen else _ADD
    values: dict[str, Any] = {
        "id": item.id,
        "document": dumps(document),
        "place": item.place,
        "now": now,
        "by": by,
    }
    if seen:
        values["seen"] = seen
    version = (await connection.execute(statement, values)).scalar()
    if version is None:
        told = "was changed by somebody else meanwhile" if seen else "is in the catalogue already"
        raise ChangedMeanwhile(f"{item.id} {told}: open it again and repeat your change")
    await audit.note(
        connection,
        actor=by,
        action="catalogue.changed" if seen else "catalogue.added",
        subject=item.id,
        now=now,
        detail={"version": version, "document": document},
    )
    return int(version)


def _item(row: Any) -> CatalogueItem:
    return CatalogueItem(
        RewardItem.model_validate(row.document), row.version, row.changed_at, row.changed_by
    )
