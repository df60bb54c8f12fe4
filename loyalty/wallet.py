"""Passes in a phone's wallet: they always show the balance, and ring only so often."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from loyalty.lifecycle_policy import WalletQuota


def still_counting(
    notified_at: Sequence[datetime], quota: WalletQuota, now: datetime
) -> tuple[datetime, ...]:
    """The notifications that count against the quota at an instant.

    One that went out exactly so many hours ago counts no more.
    """
    begins = now - timedelta(hours=quota.hours)
    return tuple(at for at in notified_at if at > begins)


def may_notify(notified_at: Sequence[datetime], quota: WalletQuota, now: datetime) -> bool:
    """Whether a change of the pass may ring now.

    A notification beyond the quota would make the vendor refuse the whole update, and the pass
    would go on showing a balance that is not true.
    """
    return len(still_counting(notified_at, quota, now)) < quota.max_notifications
