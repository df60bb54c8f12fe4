"""What the hub does at SHOPLINE: member points, customer tags, coupons."""

from __future__ import annotations

from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import (
    CouponIssue,
    CustomerChange,
    Issued,
    PointsChange,
    PointsHeld,
)
from connectors.shopline.customers import update_customer
from connectors.shopline.rewards import adjust_points, find_coupon, issue_coupon

UPDATE_CUSTOMER = Action(
    name="update_customer",
    title="Change a customer's tags.",
    input=CustomerChange,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=update_customer,
    capability=Capability.CUSTOMER,
    sample="update_customer.response.json",
    scopes=("read_customers", "write_customers"),
)

ISSUE_COUPON = Action(
    name="issue_coupon",
    title="Issue a discount code to a customer.",
    input=CouponIssue,
    output=Issued,
    idempotency=Idempotency.SEARCH_FIRST,
    run=issue_coupon,
    find=find_coupon,
    capability=Capability.COUPON,
    sample="issue_coupon.response.json",
    scopes=("read_customers", "read_discounts", "write_discounts", "write_price_rules"),
)

ADJUST_POINTS = Action(
    name="adjust_points",
    title="Give or take a customer's member points.",
    input=PointsChange,
    output=PointsHeld,
    idempotency=Idempotency.NATIVE_KEY,
    run=adjust_points,
    capability=Capability.POINTS,
    sample="adjust_points.response.json",
    scopes=("read_customers", "write_customers"),
)

ACTIONS: tuple[Action, ...] = (UPDATE_CUSTOMER, ISSUE_COUPON, ADJUST_POINTS)
