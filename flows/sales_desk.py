"""Books sales over their life: paid, edited, cancelled, refunded, and refunds taken back.

Whatever happens to a sale, it is then worth what its remainder earns under the rules, the
programme, the facts, the rate and the room of its award; only the difference is booked.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from flows.closings import done, refused, waits_for_key, waits_for_rate, waits_for_sale
from flows.introductions import sale_key_of
from flows.recommending import follow_sale
from flows.redemptions_desk import give_back_spent
from flows.worth import Worth
from loyalty.events import EventType, Order, Payment
from loyalty.facts import MemberFacts
from loyalty.fx import rate_on
from loyalty.sales import Sale
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member, identities_of


class SalesDesk(Worth):
    """Keeps sales and what they earned."""

    def handlers(self) -> dict[EventType, Callable[[Claimed], Closing]]:
        """Which events this desk handles, and how."""
        return {
            EventType.ORDER_PAID: self._sold,
            EventType.PAYMENT_COMPLETED: self._sold,
            EventType.ORDER_EDITED: self._edited,
            EventType.ORDER_CANCELLED: self._cancelled,
            EventType.ORDER_REFUNDED: self._refunded,
            EventType.REFUND_REVERSED: self._reversed,
        }

    # --- paid

    def _sold(self, item: Claimed) -> Closing:
        data = item.event.data
        if getattr(data, "is_test", False):
            return _test_order(item)
        known = self._sale(item)
        if known is not None and known.kind == "payment" and isinstance(data, Order):
            return self._taken_over(item, known, data)
        if known is not None:
            return done(item, self.work.member(item), "the sale is in the books already")
        member = self.work.member(item)
        if member is None:
            return self._nobody(item)
        fx_rate = rate_on(self.terms.programme, data.currency, item.event.time)
        if fx_rate is None:
            return waits_for_rate(item, data.currency.upper())
        if self._is_too_old(item, member):
            self._open(item, member, self.facts(member), version="", fx_rate=fx_rate)
            return done(
                item,
                member,
                "older than a guest's orders may be to count: it is in the books and earns nothing",
                code="too_old",
            )
        return self._book_sale(item, member, fx_rate)

    def _book_sale(self, item: Claimed, member: Member, fx_rate: Decimal) -> Closing:
        rated = self.rated(item.event.data, fx_rate)
        case = self.case(item, member, data=rated)
        sale = self._open(item, member, case.facts, version=case.decision.version, fx_rate=fx_rate)
        self.progress.count_order(member, 1, is_new=True, at=sale.occurred_at)
        if member.last_order_at is None or member.last_order_at < sale.occurred_at:
            member.last_order_at = sale.occurred_at
        booked = self.with_sale(case, sale)
        self.settle(booked, sale, rated=rated)
        self.count_uses(booked)
        follow_sale(self, sale, at=item.event.time)
        booked.extra["rated"] = {"eligible": rated.eligible, "fx_rate": fx_rate}
        return self.conclude(booked, rated)

    def _open(
        self, item: Claimed, member: Member, facts: MemberFacts, *, version: str, fx_rate: Decimal
    ) -> Sale:
        store, order_id = sale_key_of(item.event)
        data = item.event.data
        sale = Sale(
            store=store,
            order_id=order_id,
            member_id=member.id,
            kind="order" if isinstance(data, Order) else "payment",
            data=data,
            occurred_at=item.event.time,
            version=version,
            facts=facts,
            revision=getattr(data, "revision", None),
            is_new=True,
            programme=self.terms.programme_version,
            fx_rate=fx_rate,
            is_counted=bool(version),
            origin_id=self.work.origin_of.get(item.id, member.id),
        )
        self.work.sales[(store, order_id)] = sale
        self.work.released.append(f"sale:{sale.key}")
        return sale

    def _is_too_old(self, item: Claimed, member: Member) -> bool:
        """Whether it is a guest's order from longer before the sign-up than counts."""
        days, customer = self.terms.programme.retro_days, item.event.data.customer
        if days is None or customer is None or customer.id or customer.card:
            return False
        return item.event.time < member.joined_at - timedelta(days=days)

    def _nobody(self, item: Claimed) -> Closing:
        customer = item.event.data.customer
        keys = identities_of(item.event.store, customer) if customer is not None else []
        if not keys:
            return refused(item, "nobody to credit: the sale names no customer", code="nobody")
        # By an address rather than by a shop's own id: it is the same wherever they sign up.
        addresses = [key for key in keys if key[1] in ("email", "phone")]
        return waits_for_key(item, (addresses or keys)[0], "a guest's sale")

    def _taken_over(self, item: Claimed, sale: Sale, order: Order) -> Closing:
        """The order of a payment that was in the books before it: from now on it earns."""
        sale.kind, sale.data, sale.revision = "order", order, order.revision
        return self._resettle(item, sale)

    # --- changed

    def _edited(self, item: Claimed) -> Closing:
        order: Order = item.event.data
        if order.is_test:
            return _test_order(item)
        sale = self._sale(item)
        if sale is None:
            return waits_for_sale(item)
        member = self.work.member(item)
        if order.revision is None or (sale.revision and order.revision <= sale.revision):
            return done(item, member, "not newer than what is in the books", code="stale")
        if order.currency.upper() != sale.data.currency.upper():
            told = f"the edit is in {order.currency} and the sale in {sale.data.currency}"
            return refused(item, told, code="other_currency", member=member)
        sale.revision = order.revision
        sale.is_changed = True
        if _same_goods(order, sale.data):
            return done(item, member, "nothing changed that counts", code="unchanged")
        sale.kind, sale.data = "order", order
        return self._resettle(item, sale)

    def _cancelled(self, item: Claimed) -> Closing:
        sale = self._sale(item)
        if sale is None:
            return waits_for_sale(item)
        if sale.is_cancelled:
            return done(item, self.work.member(item), "the sale was cancelled already")
        sale.is_cancelled = True
        return self._resettle(item, sale)

    def _refunded(self, item: Claimed) -> Closing:
        sale = self._sale(item)
        if sale is None:
            return waits_for_sale(item)
        member, refund = self.work.member(item), item.event.data
        if sale.has_refund(refund.id):
            return done(item, member, "this refund is in the books already")
        given, sold = refund.currency.upper(), sale.data.currency.upper()
        if given != sold:
            told = f"the refund is in {given} and the sale in {sold}"
            return refused(item, told, code="other_currency", member=member)
        sale.refunds.append(refund)
        return self._resettle(item, sale)

    def _reversed(self, item: Claimed) -> Closing:
        """A refund that does not count any more, whether it has come already or comes later."""
        sale = self._sale(item)
        if sale is None:
            return waits_for_sale(item)
        refund_id = item.event.data.refund_id
        if refund_id in sale.reversed_refunds:
            return done(item, self.work.member(item), "this refund was taken back already")
        sale.reversed_refunds.add(refund_id)
        return self._resettle(item, sale)

    def _sale(self, item: Claimed) -> Sale | None:
        return self.work.sales.get(sale_key_of(item.event))

    def _resettle(self, item: Claimed, sale: Sale) -> Closing:
        """Makes the sale worth what its remainder earns, and books what the event itself does."""
        sale.is_changed = True
        member = self.work.holder(sale.member_id)
        data = item.event.data
        rated = self.rated(data, sale.fx_rate) if isinstance(data, Order | Payment) else None
        case = self.case(item, member, data=rated)
        was_counted = sale.is_counted
        self.settle(self.with_sale(case, sale), sale)
        follow_sale(self, sale, at=item.event.time)
        if was_counted and not sale.is_counted:
            returned = give_back_spent(self, case, sale)
            if returned:
                case.extra["returned"] = returned
        # What earns by the sale was settled; rules of both events must not pay twice.
        by_sale = [rule.id for kind in _SALES for rule in self.terms.rules.listening(kind)]
        self.award(case, without=by_sale if rated is not None else ())
        return self.conclude(case, rated)


_SALES = (EventType.ORDER_PAID, EventType.PAYMENT_COMPLETED)


def _test_order(item: Claimed) -> Closing:
    return done(item, None, "a trial of the shop's own: it does not count", code="test_order")


def _same_goods(new: Order, known: Order | Payment) -> bool:
    fields = ("lines", "discount", "total", "shipping", "tax", "tip", "tenders", "currency")
    return isinstance(known, Order) and all(getattr(new, f) == getattr(known, f) for f in fields)
