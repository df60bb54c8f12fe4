"""Frequency caps: how many marketing messages an address gets in a window or a calendar period.

What was sent, or is on its way, has its place. What still waits keeps its place against messages
of the same or a lower priority and loses it to one of a higher: the waiting one is judged again
when its time comes, and finds the cap full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from loyalty.limits import bucket_of
from loyalty.messaging_policy import FrequencyCap


@dataclass(frozen=True, slots=True)
class Use:
    """A marketing message that takes a place.

    Attributes:
        at: When it went, or will go.
        is_waiting: It is put off and will be judged again.
    """

    id: UUID
    at: datetime
    priority: int = 0
    is_waiting: bool = False

    def comes_before(self, own: UUID, priority: int) -> bool:
        """Whether it has its place before another message."""
        if not self.is_waiting:
            return True
        return self.priority > priority or (self.priority == priority and self.id < own)


def cap_reached(
    caps: Sequence[FrequencyCap],
    uses: Sequence[Use],
    *,
    own: UUID,
    priority: int,
    at: datetime,
    zones: tuple[str, str],
) -> FrequencyCap | None:
    """The first cap that leaves no place for a message at an instant.

    Args:
        caps: Those of the message's channel.
        own: The message, which does not stand in its own way.
        zones: The person's (or an empty text) and the programme's.
    """
    counted = [one for one in uses if one.id != own and one.comes_before(own, priority)]
    for cap in caps:
        if sum(_shares_period(cap, one.at, at, zones) for one in counted) >= cap.count:
            return cap
    return None


def _shares_period(
    cap: FrequencyCap, one: datetime, other: datetime, zones: tuple[str, str]
) -> bool:
    if cap.hours is not None:
        return abs(one - other) < timedelta(hours=cap.hours)
    assert cap.per is not None
    zone = (zones[0] if cap.zone == "member" else "") or zones[1]
    return bucket_of(cap.per, zone, one) == bucket_of(cap.per, zone, other)


def horizon(caps: Sequence[FrequencyCap]) -> timedelta:
    """How far back messages have to be looked for."""
    days = {"day": 2, "iso_week": 8, "month": 32}
    spans = [
        timedelta(hours=cap.hours) if cap.hours is not None else timedelta(days=days[cap.per or ""])
        for cap in caps
    ]
    return max(spans, default=timedelta(0))
