"""What booking an event comes to, whatever it is: decide, earn, count, plan, close.

The desks for people and for sales build on it. Everything happens on the working set in memory.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from flows.closings import done, refused
from flows.planning import Occasion, Planner
from flows.workset import Workset
from loyalty.eligibility import rate
from loyalty.events import Event, EventType, Milestone, Order, Payment, TierChange
from loyalty.facts import MemberFacts, Result
from loyalty.points import Posting
from loyalty.programme import Programme
from loyalty.sales import Sale
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member
from loyalty.texts import Texts
from rules import RuleSet, decide, effects
from rules.decision import Award, Decision
from rules.subjects import data_name


@dataclass(frozen=True)
class Terms:
    """Under what a batch is booked.

    Attributes:
        rules_of: Rule sets by version, for sales that were awarded under older ones.
    """

    programme: Programme
    rules: RuleSet
    texts: Texts
    planner: Planner
    now: datetime
    rules_of: Callable[[AsyncConnection, str], Awaitable[RuleSet]]
    older: dict[str, RuleSet] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """One event being booked: whom it concerns, what was known, what was decided.

    Attributes:
        facts: As known before the event; for a sale, as known when it was awarded.
        lifetime: The member's lifetime points before the event.
        sale: The sale that points are booked for; None for other events.
    """

    item: Claimed
    member: Member
    facts: MemberFacts
    decision: Decision
    lifetime: int
    sale: Sale | None = None


class Clerk:
    """Books events that need nothing special, and lends the desks what they share."""

    def __init__(self, terms: Terms, work: Workset) -> None:
        self.terms = terms
        self.work = work

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {EventType.REWARD_REDEEMED: self._redeemed}

    def occurred(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        if member is None:
            return done(item, None, "nobody is known whom this concerns")
        return self.apply(item, member)

    def _redeemed(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        if member is None:
            return refused(item, "nobody is known whom this concerns")
        facts = self.facts(member)
        case = Case(item, member, facts, self.decide(item.event, facts), member.lifetime_points)
        posting = self.posting(case, "", verb="redeem")
        spent = self.work.book(member).redeem(item.event.data.points, posting, now=self.terms.now)
        if spent is None:
            available = self.work.book(member).available(self.terms.now)
            return refused(
                item,
                f"not enough points: {item.event.data.points} asked for, {available} available",
            )
        return self.conclude(case, None)

    def apply(self, item: Claimed, member: Member) -> Closing:
        """Books what the rules award for the event itself, and plans what they ask for."""
        facts = self.facts(member)
        case = Case(item, member, facts, self.decide(item.event, facts), member.lifetime_points)
        for award in case.decision.awards:
            self.earn(case, award)
        return self.conclude(case, None)

    def decide(self, event: Event, facts: MemberFacts, data: Any = None) -> Decision:
        terms = self.terms
        return decide(event, facts, terms.programme, terms.rules, data=data, explain=False)

    def rated(self, data: Order | Payment) -> Any:
        if isinstance(data, Order):
            return rate(data, self.terms.programme.eligible)
        return data

    def facts(self, member: Member) -> MemberFacts:
        tier = self.terms.programme.tier_at(member.lifetime_points)
        return member.facts(
            available=self.work.book(member).available(self.terms.now),
            tier_factor=tier.factor if tier else Decimal(1),
        )

    def earn(self, case: Case, award: Award) -> None:
        posting = self.posting(case, award.rule, verb="earn", reason=award.arithmetic)
        self.work.book(case.member).earn(
            award.points,
            posting,
            lot_id=new_id(self.terms.now),
            available_at=min(case.item.event.time, self.terms.now),
        )
        if case.sale is not None:
            case.sale.awards[award.rule] = case.sale.awards.get(award.rule, 0) + award.points
        self.count(case.member, award.points)

    def posting(self, case: Case, rule: str, *, verb: str, reason: str = "") -> Posting:
        return Posting(
            key=f"{case.item.event.business_key}:{verb}:{rule}",
            event_id=case.item.id,
            occurred_at=case.item.event.time,
            posted_at=self.terms.now,
            entry_id=new_id(self.terms.now),
            sale=case.sale.key if case.sale else "",
            rule=rule,
            version=case.decision.version,
            reason=reason,
            snapshot={"tier": case.facts.tier, "factor": case.facts.tier_factor},
        )

    def count(self, member: Member, change: int) -> None:
        member.lifetime_points += change
        member.is_changed = True

    def advance(self, case: Case) -> None:
        """Milestones and tier, once the whole event is booked: on the way nothing is reached."""
        member = case.member
        if member.lifetime_points == case.lifetime:
            return
        self.cross(case, "lifetime_points", case.lifetime, member.lifetime_points)
        tier = self.terms.programme.tier_at(member.lifetime_points)
        name = tier.name if tier else ""
        if name != member.tier:
            self.work.emitted.append(_tier_change(case, name))
            member.tier = name

    def cross(self, case: Case, counter: str, before: int, after: int) -> None:
        for plan in self.terms.programme.milestones:
            if plan.counter == counter:
                for mark in plan.marks_between(before, after):
                    self.work.emitted.append(_milestone(case, plan.id, mark))

    def conclude(self, case: Case, data: Any) -> Closing:
        """Plans what the rules ask for, now that the books are written, and closes the event."""
        item, member, terms = case.item, case.member, self.terms
        self.advance(case)
        entries = [e for e in self.work.book(member).entries if e.posting.event_id == item.id]
        result = Result(
            points=sum(entry.points for entry in entries),
            balance=self.work.book(member).available(terms.now),
            lifetime_points=member.lifetime_points,
            tier=member.tier,
        )
        planned = effects(
            case.decision, item.event, case.facts, result, terms.programme, terms.rules, data=data
        )
        occasion = Occasion(
            event=item.event,
            event_id=item.id,
            member=member,
            result=result,
            data_name=data_name(item.event.type),
            consents=self.work.consents,
        )
        for effect in planned.effects:
            self.work.deliveries.append(terms.planner.plan(occasion, effect))
        outcome = {
            "version": case.decision.version,
            "facts": case.facts,
            "points": result.points,
            "balance": result.balance,
            "entries": [[e.posting.rule, e.points, e.posting.reason] for e in entries],
            "fired": case.decision.fired,
            "errors": [*case.decision.errors, *planned.errors],
        }
        return done(item, member, outcome=outcome)


def _milestone(case: Case, plan: str, mark: int) -> Event:
    member_id = str(case.member.id)
    return Event(
        type=EventType.MILESTONE_REACHED,
        store="hub",
        key=f"{member_id}:{plan}:{mark}",
        time=case.item.event.time,
        subject=f"member:{member_id}",
        data=Milestone(member_id=member_id, milestone=plan, mark=mark),
    )


def _tier_change(case: Case, after: str) -> Event:
    member_id = str(case.member.id)
    return Event(
        type=EventType.TIER_CHANGED,
        store="hub",
        key=f"{member_id}:{case.item.id}:{after or 'none'}",
        time=case.item.event.time,
        subject=f"member:{member_id}",
        data=TierChange(member_id=member_id, before=case.member.tier, after=after),
    )
