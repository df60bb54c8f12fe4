"""What the hub does at Shopify: tags and metafields, discount codes, gift cards, store credit."""

from __future__ import annotations

from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import (
    CouponEnd,
    CouponIssue,
    CustomerChange,
    GiftCardEnd,
    GiftCardIssue,
    Issued,
    StoreCreditEnd,
    StoreCreditGrant,
)
from connectors.shopify.customers import update_customer
from connectors.shopify.reward_ends import disable_gift_card, take_store_credit
from connectors.shopify.rewards import (
    disable_coupon,
    find_coupon,
    find_gift_card,
    grant_store_credit,
    issue_coupon,
    issue_gift_card,
)

UPDATE_CUSTOMER = Action(
    name="update_customer",
    title="Change a customer's tags and metafields.",
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
    scopes=("read_customers", "write_discounts"),
)

DISABLE_COUPON = Action(
    name="disable_coupon",
    title="End a discount code before its time.",
    input=CouponEnd,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=disable_coupon,
    capability=Capability.COUPON_END,
    sample="disable_coupon.response.json",
    scopes=("write_discounts",),
)

ISSUE_GIFT_CARD = Action(
    name="issue_gift_card",
    title="Issue a gift card to a customer.",
    input=GiftCardIssue,
    output=Issued,
    idempotency=Idempotency.SEARCH_FIRST,
    run=issue_gift_card,
    find=find_gift_card,
    capability=Capability.GIFT_CARD,
    sample="issue_gift_card.response.json",
    scopes=("read_customers", "read_gift_cards", "write_gift_cards"),
)

DISABLE_GIFT_CARD = Action(
    name="disable_gift_card",
    title="End a gift card for good.",
    input=GiftCardEnd,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=disable_gift_card,
    capability=Capability.GIFT_CARD_END,
    sample="disable_gift_card.response.json",
    scopes=("read_gift_cards", "write_gift_cards"),
)

GRANT_STORE_CREDIT = Action(
    name="grant_store_credit",
    title="Credit a customer's account at the shop.",
    input=StoreCreditGrant,
    output=Sent,
    idempotency=Idempotency.NONE,
    run=grant_store_credit,
    capability=Capability.STORE_CREDIT,
    sample="grant_store_credit.response.json",
    scopes=("read_customers", "write_store_credit_account_transactions"),
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
    scopes=(
        "read_customers",
        "read_store_credit_account_transactions",
        "write_store_credit_account_transactions",
    ),
)

ACTIONS: tuple[Action, ...] = (
    UPDATE_CUSTOMER,
    ISSUE_COUPON,
    DISABLE_COUPON,
    ISSUE_GIFT_CARD,
    DISABLE_GIFT_CARD,
    GRANT_STORE_CREDIT,
    TAKE_STORE_CREDIT,
)
