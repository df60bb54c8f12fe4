"""Counters, milestones and tiers: what a member has come to by what was just booked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.terms import Terms
from flows.workset import Workset
from loyalty.events import Event, EventType, Milestone, TierChange
from loyalty.expiry import local_day
from loyalty.points import EntryKind, Posting
from loyalty.policies import MilestonePlan, TierPlan
from loyalty.standing import (
    EVER,
    Cause,
    Contributions,
    Reached,
    Share,
    Standing,
    appointed,
    level_named,
    lost_again,
    newly_reached,
    standing,
)
from loyalty.store import inbox, people
from loyalty.store import standing as stored
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed
from loyalty.store.people import Member
from rules.decision import TierMove

ENTRY = Decimal(0)
"""The mark under which a tier's entry bonus is kept, so that it comes once."""


class Counters(NamedTuple):
    """A member's counters, as milestones and tiers name them."""

    earned_points: Decimal
    spend: Decimal
    order_count: Decimal

    @classmethod
    def of(cls, member: Member) -> Counters:
        """The counters now."""
        return cls(
            Decimal(member.lifetime_points), member.lifetime_spend, Decimal(member.orders_count)
        )


class Progress:
    """Keeps counters, and says what came of them once an event is booked."""

    def __init__(self, terms: Terms, work: Workset) -> None:
        self.terms = terms
        self.work = work

    # --- counters

    def count_points(self, member: Member, points: int, *, kind: EntryKind, at: datetime) -> None:
        """Points that count towards tiers; negative where they were taken back."""
        member.lifetime_points += points
        member.is_changed = True
        gross = points if kind is EntryKind.EARN else 0
        self._contribute("earned_points", member, Decimal(points), Decimal(gross), at)

    def count_spend(self, member: Member, net: Decimal, gross: Decimal, *, at: datetime) -> None:
        """A change of what the member has spent: after refunds, and before."""
        if net or gross:
            member.lifetime_spend += net
            member.is_changed = True
            self._contribute("spend", member, net, gross, at)

    def count_order(self, member: Member, change: int, *, is_new: bool, at: datetime) -> None:
        """An order more or, given back whole, one less."""
        member.orders_count += change
        member.is_changed = True
        gross = Decimal(1 if is_new else 0)
        self._contribute("order_count", member, Decimal(change), gross, at)

    def _contribute(
        self, metric: str, member: Member, net: Decimal, gross: Decimal, at: datetime
    ) -> None:
        plan = self.terms.programme.tiers
        if plan is None or plan.metric != metric or plan.window == "lifetime":
            return
        days = self.work.contributions.setdefault(member.id, {})
        share = days.setdefault(local_day(at, self.terms.zone), Share())
        share.net += net
        share.gross += gross

    # --- what they come to

    def advance(
        self, item: Claimed, member: Member, before: Counters, move: TierMove | None = None
    ) -> None:
        """Milestones and tier, once the whole event is booked: on the way nothing is reached."""
        after = Counters.of(member)
        if after != before:
            for milestone in self.terms.programme.milestones:
                self._milestone(item, member, milestone, before=before, after=after)
        plan = self.terms.programme.tiers
        if plan is None:
            return
        change = getattr(after, plan.metric) - getattr(before, plan.metric)
        if change:
            cause: Cause = "gain" if change > 0 else "loss"
            self._stand(member, self._standing(plan, member, cause), item=item)
        if move is not None and move.tier != member.tier:
            found = appointed(plan, move.tier, now=self.terms.now, zone=self.terms.zone)
            self._stand(member, found, item=item)

    def pass_time(self) -> None:
        """Ends the tiers whose time is over, of all members of the working set.

        Where everybody has a tier from the beginning, those without one get it, silently.
        """
        plan = self.terms.programme.tiers
        if plan is None:
            return
        for member in self.work.members.values():
            if not member.tier and not plan.levels[0].at:
                member.tier, member.is_changed = plan.levels[0].name, True
            if member.tier_until is not None and member.tier_until <= self.terms.now:
                self._stand(member, self._standing(plan, member, "time"), item=None)

    def _standing(self, plan: TierPlan, member: Member, cause: Cause) -> Standing:
        contributions: Contributions = self.work.contributions.get(member.id, {})
        if plan.window == "lifetime":
            total = getattr(Counters.of(member), plan.metric)
            contributions = {EVER: Share(total, total)}
        return standing(
            plan,
            contributions,
            current=member.tier,
            cause=cause,
            now=self.terms.now,
            zone=self.terms.zone,
        )

    def _stand(self, member: Member, found: Standing, *, item: Claimed | None) -> None:
        ended_at = member.tier_until
        if found.until != member.tier_until:
            member.tier_until, member.is_changed = found.until, True
        if found.tier == member.tier:
            return
        at = item.event.time if item else ended_at or self.terms.now
        because = str(item.id) if item else at.isoformat()
        self.work.emitted.append(_tier_change(member, found.tier, because=because, at=at))
        plan = self.terms.programme.tiers
        assert plan is not None
        rises = level_named(plan, found.tier) > level_named(plan, member.tier)
        # The first level is where everybody begins: nobody entered it.
        is_entered = level_named(plan, found.tier) > 0 or bool(plan.levels[0].at)
        member.tier, member.tier_since, member.is_changed = found.tier, at, True
        if rises and is_entered and item is not None:
            self._welcome(item, member, plan)

    def _welcome(self, item: Claimed, member: Member, plan: TierPlan) -> None:
        level = plan.levels[level_named(plan, member.tier)]
        marks = self.work.marks(member, f"tier:{level.name}")
        if not level.entry_bonus or ENTRY in marks:
            return
        marks[ENTRY] = Reached(level.entry_bonus, 1)
        self.work.marked.add((member.id, f"tier:{level.name}", ENTRY))
        self._give(item, member, level.entry_bonus, rule=f"tier:{level.name}", mark="")

    def _milestone(
        self,
        item: Claimed,
        member: Member,
        plan: MilestonePlan,
        *,
        before: Counters,
        after: Counters,
    ) -> None:
        marks = self.work.marks(member, plan.id)
        was, is_now = getattr(before, plan.metric), getattr(after, plan.metric)
        for mark in newly_reached(plan, was, is_now, marks):
            one = marks.setdefault(mark, Reached())
            one.points, one.times, one.stands = plan.points, one.times + 1, True
            self.work.marked.add((member.id, plan.id, mark))
            # Points that were taken back and are given again bring no second message.
            if one.times == 1 or not plan.once:
                self.work.emitted.append(_milestone(item, member, plan.id, mark, one.times))
            if plan.points:
                self._give(item, member, plan.points, rule=f"milestone:{plan.id}", mark=mark)
        for mark in lost_again(plan, is_now, marks):
            marks[mark].stands = False
            self.work.marked.add((member.id, plan.id, mark))
            if marks[mark].points:
                posting = self._posting(item, f"milestone:{plan.id}", f"claw_back:{mark}")
                self.work.book(member).reverse(
                    marks[mark].points,
                    posting,
                    now=self.terms.now,
                    negative=self.terms.programme.refund.negative,
                    make_id=self.make_id,
                )

    def _give(
        self, item: Claimed, member: Member, points: int, *, rule: str, mark: Decimal | str
    ) -> None:
        book, at = self.work.book(member), item.event.time
        book.touch(at, "earn")
        book.earn(
            points,
            self._posting(item, rule, f"bonus:{mark}"),
            lot_id=self.make_id(),
            earned_at=at,
            available_at=at,
            expires_at=book.expiry_for(earned_at=at, available_at=at),
        )

    def _posting(self, item: Claimed, rule: str, verb: str) -> Posting:
        return Posting(
            key=f"{item.event.business_key}:{verb}:{rule}",
            event_id=item.id,
            occurred_at=item.event.time,
            posted_at=self.terms.now,
            entry_id=self.make_id(),
            rule=rule,
            version=self.terms.rules.version,
            origin_id=self.work.origin_of.get(item.id),
        )

    def make_id(self) -> UUID:
        """An identifier of this instant."""
        return new_id(self.terms.now)


@dataclass(frozen=True, slots=True)
class Ended:
    """What `due_standing` did: how many members it looked at, and what it emitted."""

    members: int
    emitted: Sequence[Event]


async def due_standing(connection: AsyncConnection, terms: Terms, *, limit: int = 500) -> Ended:
    """Ends the tiers whose time is over by `terms.now`, in this transaction.

    Call it, each time in a transaction of its own, until it looked at nobody. What became of
    the members is in the inbox as `tier.changed`; one that somebody works on at the moment is
    left to them, since whoever books for a member ends its tier first.
    """
    plan = terms.programme.tiers
    ids = await stored.due(connection, now=terms.now, limit=limit) if plan is not None else []
    if plan is None or not ids:
        return Ended(0, ())
    work = Workset(now=terms.now, members=await people.lock(connection, ids))
    work.contributions = await stored.contributions(
        connection, ids, plan, zone=terms.programme.zone, now=terms.now
    )
    Progress(terms, work).pass_time()
    await people.save(connection, list(work.members.values()), now=terms.now)
    await inbox.emit(connection, work.emitted, now=terms.now)
    return Ended(len(ids), tuple(work.emitted))


def _milestone(item: Claimed, member: Member, plan: str, mark: Decimal, times: int) -> Event:
    member_id = str(member.id)
    again = f":{times}" if times > 1 else ""
    return Event(
        type=EventType.MILESTONE_REACHED,
        store="hub",
        key=f"{member_id}:{plan}:{mark.normalize():f}{again}",
        time=item.event.time,
        subject=f"member:{member_id}",
        data=Milestone(member_id=member_id, milestone=plan, mark=int(mark)),
    )


def _tier_change(member: Member, after: str, *, because: str, at: datetime) -> Event:
    member_id = str(member.id)
    return Event(
        type=EventType.TIER_CHANGED,
        store="hub",
        key=f"{member_id}:{because}:{after or 'none'}",
        time=at,
        subject=f"member:{member_id}",
        data=TierChange(member_id=member_id, before=member.tier, after=after),
    )
