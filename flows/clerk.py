"""What booking an event comes to, whatever it is: decide, award, count, plan, close.

The desks build on it. Everything happens on the working set in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from flows.closings import done
from flows.digests import collected, collects
from flows.planning import Occasion
from flows.progress import Counters, Progress
from flows.terms import Terms, counter_of
from flows.workset import Workset
from loyalty.eligibility import rate
from loyalty.events import Event, EventType, Order, Payment, made
from loyalty.facts import MemberFacts, Result
from loyalty.limits import CAP, Room, grant
from loyalty.points import Entry, EntryKind, Posting
from loyalty.sales import Sale
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member
from rules import decide, effects
from rules.decision import AppliedLimit, Award, Decision, EffectKind
from rules.subjects import data_name

__all__ = ["Case", "Clerk", "Terms"]


@dataclass(frozen=True, slots=True)
class Case:
    """One event being booked: whom it concerns, what was known, what was decided.

    Attributes:
        facts: As known before the event; for a sale, as known when it was awarded.
        before: The member's counters before the event.
        origin: The account that the event named, before merges were followed.
        sale: The sale that points are booked for; None for other events.
        bitten: Limits that granted less than was wanted.
        withheld: Rules whose actions are not done, since a limit granted them nothing.
        alerts: What somebody should look at.
        extra: What else the outcome says of the event.
    """

    item: Claimed
    member: Member
    facts: MemberFacts
    decision: Decision
    before: Counters
    origin: UUID
    sale: Sale | None = None
    bitten: list[dict[str, Any]] = field(default_factory=list)
    withheld: set[str] = field(default_factory=set)
    alerts: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)


class Clerk:
    """Books events that need nothing special, and lends the desks what they share."""

    def __init__(self, terms: Terms, work: Workset) -> None:
        self.terms = terms
        self.work = work
        self.progress = Progress(terms, work)

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how; those of no desk just `occurred`."""
        return {}

    def occurred(self, item: Claimed) -> Closing:
        """What the rules say of an event that needs nothing else."""
        member = self.work.member(item)
        if member is None:
            return done(item, None, "nobody is known whom this concerns")
        return self.apply(item, member)

    def apply(self, item: Claimed, member: Member, *, data: Any = None) -> Closing:
        """Books what the rules award for the event itself, and plans what they ask for."""
        return self.close_case(self.case(item, member, data=data), data)

    def close_case(
        self, case: Case, data: Any = None, *, reason: str = "", alerts: Sequence[str] = ()
    ) -> Closing:
        """Books what the rules award besides what the desk has booked, and closes the event."""
        self.award(case)
        return self.conclude(case, data, reason=reason, alerts=alerts)

    def case(
        self,
        item: Claimed,
        member: Member,
        *,
        data: Any = None,
        facts: MemberFacts | None = None,
        before: Counters | None = None,
    ) -> Case:
        """Opens the case of an event: what is known now, and what the rules in force decide."""
        facts = facts or self.facts(member)
        decision = self.decide(item.event, facts, data)
        origin = self.work.origin_of.get(item.id, member.id)
        return Case(item, member, facts, decision, before or Counters.of(member), origin)

    def decide(self, event: Event, facts: MemberFacts, data: Any = None) -> Decision:
        """The decision of the rules in force."""
        terms = self.terms
        return decide(
            event,
            facts,
            terms.programme,
            terms.rules,
            data=data,
            explain=False,
            remember=terms.remembers,
        )

    def rated(self, data: Order | Payment, fx_rate: Decimal) -> Any:
        """The sale as rules see it, under the programme in force."""
        return rate(data, self.terms.programme, fx_rate)

    def facts(self, member: Member) -> MemberFacts:
        """What the rules may know of a member now."""
        balance = self.work.book(member).balance(self.terms.now)
        return member.facts(
            available=balance.available,
            pending=balance.pending,
            tier_factor=self.terms.programme.factor_of(member.tier),
        )

    # --- awards of the event itself

    def award(self, case: Case, *, without: Iterable[str] = ()) -> None:
        """Books what the rules award for an event that is no sale, as far as limits allow.

        Args:
            without: Rules that are booked otherwise.
        """
        left_out = frozenset(without)
        for award in case.decision.awards:
            if award.rule not in left_out:
                rooms = self.rooms(case, award.rule, award.limits, case.item.event.time)
                granted, by = grant(award.points, rooms)
                self.use(case, award, rooms, granted=granted, by=by)
                self._enter(case, award, granted)
        self.count_uses(case)

    def count_uses(self, case: Case) -> None:
        """Counts rules that award no points and may fire only so often."""
        for use in case.decision.uses:
            rooms = self.rooms(case, use.rule, use.limits, case.item.event.time)
            granted, by = grant(1, rooms)
            for room in rooms:
                self.work.meters.settle(room, granted)
            if not granted:
                self._withhold(case, use.rule, wanted=1, granted=0, by=by)

    def rooms(
        self, case: Case, rule: str, limits: Sequence[AppliedLimit], at: datetime
    ) -> list[Room]:
        """What the limits of a rule have left, in the periods of an instant."""
        found = []
        for limit in limits:
            counter = counter_of(limit, case.member, at)
            left = self.work.meters.left(counter, limit.kind, limit.amount)
            found.append(Room(counter, rule, limit.kind, limit.amount, left, limit.on_short))
        return found

    def use(
        self, case: Case, award: Award, rooms: Sequence[Room], *, granted: int, by: str
    ) -> None:
        """Counts what was granted, and notes where it was less than was wanted."""
        for room in rooms:
            self.work.meters.settle(room, granted)
        if by:
            self._withhold(case, award.rule, wanted=award.points, granted=granted, by=by)

    def _withhold(self, case: Case, rule: str, *, wanted: int, granted: int, by: str) -> None:
        case.bitten.append({"rule": rule, "wanted": wanted, "granted": granted, "capped_by": by})
        # A cap on points says nothing about the rule; what is new is not done for a refund.
        is_award = case.sale is None or case.sale.is_new
        if not granted and is_award and not by.startswith(CAP):
            case.withheld.add(rule)

    def _enter(self, case: Case, award: Award, granted: int) -> None:
        posting = self.posting(case, award.rule, verb="award", reason=award.arithmetic)
        if granted > 0:
            self.earn(case, granted, posting, earned_at=case.item.event.time)
        elif granted < 0:
            book = self.work.book(case.member)
            book.deduct(-granted, posting, now=self.terms.now, negative="clamp")

    def earn(
        self,
        case: Case,
        points: int,
        posting: Posting,
        *,
        earned_at: datetime,
        pending_days: int = 0,
        kind: EntryKind = EntryKind.EARN,
    ) -> None:
        """Books points as a lot with the days that the programme gives it.

        Args:
            earned_at: When the sale (or whatever earns them) took place.
            pending_days: They can be spent so many days of 24 hours later.
        """
        book = self.work.book(case.member)
        available_at = earned_at + timedelta(days=pending_days)
        book.touch(earned_at, "earn")
        book.earn(
            points,
            posting,
            lot_id=new_id(self.terms.now),
            earned_at=earned_at,
            available_at=available_at,
            expires_at=book.expiry_for(earned_at=earned_at, available_at=available_at),
            kind=kind,
        )
        if posting.counts_at is not None:
            self.progress.count_points(case.member, points, kind=kind, at=posting.counts_at)

    def posting(
        self,
        case: Case,
        rule: str,
        *,
        verb: str,
        reason: str = "",
        counts_at: datetime | None = None,
    ) -> Posting:
        """What an entry of this case says of itself; what an event awards counts for tiers."""
        if counts_at is None and verb == "award":
            counts_at = case.item.event.time
        return Posting(
            key=f"{case.item.event.business_key}:{verb}:{rule}",
            event_id=case.item.id,
            occurred_at=case.item.event.time,
            posted_at=self.terms.now,
            entry_id=new_id(self.terms.now),
            sale=case.sale.key if case.sale else "",
            rule=rule,
            version=case.sale.version if case.sale else case.decision.version,
            reason=reason,
            snapshot=self._snapshot(case, rule),
            origin_id=case.origin,
            counts_at=counts_at,
        )

    def _snapshot(self, case: Case, rule: str) -> dict[str, Any]:
        sale, facts = case.sale, case.facts
        kept: dict[str, Any] = {
            "tier": facts.tier,
            "factor": facts.tier_factor,
            "programme": self.terms.programme_version,
        }
        bitten = [one for one in case.bitten if one["rule"] == rule]
        if bitten:
            kept["limits"] = bitten
        if sale is not None:
            kept["programme"] = sale.programme
            if sale.fx_rate != 1:
                kept["fx_rate"] = sale.fx_rate
        return kept

    # --- the end of it

    def conclude(
        self,
        case: Case,
        data: Any = None,
        *,
        code: str = "",
        reason: str = "",
        alerts: Sequence[str] = (),
    ) -> Closing:
        """Plans what the rules ask for, now that the books are written, and closes the event.

        Args:
            data: The event's data as rules see it, where it is not the event's own.
            alerts: What somebody should look at, besides what the case says.
        """
        item, member, terms = case.item, case.member, self.terms
        self.progress.advance(case.item, member, case.before, case.decision.set_tier)
        book = self.work.book(member)
        entries = [e for e in book.entries if e.posting.event_id == item.id]
        result = made(
            Result,
            points=sum(entry.points for entry in entries),
            balance=book.available(terms.now),
            lifetime_points=member.lifetime_points,
            tier=member.tier,
        )
        errors = self._plan(case, data, result)
        decision = case.decision
        outcome = {
            "code": code,
            "fired": decision.fired,
            "limits": case.bitten,
            "errors": [*decision.errors, *errors],
        }
        if terms.remembers:
            outcome |= self._remembered(case, result, entries)
            outcome |= {"alerts": [*case.alerts, *alerts], **case.extra}
        return done(item, member, reason, code=code, outcome=outcome)

    def _remembered(self, case: Case, result: Result, entries: Sequence[Entry]) -> dict[str, Any]:
        """What is kept for good, to explain and reverse the event years later."""
        decision = case.decision
        return {
            "version": decision.version,
            "programme": self.terms.programme_version,
            "facts": case.facts,
            "points": result.points,
            "balance": result.balance,
            "tier": result.tier,
            "entries": [[e.posting.rule, e.points, e.posting.reason] for e in entries],
            "kinds": [e.kind.value for e in entries],
            "verdicts": [verdict.plain() for verdict in decision.verdicts],
            "left_out": [one.model_dump(mode="json") for one in decision.left_out],
            "withheld": sorted(case.withheld),
        }

    def _plan(self, case: Case, data: Any, result: Result) -> Sequence[str]:
        item, terms = case.item, self.terms
        planned = effects(
            case.decision, item.event, case.facts, result, terms.programme, terms.rules, data=data
        )
        occasion = Occasion(
            event=item.event,
            event_id=item.id,
            member=case.member,
            result=result,
            data_name=data_name(item.event.type),
            known=self.work.known,
        )
        for effect in planned.effects:
            if effect.rule in case.withheld:
                continue
            if effect.kind is EffectKind.EMIT_EVENT:
                case.extra.setdefault("announced", []).append([effect.name, effect.values])
            elif collects(effect, item.event, terms):
                news = collected(effect, case.member, event_id=item.id, sale=case.sale, terms=terms)
                self.work.collected.append(news)
            else:
                self.work.deliveries.append(terms.planner.plan(occasion, effect))
        return planned.errors
