"""What the hub does at BigCommerce: coupons, customer attributes, store credit."""

from __future__ import annotations

from connectors.bigcommerce.coupons import disable_coupon, find_coupon, issue_coupon
from connectors.bigcommerce.customers import (
    grant_store_credit,
    take_store_credit,
    update_customer,
)
from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import (
    CouponEnd,
    CouponIssue,
    CustomerChange,
    Issued,
    StoreCreditEnd,
    StoreCreditGrant,
)

ISSUE_COUPON = Action(
    name="issue_coupon",
    title="Issue a coupon with a code.",
    input=CouponIssue,
    output=Issued,
    idempotency=Idempotency.SEARCH_FIRST,
    run=issue_coupon,
    find=find_coupon,
    capability=Capability.COUPON,
    sample="issue_coupon.response.json",
    scopes=("store_v2_marketing",),
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
    scopes=("store_v2_marketing",),
)

UPDATE_CUSTOMER = Action(
    name="update_customer",
    title="Change a customer's attributes and tags.",
    input=CustomerChange,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=update_customer,
    capability=Capability.CUSTOMER,
    sample="update_customer.response.json",
    scopes=("store_v2_customers",),
)

GRANT_STORE_CREDIT = Action(
    name="grant_store_credit",
    title="Add to a customer's store credit.",
    input=StoreCreditGrant,
    output=Sent,
    idempotency=Idempotency.NONE,
    run=grant_store_credit,
    capability=Capability.STORE_CREDIT,
    sample="grant_store_credit.response.json",
    scopes=("store_v2_customers",),
)

TAKE_STORE_CREDIT = Action(
    name="take_store_credit",
    title="Take store credit back that was granted.",
    input=StoreCreditEnd,
    output=Sent,
    idempotency=Idempotency.NONE,
    run=take_store_credit,
    capability=Capability.STORE_CREDIT_END,
    sample="take_store_credit.response.json",
    scopes=("store_v2_customers",),
)

ACTIONS: tuple[Action, ...] = (
    ISSUE_COUPON,
    DISABLE_COUPON,
    UPDATE_CUSTOMER,
    GRANT_STORE_CREDIT,
    TAKE_STORE_CREDIT,
)
