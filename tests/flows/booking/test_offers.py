"""What rules ask for beyond messages and records becomes deliveries with contents that fit."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.kit.capabilities import INPUT_OF, Capability
from loyalty.programme import Programme
from rules import RuleSet
from tests.flows.booking.desk import FLAT, Desk, paid

OFFERS: list[tuple[dict[str, Any], Capability, dict[str, Any]]] = [
    (
        {"issue_reward": {"kind": "discount", "value": 15, "percent": True, "code_prefix": "TEA-"}},
        Capability.COUPON,
        {"kind": "percent", "value": "15", "currency": None, "ends_at": None},
    ),
    (
        {"issue_reward": {"kind": "free_shipping", "name": "Free parcel", "valid_days": 30}},
        Capability.COUPON,
        {"kind": "free_shipping", "title": "Free parcel", "ends_at": "2026-04-01T12:00:00Z"},
    ),
    (
        {"issue_reward": {"kind": "gift_card", "value": "order.total / 9.999", "valid_days": 1}},
        Capability.GIFT_CARD,
        {"amount": "10.00", "currency": "EUR", "expires_on": "2026-03-03"},
    ),
    (
        {"issue_reward": {"kind": "store_credit", "value": 5, "name": "Thank you"}},
        Capability.STORE_CREDIT,
        {"amount": "5.00", "reason": "Thank you"},
    ),
    (
        {"issue_reward": {"kind": "product", "product": "MUG-1"}},
        Capability.TICKET,
        {"subject": "Hand out a reward: MUG-1"},
    ),
    (
        {"update_row": {"column": "order", "key": "order.id", "values": {"sum": "order.total"}}},
        Capability.ROW,
        {"key_column": "order", "values": {"sum": "100.00"}},
    ),
    (
        {"join_campaign": {"campaign": "spring", "values": {"tier": "member.tier"}}},
        Capability.JOURNEY,
        {"journey": "spring", "email": "ada@example.com"},
    ),
    (
        {"create_ticket": {"template": "milestone", "queue": "vip", "values": {"mark": 1}}},
        Capability.TICKET,
        {"tags": ["vip"], "fields": {"mark": 1}},
    ),
    (
        {"update_customer": {"tags": ["buyer"], "values": {"points": "result.balance"}}},
        Capability.CUSTOMER,
        {"add_tags": ["buyer"], "fields": {"points": 0}},
    ),
]


@pytest.mark.parametrize(
    ("action", "capability", "content"),
    OFFERS,
    ids=[f"{c}-{n}" for n, (_, c, _) in enumerate(OFFERS)],
)
async def test_an_offer_becomes_a_delivery_that_waits_for_a_connection(
    desk: Desk, action: dict[str, Any], capability: Capability, content: dict[str, Any]
) -> None:
    desk.rules = RuleSet.load([{"id": "offer", "on": "order.paid", "then": [action]}])
    await desk.take(paid("100.00"))
    [row] = await desk.rows("select capability, state, reason, input from deliveries")
    assert (row.capability, row.state) == (capability.value, "held")
    assert "no connection serves" in row.reason
    INPUT_OF[capability].model_validate(row.input)
    assert content.items() <= row.input.items()


async def test_codes_are_told_apart_and_typed_without_doubt(desk: Desk) -> None:
    reward = {"kind": "discount", "value": 5, "code_prefix": "TEA-"}
    desk.rules = RuleSet.load(
        [{"id": "offer", "on": "order.paid", "then": [{"issue_reward": reward}]}]
    )
    await desk.take(*(paid("10.00", id=str(n)) for n in range(5)))
    codes = {row.code for row in await desk.rows("select input ->> 'code' as code from deliveries")}
    assert len(codes) == 5
    assert all(code.startswith("TEA-") and not set("01OI") & set(code[4:]) for code in codes)


async def test_an_event_of_ones_own_is_told_and_not_delivered(desk: Desk) -> None:
    emitted = {"name": "big.order", "values": {"total": "order.total"}}
    desk.rules = RuleSet.load(
        [{"id": "tell", "on": "order.paid", "then": [{"emit_event": emitted}]}]
    )
    await desk.take(paid("100.00"))
    [row] = await desk.rows("select outcome -> 'announced' as told from inbox")
    assert row.told == [["big.order", {"total": "100.00"}]]
    assert await desk.deliveries() == []


async def test_the_first_connection_that_is_ready_serves(desk: Desk) -> None:
    """The ordered fallback: the first in the route has no credentials."""
    routes = {"chat": ("slack/second", "slack/main")}
    desk.programme = Programme.model_validate({**FLAT.model_dump(), "routes": routes})
    told = {"post_to_chat": {"template": "milestone", "values": {"mark": 1}}}
    desk.rules = RuleSet.load([{"id": "tell", "on": "order.paid", "then": [told]}])
    await desk.take(paid("100.00"))
    [row] = await desk.rows("select connection, state from deliveries")
    assert (row.connection, row.state) == ("main", "pending")
