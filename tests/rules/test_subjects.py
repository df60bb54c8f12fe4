"""What the rules of each kind of event see."""

from __future__ import annotations

import pytest

from loyalty.events import EventType
from rules.language import BOOL, NUMBER, ExpressionError, compile_expression
from rules.language.types import RecordType
from rules.subjects import NAMES, data_name, line_scope, scope_of


@pytest.mark.parametrize("event_type", EventType)
def test_every_kind_of_event_shows_its_data_under_a_name_that_is_reserved(
    event_type: EventType,
) -> None:
    name = data_name(event_type)
    found = scope_of(event_type).names[name].type
    assert name in NAMES
    assert isinstance(found, RecordType)
    for field in found.fields:
        assert (
            compile_expression(f"{name}.{field}", scope_of(event_type)).type
            == (found.fields[field])
        )


@pytest.mark.parametrize(
    ("event_type", "text"),
    [
        (EventType.REWARD_HELD, "100 / hold.points > 1"),
        (EventType.REWARD_CAPTURED, "hold_end.used_on is not None"),
        (EventType.POINTS_ADJUSTED, "adjustment.points < 0 and adjustment.is_qualifying"),
        (EventType.ADJUSTMENT_APPROVED, 'approval.by != ""'),
        (EventType.ACTIVITY_REPORTED, 'activity.name == "review"'),
        (EventType.MEMBER_MERGED, 'merge.source.email is None and merge.target.first_name != ""'),
        (EventType.MEMBER_ERASED, "erasure.customer.email is None"),
        (EventType.REFUND_REVERSED, 'refund_reversal.order_id == "1001"'),
        (EventType.PAYMENT_COMPLETED, "payment.eligible * payment.fx_rate > payment.tip"),
        (EventType.ORDER_PAID, "order.extra < order.eligible and order.fx_rate == 1"),
    ],
)
def test_a_condition_reads_the_data(event_type: EventType, text: str) -> None:
    assert compile_expression(text, scope_of(event_type), expects=BOOL)


def test_a_line_shows_what_of_it_counts() -> None:
    for event_type in (EventType.ORDER_PAID, EventType.ORDER_EDITED):
        assert compile_expression("line.eligible", line_scope(event_type), expects=NUMBER)
    with pytest.raises(ExpressionError, match="no `line`"):
        compile_expression("line.eligible", scope_of(EventType.ORDER_PAID))


def test_what_of_the_member_may_be_missing_is_tested_first() -> None:
    for text in ("days_since(member.last_order_at)", "days_since(member.joined_at)"):
        with pytest.raises(ExpressionError, match="may be empty"):
            compile_expression(text, scope_of(EventType.ORDER_PAID))
    for name in ("segments", "points_pending", "points_redeemed", "redemptions_count"):
        assert compile_expression(f"member.{name}", scope_of(EventType.ORDER_PAID))
