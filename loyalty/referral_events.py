"""The event by which a person of the team decides about a recommendation that was held."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from loyalty.events import Event, EventType, ReferralDecided


def decided(friend: UUID, *, approved: bool, by: str, at: datetime, reason: str = "") -> Event:
    """The decision about the friend's recommendation; whose it is, is kept with it."""
    return Event(
        type=EventType.REFERRAL_DECIDED,
        store="hub",
        key=f"{friend}:{at.isoformat()}",
        time=at,
        subject=f"member:{friend}",
        data=ReferralDecided(member_id=str(friend), approved=approved, by=by, reason=reason),
    )
