"""Books sales over their life: paid, edited, cancelled, refunded.

A change makes the sale worth what its remainder earns under the rules of the award; the
difference is booked rule by rule.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from flows.clerk import Case, Clerk
from flows.closings import done, refused, waits_for_person, waits_for_sale
from flows.workset import sale_of
from loyalty.contacts import normal_email, normal_phone
from loyalty.events import Event, EventType, Order, Payment
from loyalty.facts import MemberFacts
from loyalty.sales import Sale
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member
from rules import decide
from rules.decision import Award, Decision


class SalesDesk(Clerk):
    """Keeps sales and what they earned."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.ORDER_PAID: self._sold,
            EventType.PAYMENT_COMPLETED: self._sold,
            EventType.ORDER_EDITED: self._edited,
            EventType.ORDER_CANCELLED: self._cancelled,
            EventType.ORDER_REFUNDED: self._refunded,
        }

    def _sold(self, item: Claimed) -> Closing:
        event = item.event
        order_id = sale_of(event)
        assert order_id is not None
        known = self.work.sales.get((event.store, order_id))
        if known is not None and known.kind == "payment" and isinstance(event.data, Order):
            return self._taken_over(item, known, event.data)
        if known is not None:
            return done(item, self.work.member(item), "the sale is in the books already")
        member = self.work.member(item)
        if member is None:
            return self._nobody(item)
        facts = self.facts(member)
        data = self.rated(event.data)
        decision = self.decide(event, facts, data)
        sale = self._open(event, order_id, facts, member=member, version=decision.version)
        case = Case(item, member, facts, decision, member.lifetime_points, sale)
        member.orders_count += 1
        self.cross(case, "orders_count", member.orders_count - 1, member.orders_count)
        self._spend(member, sale, _worth(event.data))
        for award in decision.awards:
            self.earn(case, award)
        return self.conclude(case, data)

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
            return refused(item, "nobody to credit: the sale names no customer")
        return waits_for_person(item, address, "a guest's sale")

    def _taken_over(self, item: Claimed, sale: Sale, order: Order) -> Closing:
        """The order of a payment that was in the books before it: from now on it earns."""
        sale.kind, sale.data, sale.revision = "order", order, order.revision
        return self._resettle(item, sale)

    def _edited(self, item: Claimed) -> Closing:
        order: Order = item.event.data
        sale = self._sale(item)
        if sale is None:
            return waits_for_sale(item)
        if order.revision is None or (sale.revision and order.revision <= sale.revision):
            return done(item, self.work.member(item), "not newer than what is in the books")
        sale.revision = order.revision
        sale.is_changed = True
        if _same_goods(order, sale.data):
            return done(item, self.work.member(item), "nothing changed that counts")
        sale.kind, sale.data = "order", order
        return self._resettle(item, sale)

    def _cancelled(self, item: Claimed) -> Closing:
        sale = self._sale(item)
        if sale is None:
            return waits_for_sale(item)
        if sale.is_cancelled:
            return done(item, self.work.member(item), "the sale was cancelled already")
        sale.is_cancelled = True
        member = self.work.members[sale.member_id]
        member.orders_count = max(member.orders_count - 1, 0)
        return self._resettle(item, sale)

    def _refunded(self, item: Claimed) -> Closing:
        sale = self._sale(item)
        if sale is None:
            return waits_for_sale(item)
        if sale.has_refund(item.event.data.id):
            return done(item, self.work.member(item), "this refund is in the books already")
        given, sold = item.event.data.currency.upper(), sale.data.currency.upper()
        if given != sold:
            return refused(item, f"the refund is in {given} and the sale in {sold}")
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
        facts = self.facts(member)
        decision = self.decide(item.event, facts)
        return self.conclude(Case(item, member, facts, decision, before), None)

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
            data=self.rated(rest),
            explain=False,
        )

    def _correct(self, case: Case, sale: Sale, rule: str, target: Award | None) -> None:
        change = (target.points if target else 0) - sale.awards.get(rule, 0)
        may_grow = case.item.event.type in (EventType.ORDER_EDITED, EventType.ORDER_PAID)
        if change > 0 and target is not None and may_grow:
            self.earn(case, target.model_copy(update={"points": change}))
        elif change < 0:
            posting = self.posting(case, rule, verb="reverse")
            self.work.book(case.member).reverse(-change, posting, now=self.terms.now)
            sale.awards[rule] += change
            self.count(case.member, change)

    def _spend(self, member: Member, sale: Sale, spend: Decimal) -> None:
        member.lifetime_spend += spend - sale.spend
        member.is_changed = True
        sale.spend = spend


def _worth(data: Order | Payment | None) -> Decimal:
    if data is None:
        return Decimal(0)
    return data.total if isinstance(data, Order) else data.amount


def _same_goods(new: Order, known: Order | Payment) -> bool:
    fields = ("lines", "discount", "total", "shipping", "tax", "tip", "tenders", "currency")
    return isinstance(known, Order) and all(getattr(new, f) == getattr(known, f) for f in fields)
