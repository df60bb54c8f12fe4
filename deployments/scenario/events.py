"""From steps to the canonical events that a gateway would have accepted.

A member of a scenario is a person with a card: the same in every store. What a refund says only
in short (pieces without amounts, the currency) is completed from the order as the store sold it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from deployments.scenario import steps
from deployments.scenario.settings import Settings
from deployments.scenario.steps_base import Reported
from deployments.scenario.translate import tender, units
from loyalty.eligibility import allocate
from loyalty.events import Event, EventType, Line, Order, subject_of
from loyalty.money import decimals

HUB = "hub"
_REVISIONS_BEGIN = datetime(2000, 1, 1, tzinfo=UTC)

Sold = dict[tuple[str, str], Order]
"""The orders of a case as the stores have them, by store and order id."""


class Translator:
    """Makes events of the steps of one case.

    Args:
        settings: The programme's, for currency and the scale of points; replaced on a change.
        story: All steps, so that a refund that comes first finds its order.
    """

    def __init__(self, settings: Settings, story: Iterable[Any]) -> None:
        self.settings = settings
        self.sold: Sold = {}
        self._returns: dict[tuple[str, str, str], dict[str, int]] = {}
        self._story = [one for one in story if isinstance(one, steps.Bought)]

    def event(self, step: Reported, at: datetime) -> Event:
        """The event of a step that happened then.

        Raises:
            ValueError: An amount does not fit its currency, a currency is not known, …
        """
        kind, key, data = self._content(step, at)
        event = Event.model_validate(
            {
                "type": kind,
                "store": HUB if kind in _OF_THE_HUB else f"shop/{step.store}",
                "key": key,
                "time": at,
                "subject": "unknown",
                "data": data,
            }
        )
        if isinstance(event.data, Order):
            self.sold[step.store, event.data.id] = event.data
        return event.model_copy(update={"subject": self._subject(event)})

    def _subject(self, event: Event) -> str:
        data = event.data
        customer = getattr(data, "source", None) or getattr(data, "customer", None)
        if event.type in (EventType.CUSTOMER_CREATED, EventType.CUSTOMER_UPDATED):
            customer = data
        if customer is not None and customer.card:
            return f"card:{customer.card}"
        return subject_of(event.store, customer, getattr(data, "order_id", None) or event.key)

    def _content(self, step: Any, at: datetime) -> tuple[EventType, str, dict[str, Any]]:
        match step:
            case steps.OrderPaid():
                return EventType.ORDER_PAID, step.order, self._order(step, at)
            case steps.OrderEdited():
                revision = at.isoformat() if step.rev is None else step.rev
                return EventType.ORDER_EDITED, f"{step.order}:{revision}", self._order(step, at)
            case steps.OrderCancelled():
                return EventType.ORDER_CANCELLED, step.order, {"order_id": step.order}
            case steps.OrderRefunded():
                return EventType.ORDER_REFUNDED, _refund_key(step), self._refund(step)
            case steps.RefundReversed():
                data = {"refund_id": step.refund, "order_id": step.order}
                return EventType.REFUND_REVERSED, _refund_key(step), data
            case steps.Person():
                kind = EventType.CUSTOMER_UPDATED
                if isinstance(step, steps.MemberCreated):
                    return EventType.CUSTOMER_CREATED, step.member, _person(step)
                return kind, f"{step.member}:{at.isoformat()}", _person(step)
        return self._points(step, at)

    def _points(self, step: Any, at: datetime) -> tuple[EventType, str, dict[str, Any]]:
        match step:
            case steps.Redeem():
                return EventType.REWARD_REDEEMED, step.request, self._redemption(step)
            case steps.Hold():
                data = {"id": step.request, "points": self._units(step.points)}
                return EventType.REWARD_HELD, step.request, data | _of(step.member)
            case steps.HoldEnd():
                is_capture = step.do == "reward.capture"
                kind = EventType.REWARD_CAPTURED if is_capture else EventType.REWARD_RELEASED
                return kind, step.request, {"hold_id": step.request, "used_on": step.used_on}
            case steps.Adjust():
                return EventType.POINTS_ADJUSTED, step.id, self._adjustment(step)
            case steps.Approve():
                data = {"adjustment_id": step.id, "by": step.by}
                return EventType.ADJUSTMENT_APPROVED, f"{step.id}:{step.by}", data
            case steps.Action():
                key = f"{step.action}:{step.member}:{step.ref}"
                data = {"name": step.action, "ref": step.ref}
                return EventType.ACTIVITY_REPORTED, key, data | _of(step.member)
            case steps.MemberMerged():
                merged = step.do == "member.merged"
                kind = EventType.MEMBER_MERGED if merged else EventType.MEMBER_UNMERGED
                data = {"source": {"card": step.source}, "target": {"card": step.target}}
                return kind, f"{step.source}:{step.target}:{at.isoformat()}", data
            case steps.MemberErased():
                return EventType.MEMBER_ERASED, step.member, _of(step.member)
        raise TypeError(f"{step.do} is no event")

    def _units(self, points: Decimal) -> int:
        return units(points, self.settings.unit_scale)

    # --- sales

    def _order(self, step: steps.Bought, at: datetime) -> dict[str, Any]:
        lines = [_line(line) for line in step.lines]
        if step.amount is not None:
            lines = [{"id": "L1", "quantity": 1, "unit_price": step.amount}]
        extra = {
            "discount": step.order_discount or Decimal(0),
            "tax": step.tax or Decimal(0),
            "shipping": step.shipping or Decimal(0),
            "tip": step.tip or Decimal(0),
        }
        net = sum((Line.model_validate(line).net for line in lines), Decimal(0))
        total = net - extra["discount"] + extra["tax"] + extra["shipping"] + extra["tip"]
        return {
            "id": step.order,
            "currency": step.currency or self.settings.currency,
            "total": max(total, Decimal(0)),
            "lines": lines,
            "tenders": [
                {"kind": tender(kind), "amount": paid} for kind, paid in step.tenders.items()
            ],
            "codes": step.codes,
            "channel": step.via,
            "is_test": step.test,
            "revision": _revision(step, at),
            **extra,
            **_buyer(step),
        }

    def _refund(self, step: steps.OrderRefunded) -> dict[str, Any]:
        order = self._order_of(step)
        lines = [self._returned(step, one, order) for one in step.lines]
        amount = step.amount
        if amount is None:
            amount = sum((one["amount"] for one in lines), step.shipping or Decimal(0))
        return {
            "id": step.refund,
            "order_id": step.order,
            "currency": order.currency if order else self.settings.currency,
            "amount": amount,
            "lines": lines,
            "shipping": step.shipping or Decimal(0),
            "full": step.full,
        }

    def _order_of(self, step: Reported) -> Order | None:
        """The order as sold so far; for a refund that comes first, as it will be sold."""
        order_id = getattr(step, "order", "")
        known = self.sold.get((step.store, order_id))
        if known is not None:
            return known
        for one in self._story:
            if (one.store, one.order) == (step.store, order_id):
                return Order.model_validate(self._order(one, one.at or _REVISIONS_BEGIN))
        return None

    def _returned(
        self, step: steps.OrderRefunded, returned: steps.ReturnedLine, order: Order | None
    ) -> dict[str, Any]:
        """A line that came back, at what its pieces cost after all discounts.

        Reckoned from all pieces that came back so far, so that the parts add up to the line.
        """
        amount = returned.amount
        if amount is None:
            so_far = self._returns.setdefault((step.store, step.order, returned.id), {})
            so_far.pop(step.refund, None)
            before = sum(so_far.values())
            so_far[step.refund] = returned.qty
            after = _cost(order, returned.id, before + returned.qty)
            amount = after - _cost(order, returned.id, before)
        return {"line_id": returned.id, "quantity": returned.qty, "amount": amount}

    # --- points

    def _redemption(self, step: steps.Redeem) -> dict[str, Any]:
        return {
            "id": step.request,
            "points": self._units(step.points),
            "used_on": step.used_on,
            "is_offline": step.offline,
            **_of(step.member),
        }

    def _adjustment(self, step: steps.Adjust) -> dict[str, Any]:
        return {
            "id": step.id,
            "points": self._units(step.points),
            "reason": step.reason,
            "by": step.by,
            "expires_days": step.expires_days,
            "is_qualifying": step.qualifying,
            **_of(step.member),
        }


_OF_THE_HUB = {
    EventType.REWARD_HELD, EventType.REWARD_CAPTURED, EventType.REWARD_RELEASED,
    EventType.POINTS_ADJUSTED, EventType.ADJUSTMENT_APPROVED, EventType.ACTIVITY_REPORTED,
    EventType.MEMBER_MERGED, EventType.MEMBER_UNMERGED, EventType.MEMBER_ERASED,
}  # fmt: skip
"""Kinds that name no store's things: their ids are the programme's own."""


def _refund_key(step: Any) -> str:
    return f"{step.order}:{step.refund}"


def _revision(step: steps.Bought, at: datetime) -> datetime | None:
    if step.rev is not None:
        return _REVISIONS_BEGIN + timedelta(seconds=step.rev)
    return at if isinstance(step, steps.OrderEdited) else None


def _line(line: steps.OrderLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "sku": line.sku,
        "quantity": line.qty,
        "unit_price": line.price,
        "discount": line.discount,
        "tax": line.tax or Decimal(0),
        "is_gift_card": line.gift_card,
        "tags": line.tags,
    }


def _buyer(step: steps.Bought) -> dict[str, Any]:
    if step.member is not None:
        return _of(step.member)
    return {"customer": {"email": step.guest_email} if step.guest_email else None}


def _of(member: str) -> dict[str, Any]:
    return {"customer": {"card": member}}


def _person(step: steps.Person) -> dict[str, Any]:
    return {
        "card": step.member,
        "email": step.email,
        "phone": step.phone,
        "first_name": step.first_name,
        "last_name": step.last_name,
        "locale": step.locale,
        "zone": step.tz,
        "country": step.phone_region or "",
        "birthday": step.birthday,
        "consents": dict.fromkeys(step.consents, "granted"),
    }


def _cost(order: Order | None, line_id: str, pieces: int) -> Decimal:
    """What so many pieces of a line cost, order discount included, to the smallest unit."""
    if order is None:
        return Decimal(0)
    smallest = Decimal(1).scaleb(-decimals(order.currency))
    shares = allocate(order.discount, order.lines, order.currency)
    for line, share in zip(order.lines, shares, strict=True):
        if line.id == line_id and line.quantity:
            part = (line.net - share) * min(pieces, line.quantity) / line.quantity
            return part.quantize(smallest, ROUND_HALF_EVEN)
    return Decimal(0)
