"""Under what a batch is booked: programme and rules, those in force and those of older sales."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.planning import Planner
from flows.workset import Workset
from loyalty.events import EventType
from loyalty.limits import Counter, bucket_of, counter_of_cap
from loyalty.occasions import zone_of
from loyalty.programme import Programme
from loyalty.sales import Sale
from loyalty.store.hooks_out import Hooks
from loyalty.store.inbox import Claimed
from loyalty.store.people import Member
from loyalty.texts import Texts
from rules import RuleSet
from rules.decision import AppliedLimit

NO_RULES = RuleSet.load([])
"""What a sale was awarded under that is in the books and earns nothing."""

_SELLS = (EventType.ORDER_PAID, EventType.PAYMENT_COMPLETED)


@dataclass(frozen=True)
class Terms:
    """Under what a batch is booked.

    Attributes:
        rules_of: Rule sets by version, for sales that were awarded under older ones.
        programme_of: Programmes by version, likewise.
        older: Rule sets that were fetched so far; shared by all batches of a process.
        older_programmes: The same for programmes.
        hooks: Who subscribed which events.
        expiry_since: When the present expiry came into force; None for always.
        remembers: Whether outcomes say all that is kept for good, and why each rule came out as
            it did; a simulation, which keeps none, only needs what fired, failed or was limited.
    """

    programme: Programme
    rules: RuleSet
    texts: Texts
    planner: Planner
    now: datetime
    rules_of: Callable[[AsyncConnection, str], Awaitable[RuleSet]]
    programme_of: Callable[[AsyncConnection, str], Awaitable[Programme]]
    older: dict[str, RuleSet] = field(default_factory=dict)
    older_programmes: dict[str, Programme] = field(default_factory=dict)
    expiry_since: datetime | None = None
    hooks: Hooks = field(default_factory=dict)
    remembers: bool = True

    @cached_property
    def programme_version(self) -> str:
        """The version of the programme in force; reckoned once."""
        return self.programme.version

    @cached_property
    def zone(self) -> ZoneInfo:
        """The programme's time zone."""
        return zone_of(self.programme.zone, "UTC")

    def for_later(self) -> Terms:
        """The same where nobody stands by to send: what is planned waits for `deliver`."""
        return replace(self, planner=replace(self.planner, owner=""))

    def rules_for(self, sale: Sale) -> RuleSet:
        """The rules that a sale was awarded under."""
        if not sale.version:
            return NO_RULES
        return self.rules if sale.version == self.rules.version else self.older[sale.version]

    def programme_for(self, sale: Sale) -> Programme:
        """The programme that a sale was awarded under."""
        if sale.programme in ("", self.programme_version):
            return self.programme
        return self.older_programmes[sale.programme]

    async def fetch_older(self, connection: AsyncConnection, sales: Iterable[Sale]) -> None:
        """Makes sure that what these sales were awarded under is at hand."""
        for sale in sales:
            version, programme = sale.version, sale.programme
            if version and version != self.rules.version and version not in self.older:
                self.older[version] = await self.rules_of(connection, version)
            if programme in ("", self.programme_version) or programme in self.older_programmes:
                continue
            self.older_programmes[programme] = await self.programme_of(connection, programme)

    def counters(self, items: Sequence[Claimed], work: Workset) -> Iterator[Counter]:
        """The counters of caps and limits that booking these events may touch."""
        for item in items:
            member = work.member(item)
            if member is None:
                continue
            event = item.event
            yield from self._of_rules(self.rules, event.type, member, event.time)
            if event.type in _SELLS:
                yield from self.caps_of(self.programme, member, event.time)
        for sale in work.sales.values():
            member = work.holder(sale.member_id)
            yield from (room.counter for room in sale.rooms)
            yield from self.caps_of(self.programme_for(sale), member, sale.occurred_at)
            for kind in _SELLS:
                yield from self._of_rules(self.rules_for(sale), kind, member, sale.occurred_at)

    def caps_of(self, programme: Programme, member: Member, at: datetime) -> Iterator[Counter]:
        """The counters of a programme's caps for a member's order at an instant."""
        for cap in programme.caps:
            yield counter_of_cap(
                cap, member.id, at=at, zone=member.zone, programme_zone=programme.zone
            )

    def _of_rules(
        self, rules: RuleSet, kind: EventType, member: Member, at: datetime
    ) -> Iterator[Counter]:
        for rule in rules.listening(kind):
            for limit in rule.document.limits:
                applied = limit.applied(
                    rule.id,
                    unit_scale=self.programme.unit_scale,
                    programme=self.programme.zone,
                    member=member.zone,
                )
                yield counter_of(applied, member, at)


def counter_of(limit: AppliedLimit, member: Member, at: datetime) -> Counter:
    """The counter that a rule's limit is held against."""
    whose = str(member.id) if limit.per == "member" else ""
    return Counter(limit.key, whose, bucket_of(limit.every, limit.zone, at))
