"""Wallet passes: what each one shows, and when it last rang."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.lifecycle_policy import WalletQuota
from loyalty.wallet import may_notify, still_counting

_OPEN = text("""
insert into wallet_passes (member_id, wallet, points, shown_at)
values (:member, :wallet, :points, :now) on conflict do nothing
""")
_LOCK = text("""
select points, shown_at, notified_at from wallet_passes
where member_id = :member and wallet = :wallet for update
""")
_SHOW = text("""
update wallet_passes set points = :points, shown_at = :now, notified_at = :notified
where member_id = :member and wallet = :wallet
""")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a pass shows from now on, and whether the change may ring."""

    points: int
    notifies: bool


async def show(
    connection: AsyncConnection,
    member_id: UUID,
    points: int,
    *,
    wallet: str,
    quota: WalletQuota,
    now: datetime,
) -> Shown:
    """Puts a balance on a member's pass, and takes a notification of the quota if one is left.

    Two at once take two: the pass is locked until the transaction ends. What is older than what
    the pass shows already changes nothing.

    Args:
        points: The balance, in the programme's smallest unit.
        wallet: Whose pass it is, `google`.
    """
    whose = {"member": member_id, "wallet": wallet}
    await connection.execute(_OPEN, {**whose, "points": points, "now": now})
    row = (await connection.execute(_LOCK, whose)).one()
    if row.shown_at > now:
        return Shown(row.points, notifies=False)
    notifies = may_notify(row.notified_at, quota, now)
    kept = [*still_counting(row.notified_at, quota, now), *([now] if notifies else [])]
    await connection.execute(_SHOW, {**whose, "points": points, "now": now, "notified": kept})
    return Shown(points, notifies)
