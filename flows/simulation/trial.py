"""What is tried, and what comes of it: for a part of the members, and in all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr

from loyalty.events import Frozen
from loyalty.programme import Programme
from rules import RuleSet


class Trial(Frozen):
    """Rules and a programme to try on the events that happened from `since` until `until`."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    rules: RuleSet
    programme: Programme
    since: AwareDatetime
    until: AwareDatetime


class Order(Frozen):
    """The work of one process: which members, and under what. Plain, so that it can travel.

    `database_url` is empty where the process finds the database by its own settings.
    """

    documents: list[dict[str, Any]]
    programme: Programme
    since: AwareDatetime
    until: AwareDatetime
    members: list[list[UUID]] = Field(description="Members that share their fate, together.")
    database_url: SecretStr = SecretStr("")


@dataclass(slots=True)
class Figures:
    """Points, tier and messages of one side: as booked, or as simulated."""

    added: int = 0
    removed: int = 0
    tier: str = ""
    messages: int = 0

    @property
    def points(self) -> int:
        """Added less removed. Points that were spent or expired are no part of it."""
        return self.added - self.removed

    def book(self, points: int) -> None:
        """Counts one entry."""
        if points > 0:
            self.added += points
        else:
            self.removed -= points

    def add(self, other: Figures) -> None:
        """Counts another's sums; the tier is nobody's sum."""
        self.added += other.added
        self.removed += other.removed
        self.messages += other.messages


class MemberChange(BaseModel):
    """One member on both sides."""

    member_id: UUID
    actual: Figures = Field(default_factory=Figures)
    simulated: Figures = Field(default_factory=Figures)

    @property
    def difference(self) -> int:
        """Points more (or, negative, fewer) than were booked."""
        return self.simulated.points - self.actual.points

    @property
    def changes_tier(self) -> bool:
        """Whether the member would be in another tier at the end."""
        return self.actual.tier != self.simulated.tier

    @property
    def differs(self) -> bool:
        """Whether anything is otherwise."""
        return self.actual != self.simulated

    def document(self) -> dict[str, Any]:
        """For machines."""
        return {
            "member": str(self.member_id),
            "actual_points": self.actual.points,
            "simulated_points": self.simulated.points,
            "difference": self.difference,
            "tier": [self.actual.tier, self.simulated.tier],
            "messages": [self.actual.messages, self.simulated.messages],
        }


class Tally(BaseModel):
    """How often each thing came up, by rule, by limit, or by what is sent."""

    fired: dict[str, int] = {}
    points: dict[str, int] = {}
    sent: dict[str, int] = {}
    sent_actually: dict[str, int] = {}
    capped: dict[str, int] = {}
    withheld: dict[str, int] = {}
    errors: dict[str, int] = {}

    def add(self, other: Tally) -> None:
        """Counts another's as well."""
        for name in type(self).model_fields:
            mine = getattr(self, name)
            for key, count in getattr(other, name).items():
                mine[key] = mine.get(key, 0) + count

    def count(self, what: str, key: str, by: int = 1) -> None:
        """One more of something."""
        mine = getattr(self, what)
        mine[key] = mine.get(key, 0) + by


class Part(BaseModel):
    """What came of some of the members.

    Attributes:
        replayed: Events that were worked off in memory, those before the period included.
        unreadable: Events that could not be read any more: of people who were forgotten.
        rewards: Rewards of the catalogue that were asked for again.
        rewards_missed: How many of them the members could not have had under the trial.
        invitations: Invitations that paid again what they promised.
    """

    members: list[MemberChange] = []
    tally: Tally = Field(default_factory=Tally)
    events: int = 0
    replayed: int = 0
    unreadable: int = 0
    rewards: int = 0
    rewards_missed: int = 0
    invitations: int = 0


class Simulation(Frozen):
    """What rules would have done with a period, beside what was booked.

    Attributes:
        silent: Rules on trial that never fired.
        way: How the members were gone through, and why.
        members: Those for whom something is otherwise, the largest differences first.
    """

    version: str
    since: AwareDatetime
    until: AwareDatetime
    actual: Figures
    simulated: Figures
    touched: int
    tiers_changed: int
    members: tuple[MemberChange, ...]
    tally: Tally
    silent: tuple[str, ...]
    events: int
    replayed: int
    unreadable: int
    rewards: int
    rewards_missed: int
    invitations: int
    way: str
    seconds: float

    @property
    def actual_points(self) -> int:
        """Points booked in the period, less those taken back."""
        return self.actual.points

    @property
    def simulated_points(self) -> int:
        """Points that would have been booked, less those taken back."""
        return self.simulated.points

    @property
    def difference(self) -> int:
        """How many more points it would have been."""
        return self.simulated_points - self.actual_points

    def document(self, *, members: int = 100) -> dict[str, Any]:
        """For machines, with so many of the members."""
        plain = self.model_dump(mode="json", exclude={"members"})
        return plain | {
            "actual_points": self.actual_points,
            "simulated_points": self.simulated_points,
            "difference": self.difference,
            "members_changed": len(self.members),
            "members": [one.document() for one in self.members[:members]],
        }


def summed(trial: Trial, parts: Iterable[Part], *, way: str, seconds: float) -> Simulation:
    """All parts together."""
    actual, simulated, tally = Figures(), Figures(), Tally()
    members: list[MemberChange] = []
    parts = list(parts)
    touched = 0
    for part in parts:
        tally.add(part.tally)
        for one in part.members:
            touched += 1
            actual.add(one.actual)
            simulated.add(one.simulated)
            if one.differs:
                members.append(one)
    members.sort(key=lambda one: (-abs(one.difference), str(one.member_id)))
    silent = tuple(r.id for r in trial.rules.rules if r.enabled and not tally.fired.get(r.id))
    return Simulation(
        version=trial.rules.version,
        since=trial.since,
        until=trial.until,
        actual=actual,
        simulated=simulated,
        touched=touched,
        tiers_changed=sum(one.changes_tier for one in members),
        members=tuple(members),
        tally=tally,
        silent=silent,
        events=sum(one.events for one in parts),
        replayed=sum(one.replayed for one in parts),
        unreadable=sum(one.unreadable for one in parts),
        rewards=sum(one.rewards for one in parts),
        rewards_missed=sum(one.rewards_missed for one in parts),
        invitations=sum(one.invitations for one in parts),
        way=way,
        seconds=seconds,
    )
