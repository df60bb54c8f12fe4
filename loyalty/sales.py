"""A sale over its life: paid, edited, refunded, cancelled; and what of it still counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from loyalty.eligibility import allocate
from loyalty.events import Line, Order, Payment, Refund
from loyalty.facts import MemberFacts


@dataclass(slots=True)
class Sale:
    """One order or till payment in the books.

    Attributes:
        version: The rule set that its points were awarded under.
        facts: The member as known at the award; refunds are reckoned with them.
        awards: Points of the sale that stand, by rule.
        spend: What it counts in the member's lifetime spend.
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
    spend: Decimal = Decimal(0)
    is_new: bool = False
    is_changed: bool = False

    @property
    def key(self) -> str:
        """`store:order id`, as lots and entries name it."""
        return sale_key(self.store, self.order_id)

    def has_refund(self, refund_id: str) -> bool:
        """Whether this refund is already counted."""
        return any(one.id == refund_id for one in self.refunds)

    def remaining(self) -> Order | Payment | None:
        """The sale less what was given back; None where nothing of it is left.

        The same whatever order the refunds came in.
        """
        if self.is_cancelled or any(one.full for one in self.refunds):
            return None
        if isinstance(self.data, Payment):
            left = self.data.amount - sum((one.amount for one in self.refunds), Decimal(0))
            return self.data.model_copy(update={"amount": left}) if left > 0 else None
        return _order_less(self.data, self.refunds)


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
    unnamed = sum((one.amount for one in refunds if not one.lines), Decimal(0))
    left = _reduce_in_order(left, unnamed)
    total = max(order.total - sum((one.amount for one in refunds), Decimal(0)), Decimal(0))
    kept = tuple(line for line in left if line.quantity and line.net > 0)
    if total == 0 and (order.total > 0 or not kept):
        return None
    return order.model_copy(update={"lines": kept, "discount": Decimal(0), "total": total})


def _net_lines(order: Order) -> list[Line]:
    shares = allocate(order.discount, order.lines, order.currency)
    return [
        line.model_copy(update={"gross": line.net - share, "discount": Decimal(0)})
        for line, share in zip(order.lines, shares, strict=True)
    ]


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
