"""Books a batch of events: decides, posts, plans, all in the transaction that claimed them.

No Prefect here: the flows call it, and so do tests and tools. Handlers work on the working set
in memory, in order of arrival; what they did is written by `workset.flush`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from flows import workset
from flows.planning import Occasion, Planner
from flows.workset import CONTACT, Workset, address_in, sale_of
from loyalty.contacts import normal_email, normal_phone
from loyalty.eligibility import rate
from loyalty.events import (
    Channel,
    ConsentState,
    Customer,
    Event,
    EventType,
    InboundMessage,
    Milestone,
    Order,
    Payment,
    TierChange,
)
from loyalty.facts import MemberFacts, Result
from loyalty.points import Posting
from loyalty.programme import Programme
from loyalty.sales import Sale, sale_key
from loyalty.store import deliveries, inbox
from loyalty.store.deliveries import Delivery
from loyalty.store.ids import new_id
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import ConsentNote, Member
from loyalty.texts import Texts
from rules import RuleSet, decide, effects
from rules.decision import Award, Decision
from rules.subjects import data_name

STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit"})
START_WORDS = frozenset({"start", "unstop", "yes"})


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


@dataclass(frozen=True)
class Booked:
    """What became of a batch: how each event ended, and the deliveries that are new."""

    items: Sequence[Claimed]
    closings: Sequence[Closing]
    deliveries: Sequence[Delivery]
    emitted: Sequence[Event]


async def book(
    connection: AsyncConnection, items: Sequence[Claimed], terms: Terms, *, run_id: UUID | None
) -> Booked:
    """Works off claimed events in this transaction and closes them."""
    work = await workset.load(connection, items, terms.now)
    for sale in work.sales.values():
        if sale.version not in terms.older:
            terms.older[sale.version] = await terms.rules_of(connection, sale.version)
    clerk = Clerk(terms, work)
    closings = [clerk.handle(item) for item in items]
    await workset.flush(connection, work)
    new = await deliveries.plan(connection, work.deliveries)
    await workset.close(connection, work, items, closings, run_id=run_id)
    subjects = [item.event.subject for item in items]
    await inbox.ring_followers(connection, subjects, trigger=items[0].event.trigger)
    return Booked(items, closings, new, tuple(work.emitted))


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
    """Handles one event after the other on the working set."""

    def __init__(self, terms: Terms, work: Workset) -> None:
        self.terms = terms
        self.work = work
        self._handlers: Mapping[EventType, Callable[[Claimed], Closing]] = {
            EventType.CUSTOMER_CREATED: self._signed_up,
            EventType.CUSTOMER_UPDATED: self._updated,
            EventType.CUSTOMER_OPTED_IN: self._updated,
            EventType.ORDER_PAID: self._sold,
            EventType.PAYMENT_COMPLETED: self._sold,
            EventType.ORDER_EDITED: self._edited,
            EventType.ORDER_CANCELLED: self._cancelled,
            EventType.ORDER_REFUNDED: self._refunded,
            EventType.REWARD_REDEEMED: self._redeemed,
            EventType.MESSAGE_BOUNCED: self._reported,
            EventType.MESSAGE_UNSUBSCRIBED: self._reported,
            EventType.SMS_RECEIVED: self._heard,
        }

    def handle(self, item: Claimed) -> Closing:
        """Does what the event's type asks for; by default, what the rules say."""
        return self._handlers.get(item.event.type, self._occurred)(item)

    # --- people ------------------------------------------------------------------------------

    def _signed_up(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        if member is None:
            return _refused(item, "the customer has no id, e-mail or telephone number")
        self._learn(item, member, item.event.data)
        elsewhere = self.work.signed_up.get(member.id)
        if elsewhere:
            return _done(item, member, f"already signed up at {elsewhere}: kept as an update")
        self.work.signed_up[member.id] = item.event.store
        return self._apply(item, member)

    def _updated(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        if member is None:
            return _refused(item, "the customer has no id, e-mail or telephone number")
        self._learn(item, member, item.event.data)
        return self._apply(item, member)

    def _learn(self, item: Claimed, member: Member, customer: Customer) -> None:
        member.learn(customer)
        if member.state != "enrolled":
            member.state, member.is_changed = "enrolled", True
        opts_in = item.event.type is EventType.CUSTOMER_OPTED_IN
        store = item.event.store
        for channel, state in customer.consents.items():
            address = _address(channel, customer)
            if address is None:
                continue
            about = (channel.value, address)
            if opts_in or self.work.words.is_news(about, store=store, state=state):
                self._note(item, member, channel, address=address, state=state)

    def _note(
        self, item: Claimed, member: Member, channel: Channel, *, address: str, state: ConsentState
    ) -> None:
        source = f"{item.event.store} {item.event.type.value}"
        note = ConsentNote(member.id, channel, address, state, source, item.event.time)
        self.work.note(note)

    def _reported(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        report = item.event.data
        if item.event.type is EventType.MESSAGE_BOUNCED and not report.permanent:
            return _done(item, member, "a temporary bounce: noted")
        address = address_in(item.event)
        if member is None:
            return _waits_for_person(item, address, "nobody is known under this address yet")
        self._note(item, member, report.channel, address=address, state=ConsentState.WITHDRAWN)
        return self._apply(item, member)

    def _heard(self, item: Claimed) -> Closing:
        message: InboundMessage = item.event.data
        member = self.work.member(item)
        word = message.body.strip().strip(".!").lower()
        address = address_in(item.event)
        if member is None:
            if word in STOP_WORDS:
                return _waits_for_person(item, address, "nobody is known under this number yet")
            return _done(item, None, "nobody is known under this number")
        if word in STOP_WORDS | START_WORDS:
            state = ConsentState.WITHDRAWN if word in STOP_WORDS else ConsentState.GRANTED
            self._note(item, member, message.channel, address=address, state=state)
        return self._apply(item, member)

    # --- sales -------------------------------------------------------------------------------

    def _sold(self, item: Claimed) -> Closing:
        event = item.event
        order_id = sale_of(event)
        assert order_id is not None
        known = self.work.sales.get((event.store, order_id))
        if known is not None and known.kind == "payment" and isinstance(event.data, Order):
            return self._taken_over(item, known, event.data)
        if known is not None:
            return _done(item, self.work.member(item), "the sale is in the books already")
        member = self.work.member(item)
        if member is None:
            return self._nobody(item)
        facts = self._facts(member)
        data = self._rated(event.data)
        decision = self._decide(event, facts, data)
        sale = self._open(event, order_id, facts, member=member, version=decision.version)
        case = Case(item, member, facts, decision, member.lifetime_points, sale)
        member.orders_count += 1
        self._cross(case, "orders_count", member.orders_count - 1, member.orders_count)
        self._spend(member, sale, _worth(event.data))
        for award in decision.awards:
            self._earn(case, award)
        return self._conclude(case, data)

    def _open(
        self, event: Event, order_id: str, facts: MemberFacts, *, member: Member, version: str
    ) -> Sale:
        sale = Sale(
            store=event.store,
            order_id=order_id,
            member_id=member.id,
            kind="order" if isinstance(event.data, Order) else "payment",
            data=event.data,
            occurred_at=event.time,
            version=version,
            facts=facts,
            revision=getattr(event.data, "revision", None),
            is_new=True,
        )
        self.work.sales[(event.store, order_id)] = sale
        self.work.released.append(f"sale:{sale.key}")
        return sale

    def _nobody(self, item: Claimed) -> Closing:
        customer = item.event.data.customer
        address = None
        if customer is not None:
            address = normal_email(customer.email) or normal_phone(customer.phone, customer.country)
        if address is None:
            return _refused(item, "nobody to credit: the sale names no customer")
        return _waits_for_person(item, address, "a guest's sale")

    def _taken_over(self, item: Claimed, sale: Sale, order: Order) -> Closing:
        """The order of a payment that was in the books before it: from now on it earns."""
        sale.kind, sale.data, sale.revision = "order", order, order.revision
        return self._resettle(item, sale)

    def _edited(self, item: Claimed) -> Closing:
        order: Order = item.event.data
        sale = self._sale(item)
        if sale is None:
            return _waits_for_sale(item)
        if order.revision is None or (sale.revision and order.revision <= sale.revision):
            return _done(item, self.work.member(item), "not newer than what is in the books")
        sale.revision = order.revision
        sale.is_changed = True
        if _same_goods(order, sale.data):
            return _done(item, self.work.member(item), "nothing changed that counts")
        sale.kind, sale.data = "order", order
        return self._resettle(item, sale)

    def _cancelled(self, item: Claimed) -> Closing:
        sale = self._sale(item)
        if sale is None:
            return _waits_for_sale(item)
        if sale.is_cancelled:
            return _done(item, self.work.member(item), "the sale was cancelled already")
        sale.is_cancelled = True
        member = self.work.members[sale.member_id]
        member.orders_count = max(member.orders_count - 1, 0)
        return self._resettle(item, sale)

    def _refunded(self, item: Claimed) -> Closing:
        sale = self._sale(item)
        if sale is None:
            return _waits_for_sale(item)
        if sale.has_refund(item.event.data.id):
            return _done(item, self.work.member(item), "this refund is in the books already")
        given, sold = item.event.data.currency.upper(), sale.data.currency.upper()
        if given != sold:
            return _refused(item, f"the refund is in {given} and the sale in {sold}")
        sale.refunds.append(item.event.data)
        return self._resettle(item, sale)

    def _sale(self, item: Claimed) -> Sale | None:
        order_id = sale_of(item.event)
        return self.work.sales.get((item.event.store, order_id or ""))

    def _resettle(self, item: Claimed, sale: Sale) -> Closing:
        """Makes the sale worth what its remainder earns, under the rules it was awarded by."""
        sale.is_changed = True
        member = self.work.members[sale.member_id]
        rest = sale.remaining()
        before = member.lifetime_points
        case = Case(item, member, sale.facts, self._redecide(sale, rest), before, sale)
        target = {award.rule: award for award in case.decision.awards}
        for rule in sorted(set(sale.awards) | set(target)):
            self._correct(case, sale, rule, target.get(rule))
        self._spend(member, sale, _worth(rest))
        facts = self._facts(member)
        decision = self._decide(item.event, facts)
        return self._conclude(Case(item, member, facts, decision, before), None)

    def _redecide(self, sale: Sale, rest: Order | Payment | None) -> Decision:
        if rest is None:
            return Decision(version=sale.version)
        kind = EventType.ORDER_PAID if sale.kind == "order" else EventType.PAYMENT_COMPLETED
        event = Event.model_construct(
            type=kind,
            store=sale.store,
            key=sale.order_id,
            time=sale.occurred_at,
            subject=sale.key,
            data=rest,
        )
        rules = self.terms.older.get(sale.version, self.terms.rules)
        return decide(
            event,
            sale.facts,
            self.terms.programme,
            rules,
            data=self._rated(rest),
            explain=False,
        )

    def _correct(self, case: Case, sale: Sale, rule: str, target: Award | None) -> None:
        change = (target.points if target else 0) - sale.awards.get(rule, 0)
        may_grow = case.item.event.type in (EventType.ORDER_EDITED, EventType.ORDER_PAID)
        if change > 0 and target is not None and may_grow:
            self._earn(case, target.model_copy(update={"points": change}))
        elif change < 0:
            posting = self._posting(case, rule, verb="reverse")
            self.work.book(case.member).reverse(-change, posting, now=self.terms.now)
            sale.awards[rule] += change
            self._count(case.member, change)

    def _spend(self, member: Member, sale: Sale, spend: Decimal) -> None:
        member.lifetime_spend += spend - sale.spend
        member.is_changed = True
        sale.spend = spend

    # --- everything else ---------------------------------------------------------------------

    def _occurred(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        if member is None:
            return _done(item, None, "nobody is known whom this concerns")
        return self._apply(item, member)

    def _redeemed(self, item: Claimed) -> Closing:
        member = self.work.member(item)
        if member is None:
            return _refused(item, "nobody is known whom this concerns")
        facts = self._facts(member)
        case = Case(item, member, facts, self._decide(item.event, facts), member.lifetime_points)
        posting = self._posting(case, "", verb="redeem")
        spent = self.work.book(member).redeem(item.event.data.points, posting, now=self.terms.now)
        if spent is None:
            available = self.work.book(member).available(self.terms.now)
            return _refused(
                item,
                f"not enough points: {item.event.data.points} asked for, {available} available",
            )
        return self._conclude(case, None)

    def _apply(self, item: Claimed, member: Member) -> Closing:
        """Books what the rules award for the event itself, and plans what they ask for."""
        facts = self._facts(member)
        case = Case(item, member, facts, self._decide(item.event, facts), member.lifetime_points)
        for award in case.decision.awards:
            self._earn(case, award)
        return self._conclude(case, None)

    def _decide(self, event: Event, facts: MemberFacts, data: Any = None) -> Decision:
        terms = self.terms
        return decide(event, facts, terms.programme, terms.rules, data=data, explain=False)

    def _rated(self, data: Order | Payment) -> Any:
        if isinstance(data, Order):
            return rate(data, self.terms.programme.eligible)
        return data

    def _facts(self, member: Member) -> MemberFacts:
        tier = self.terms.programme.tier_at(member.lifetime_points)
        return member.facts(
            available=self.work.book(member).available(self.terms.now),
            tier_factor=tier.factor if tier else Decimal(1),
        )

    def _earn(self, case: Case, award: Award) -> None:
        posting = self._posting(case, award.rule, verb="earn", reason=award.arithmetic)
        self.work.book(case.member).earn(
            award.points,
            posting,
            lot_id=new_id(self.terms.now),
            available_at=min(case.item.event.time, self.terms.now),
        )
        if case.sale is not None:
            case.sale.awards[award.rule] = case.sale.awards.get(award.rule, 0) + award.points
        self._count(case.member, award.points)

    def _posting(self, case: Case, rule: str, *, verb: str, reason: str = "") -> Posting:
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

    def _count(self, member: Member, change: int) -> None:
        member.lifetime_points += change
        member.is_changed = True

    def _advance(self, case: Case) -> None:
        """Milestones and tier, once the whole event is booked: on the way nothing is reached."""
        member = case.member
        if member.lifetime_points == case.lifetime:
            return
        self._cross(case, "lifetime_points", case.lifetime, member.lifetime_points)
        tier = self.terms.programme.tier_at(member.lifetime_points)
        name = tier.name if tier else ""
        if name != member.tier:
            self.work.emitted.append(_tier_change(case, name))
            member.tier = name

    def _cross(self, case: Case, counter: str, before: int, after: int) -> None:
        for plan in self.terms.programme.milestones:
            if plan.counter == counter:
                for mark in plan.marks_between(before, after):
                    self.work.emitted.append(_milestone(case, plan.id, mark))

    def _conclude(self, case: Case, data: Any) -> Closing:
        """Plans what the rules ask for, now that the books are written, and closes the event."""
        item, member, terms = case.item, case.member, self.terms
        self._advance(case)
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
        return _done(item, member, outcome=outcome)


def _done(
    item: Claimed,
    member: Member | None,
    reason: str = "",
    *,
    outcome: Mapping[str, Any] | None = None,
) -> Closing:
    return Closing(
        item.id,
        "done",
        reason=reason,
        member_id=member.id if member else None,
        outcome=outcome,
        attempts=item.attempts + 1,
    )


def _refused(item: Claimed, reason: str) -> Closing:
    return Closing(item.id, "refused", reason=reason, attempts=item.attempts + 1)


def _waits_for_sale(item: Claimed) -> Closing:
    key = sale_key(item.event.store, sale_of(item.event) or "")
    return Closing(
        item.id,
        "parked",
        reason="the sale is not in the books yet: it goes on when the sale arrives",
        waits_for=f"sale:{key}",
    )


def _waits_for_person(item: Claimed, address: str, what: str) -> Closing:
    return Closing(
        item.id,
        "parked",
        reason=f"{what}: it counts once somebody signs up with this address",
        waits_for=CONTACT + address,
    )


def _address(channel: Channel, customer: Customer) -> str | None:
    if channel is Channel.EMAIL:
        return normal_email(customer.email)
    return normal_phone(customer.phone, customer.country)


def _worth(data: Order | Payment | None) -> Decimal:
    if data is None:
        return Decimal(0)
    return data.total if isinstance(data, Order) else data.amount


def _same_goods(new: Order, known: Order | Payment) -> bool:
    fields = ("lines", "discount", "total", "shipping", "tax", "tip", "tenders", "currency")
    return isinstance(known, Order) and all(getattr(new, f) == getattr(known, f) for f in fields)


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
