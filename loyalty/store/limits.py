"""The counters of caps and limits: locked in one order for everybody, written at the end."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.limits import Counter, Meters, Use
from loyalty.store.bulk import insert_rows
from loyalty.store.tables import limit_uses

_LOCK = text("""
select u.limit_key, u.scope, u.bucket, u.points, u.times from limit_uses u
join unnest(cast(:limits as text[]), cast(:scopes as text[]), cast(:buckets as text[]))
     as w(limit_key, scope, bucket)
on (u.limit_key, u.scope, u.bucket) = (w.limit_key, w.scope, w.bucket)
order by u.limit_key, u.scope, u.bucket for update of u
""")


async def lock(connection: AsyncConnection, wanted: Iterable[Counter]) -> Meters:
    """The counters, locked until the transaction ends.

    Everybody takes them in the same order, and after the members: no two batches wait for
    each other. A counter that is new gets its row here, so that two cannot both begin it.
    """
    keys = sorted(set(wanted))
    if not keys:
        return Meters()
    rows = [{"limit_key": key.limit, "scope": key.scope, "bucket": key.bucket} for key in keys]
    await insert_rows(connection, limit_uses, rows, tail="on conflict do nothing")
    limits, scopes, buckets = zip(*keys, strict=True)
    found = await connection.execute(
        _LOCK, {"limits": list(limits), "scopes": list(scopes), "buckets": list(buckets)}
    )
    return Meters(
        {Counter(row.limit_key, row.scope, row.bucket): Use(row.points, row.times) for row in found}
    )


async def save(connection: AsyncConnection, meters: Meters) -> None:
    """Writes the counters that were changed."""
    rows = [
        {
            "limit_key": key.limit,
            "scope": key.scope,
            "bucket": key.bucket,
            "points": meters.uses[key].points,
            "times": meters.uses[key].times,
        }
        for key in sorted(meters.changed)
    ]
    await insert_rows(
        connection,
        limit_uses,
        rows,
        tail="on conflict (limit_key, scope, bucket) do update "
        "set points = excluded.points, times = excluded.times",
    )
