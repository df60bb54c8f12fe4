"""How often something was asked for, counted where all gateways see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many `times` in each window of `seconds`, for one `key`."""

    key: str
    times: int
    seconds: int

    def begins_at(self, now: datetime) -> datetime:
        """When the window of an instant began: windows lie on a grid of the clock."""
        at = int(now.timestamp()) // self.seconds * self.seconds
        return datetime.fromtimestamp(at, UTC)


_COUNT = text("""
insert into request_rates (key, begins_at, times)
select * from unnest(cast(:keys as text[]), cast(:begins as timestamptz[]),
                     cast(:ones as integer[])) as u(key, begins_at, times)
on conflict (key, begins_at) do update set times = request_rates.times + 1
returning key, times
""")


async def is_within(connection: AsyncConnection, rates: Sequence[Rate], *, now: datetime) -> bool:
    """Counts one request against every rate; False where one of them is used up.

    The count goes on in the caller's transaction, which has to be committed either way.
    """
    wanted = {_hashed(rate.key): rate for rate in rates}
    keys = sorted(wanted)
    rows = await connection.execute(
        _COUNT,
        {
            "keys": keys,
            "begins": [wanted[key].begins_at(now) for key in keys],
            "ones": [1] * len(keys),
        },
    )
    counted = {row.key: row.times for row in rows}
    return all(counted[key] <= rate.times for key, rate in wanted.items())


async def sweep(connection: AsyncConnection, *, before: datetime) -> int:
    """Deletes the counts of windows that began before an instant; returns how many."""
    rows = await connection.execute(
        text("delete from request_rates where begins_at < :before"), {"before": before}
    )
    return rows.rowcount


def _hashed(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:32]
