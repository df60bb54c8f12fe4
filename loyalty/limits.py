"""Caps and limits: counters per scope and period, and how much of a wish they grant.

They are no conditions of rules. What is granted is the least of what was wanted and what every
counter has left; what bounds a sale at its award bounds it for good (`Room`), and what it does
not need any more goes back to the period of the award.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from loyalty.occasions import zone_of
from loyalty.policies import Cap, Period

CAP = "cap:"
"""Begins the key of a counter that belongs to a cap of the programme."""


class Counter(NamedTuple):
    """Which counter: of what, whose, and in which period. The row of `limit_uses`."""

    limit: str
    scope: str
    bucket: str


@dataclass(slots=True)
class Use:
    """How much of a counter is used."""

    points: int = 0
    times: int = 0


@dataclass(slots=True)
class Room:
    """How much of one cap or limit a sale could have used when it was awarded.

    Attributes:
        rule: Whose award it bounds; empty for a cap of the programme, which bounds their sum.
        kind: Whether points are counted or times.
        amount: What the limit allows in all.
        left: What the sale may use of it, for good.
        used: What it uses now.
    """

    counter: Counter
    rule: str
    kind: Literal["points", "times"]
    amount: int
    left: int
    on_short: Literal["partial", "skip"] = "partial"
    used: int = 0

    def grant(self, wanted: int) -> int:
        """How many of these points the room allows."""
        if self.kind == "times":
            return wanted if self.left > 0 else 0
        if wanted <= self.left:
            return wanted
        return 0 if self.on_short == "skip" else max(self.left, 0)

    def use_of(self, granted: int) -> int:
        """What an award of so many points uses of it."""
        return int(granted > 0) if self.kind == "times" else max(granted, 0)


@dataclass(slots=True)
class Meters:
    """The counters of a transaction, as locked, and which of them were changed.

    A counter that was not loaded stands at nothing: in memory (simulation) none has to be.
    """

    uses: dict[Counter, Use] = field(default_factory=dict)
    changed: set[Counter] = field(default_factory=set)

    def left(self, counter: Counter, kind: str, amount: int) -> int:
        """What is left of a limit of this amount."""
        use = self.uses.get(counter)
        if use is None:
            return amount
        return amount - (use.points if kind == "points" else use.times)

    def settle(self, room: Room, granted: int) -> None:
        """Makes the counter hold what the room is used for now, more or less than before."""
        wanted = room.use_of(granted)
        change = wanted - room.used
        if not change:
            return
        use = self.uses.setdefault(room.counter, Use())
        if room.kind == "points":
            use.points += change
        else:
            use.times += change
        room.used = wanted
        self.changed.add(room.counter)


def bucket_of(period: Period, zone: str, at: datetime, *, fallback: str = "UTC") -> str:
    """The name of the period an instant falls into, in local time: `2026-W02`, `2026-01`."""
    if period == "ever":
        return "ever"
    day = at.astimezone(zone_of(zone, fallback)).date()
    match period:
        case "day":
            return day.isoformat()
        case "iso_week":
            year, week, _ = day.isocalendar()
            return f"{year}-W{week:02}"
        case "month":
            return f"{day.year}-{day.month:02}"
        case _:
            return str(day.year)


def counter_of_cap(
    cap: Cap, member: UUID, *, at: datetime, zone: str, programme_zone: str
) -> Counter:
    """The counter of a cap for a member (whose own zone is `zone`) at an instant."""
    name = zone if cap.zone == "member" else programme_zone
    bucket = bucket_of(cap.period, name, at, fallback=programme_zone)
    return Counter(CAP + cap.id, str(member), bucket)


def grant(wanted: int, rooms: Iterable[Room]) -> tuple[int, str]:
    """The least that any of the rooms allows, and the counter that bit (empty: none did)."""
    granted, by = wanted, ""
    for room in rooms:
        allowed = room.grant(granted)
        if allowed < granted:
            granted, by = allowed, room.counter.limit
    return granted, by
