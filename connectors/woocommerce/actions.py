"""What the hub does at WooCommerce: coupons, and meta fields of customers."""

from __future__ import annotations

from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import CouponEnd, CouponIssue, CustomerChange, Issued
from connectors.woocommerce.coupons import disable_coupon, find_coupon, issue_coupon
from connectors.woocommerce.customers import update_customer

ISSUE_COUPON = Action(
    name="issue_coupon",
    title="Issue a coupon to a customer.",
    input=CouponIssue,
    output=Issued,
    idempotency=Idempotency.SEARCH_FIRST,
    run=issue_coupon,
    find=find_coupon,
    capability=Capability.COUPON,
    sample="issue_coupon.response.json",
    scopes=("read", "write"),
)

DISABLE_COUPON = Action(
    name="disable_coupon",
    title="End a coupon before its time.",
    input=CouponEnd,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=disable_coupon,
    capability=Capability.COUPON_END,
    sample="disable_coupon.response.json",
    scopes=("read", "write"),
)

UPDATE_CUSTOMER = Action(
    name="update_customer",
    title="Write a customer's meta fields and tags.",
    input=CustomerChange,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=update_customer,
    capability=Capability.CUSTOMER,
    sample="update_customer.response.json",
    scopes=("read", "write"),
)

ACTIONS: tuple[Action, ...] = (ISSUE_COUPON, DISABLE_COUPON, UPDATE_CUSTOMER)
