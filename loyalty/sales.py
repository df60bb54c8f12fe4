"""A sale over its life: paid, edited, refunded, cancelled; and what of it still counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from loyalty.eligibility import net_lines
from loyalty.events import Line, Order, Payment, Refund
from loyalty.facts import MemberFacts
from loyalty.fx import EXACT, convert
from loyalty.limits import Room


@dataclass(slots=True)
class Sale:
    """One order or till payment in the books.

    Attributes:
        version: The rule set that its points were awarded under; empty for a sale that is in
            the books and earns nothing (a guest's old order).
        programme: The version of the programme, likewise; empty for the one in force.
        facts: The member as known at the award; refunds are reckoned with them.
        awards: Points that its remainder is worth, by rule.
        given: Points that were ever given for it, by rule; never less than `awards`.
        taken_back: Points of those that were taken back, and not restored.
        written_off: Points that should have been taken back and that nobody had any more.
        fx_rate: What one unit of its currency was taken for.
        rooms: What caps and limits had left for it at the award.
        reversed_refunds: Refunds that do not count any more, whether they have come or not.
        spend: What its remainder counts in the member's lifetime spend.
        spend_gross: The same before refunds.
        is_counted: Whether it counts among the member's orders.
        origin_id: The account that the event named, before merges were followed.
    """

    store: str
    order_id: str
    member_id: UUID
    kind: Literal["order", "payment"]
    data: Order | Payment
    occurred_at: datetime
    version: str
    facts: MemberFacts
    revision: datetime | None = None
    refunds: list[Refund] = field(default_factory=list)
    is_cancelled: bool = False
    awards: dict[str, int] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)
    spend: Decimal = Decimal(0)
    is_new: bool = False
    is_changed: bool = False
    programme: str = ""
    fx_rate: Decimal = Decimal(1)
    rooms: list[Room] = field(default_factory=list)
    taken_back: int = 0
    written_off: int = 0
    reversed_refunds: set[str] = field(default_factory=set)
    spend_gross: Decimal = Decimal(0)
    is_counted: bool = True
    origin_id: UUID | None = None

    @property
    def key(self) -> str:
        """`store:order id`, as lots and entries name it."""
        return sale_key(self.store, self.order_id)

    def has_refund(self, refund_id: str) -> bool:
        """Whether this refund is already counted."""
        return any(one.id == refund_id for one in self.refunds)

    @property
    def standing_refunds(self) -> list[Refund]:
        """The refunds that count: those that were not taken back."""
        return [one for one in self.refunds if one.id not in self.reversed_refunds]

    def remaining(self) -> Order | Payment | None:
        """The sale less what was given back; None where nothing of it is left.

        The same whatever order the refunds, and their reversals, came in.
        """
        refunds = self.standing_refunds
        if self.is_cancelled or any(one.full for one in refunds):
            return None
        if isinstance(self.data, Payment):
            left = self.data.amount - sum((one.amount for one in refunds), Decimal(0))
            return self.data.model_copy(update={"amount": left}) if left > 0 else None
        return _order_less(self.data, refunds)


def sale_key(store: str, order_id: str) -> str:
    """How entries, lots and waiting events name a sale."""
    return f"{store}:{order_id}"


def _order_less(order: Order, refunds: list[Refund]) -> Order | None:
    if not refunds:
        return order
    left = _net_lines(order)
    # Lines first: an amount without lines takes from whatever they leave, also where it came
    # before them, so that the order of arrival makes no difference.
    for refund in refunds:
        left = [_line_less(line, refund) for line in left]
    unnamed = sum((one.amount - one.shipping for one in refunds if not one.lines), Decimal(0))
    left = _reduce_in_order(left, _net_of(order, max(unnamed, Decimal(0))))
    total = max(order.total - sum((one.amount for one in refunds), Decimal(0)), Decimal(0))
    kept = tuple(line for line in left if line.quantity and line.net > 0)
    if total == 0 and (order.total > 0 or not kept):
        return None
    shipped = min(sum((one.shipping for one in refunds), Decimal(0)), order.shipping)
    rest = {"lines": kept, "discount": Decimal(0), "total": total}
    return order.model_copy(update=rest | {"shipping": order.shipping - shipped})


def _net_lines(order: Order) -> list[Line]:
    return [
        line.model_copy(update={"gross": net, "discount": Decimal(0)})
        for line, net in zip(order.lines, net_lines(order), strict=True)
    ]


def _net_of(order: Order, amount: Decimal) -> Decimal:
    """What an amount given back takes from the lines, where tax came on top of their prices.

    The goods' part of the whole, tax and shipping included; rounded once for all refunds.
    """
    goods = sum(net_lines(order), Decimal(0))
    if not order.tax or order.total <= goods + order.shipping + order.tip:
        return amount
    share = EXACT.divide(goods, order.total)
    return convert(amount, share, currency=order.currency, rounding="half_even")


def _line_less(line: Line, refund: Refund) -> Line:
    changes: dict[str, Any] = {}
    for given_back in refund.lines:
        if given_back.line_id == line.id:
            changes = {
                "quantity": max(line.quantity - given_back.quantity, 0),
                "gross": max(line.net - given_back.amount, Decimal(0)),
            }
            line = line.model_copy(update=changes)
    return line


def _reduce_in_order(lines: list[Line], amount: Decimal) -> list[Line]:
    reduced = []
    for line in lines:
        taken = Decimal(0) if line.is_gift_card else max(min(line.net, amount), Decimal(0))
        amount -= taken
        reduced.append(line.model_copy(update={"gross": line.net - taken}))
    return reduced
