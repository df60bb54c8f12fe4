"""Discount codes, gift cards and store credit.

https://shopify.dev/docs/api/admin-graphql/2026-07/mutations/discountCodeBasicCreate,
giftCardCreate and storeCreditAccountCredit. None of them takes an idempotency key. A code can
be looked for, and so can a gift card, by the mark that its note carries; credit cannot.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import (
    CouponEnd,
    CouponIssue,
    GiftCardIssue,
    Issued,
    StoreCreditGrant,
)
from connectors.kit.errors import InvalidRequest
from connectors.kit.values import json_number
from connectors.shopify.customers import customer_gid, text_of

if TYPE_CHECKING:
    from connectors.shopify.client import ShopifyClient

FIND_CODE = """
query($code: String!) { codeDiscountNodeByCode(code: $code) { id } }
"""
BASIC = """
mutation($discount: DiscountCodeBasicInput!) {
  discountCodeBasicCreate(basicCodeDiscount: $discount) {
    codeDiscountNode { id }
    userErrors { field message code }
  }
}
"""
FREE_SHIPPING = """
mutation($discount: DiscountCodeFreeShippingInput!) {
  discountCodeFreeShippingCreate(freeShippingCodeDiscount: $discount) {
    codeDiscountNode { id }
    userErrors { field message code }
  }
}
"""
DEACTIVATE = """
mutation($id: ID!) {
  discountCodeDeactivate(id: $id) {
    codeDiscountNode { id }
    userErrors { field message code }
  }
}
"""
GIFT_CARD = """
mutation($input: GiftCardCreateInput!) {
  giftCardCreate(input: $input) {
    giftCard { id }
    giftCardCode
    userErrors { field message code }
  }
}
"""
NEWEST_CARDS = """
query($first: Int!) {
  giftCards(first: $first, reverse: true) { nodes { id note } }
}
"""
CREDIT = """
mutation($id: ID!, $credit: StoreCreditAccountCreditInput!) {
  storeCreditAccountCredit(id: $id, creditInput: $credit) {
    storeCreditAccountTransaction { id }
    userErrors { field message code }
  }
}
"""
LOOKED_THROUGH = 250
"""Of the newest gift cards: a lost answer is looked up soon after."""


async def find_coupon(client: ShopifyClient, job: Job) -> Issued | None:
    """The discount with this very code, if it was made."""
    coupon: CouponIssue = job.input
    node = (await client.query(FIND_CODE, {"code": coupon.code})).get("codeDiscountNodeByCode")
    return _issued(node, coupon) if node else None


async def issue_coupon(client: ShopifyClient, job: Job) -> Issued:
    """Creates a discount with one code, for one customer where they are known to the shop.

    Raises:
        Conflict: The code is taken already.
    """
    coupon: CouponIssue = job.input
    discount = {
        "title": coupon.title or coupon.code,
        "code": coupon.code,
        "startsAt": coupon.starts_at.isoformat(),
        "endsAt": coupon.ends_at.isoformat() if coupon.ends_at else None,
        "usageLimit": coupon.uses,
        "appliesOncePerCustomer": coupon.uses == 1,
        "context": {"customers": {"add": [await customer_gid(client, coupon)]}},
        **_minimum(coupon),
    }
    if coupon.kind == "free_shipping":
        data = await client.mutate(FREE_SHIPPING, {"discount": {**discount, "destination": ALL}})
        made = data.get("discountCodeFreeShippingCreate")
    else:
        gets = {"items": ALL, "value": _value(coupon)}
        data = await client.mutate(BASIC, {"discount": {**discount, "customerGets": gets}})
        made = data.get("discountCodeBasicCreate")
    return _issued(made.get("codeDiscountNode") if isinstance(made, dict) else None, coupon)


async def disable_coupon(client: ShopifyClient, job: Job) -> Sent:
    """Ends a discount now; its record, and the orders that used it, stay as they are."""
    end: CouponEnd = job.input
    node = (await client.query(FIND_CODE, {"code": end.code})).get("codeDiscountNodeByCode")
    if not node:
        return Sent()
    found = text_of(node, "id")
    await client.mutate(DEACTIVATE, {"id": found})
    return Sent(vendor_id=found)


ALL: dict[str, Any] = {"all": True}


def _issued(node: Any, coupon: CouponIssue) -> Issued:
    return Issued(vendor_id=text_of(node, "id"), code=coupon.code, ends_at=coupon.ends_at)


def _minimum(coupon: CouponIssue) -> dict[str, Any]:
    if coupon.minimum is None:
        return {}
    amount = format(coupon.minimum, "f")
    return {"minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": amount}}}


def _value(coupon: CouponIssue) -> dict[str, Any]:
    if coupon.kind == "amount":
        amount = {"amount": format(coupon.value, "f"), "appliesOnEachItem": False}
        return {"discountAmount": amount}
    # The one number that Shopify takes as a float: four digits of a share read back exactly.
    return {"percentage": json_number(coupon.value / 100, "percentage")}


async def find_gift_card(client: ShopifyClient, job: Job) -> Issued | None:
    """The card whose note carries this job's mark, among the newest."""
    found = await find_card(client, job.key)
    return Issued(vendor_id=found, code=_card_code(job.input)) if found else None


async def find_card(client: ShopifyClient, key: str) -> str:
    """The id of the card that the job with this key issued, among the newest; empty for none."""
    found = (await client.query(NEWEST_CARDS, {"first": LOOKED_THROUGH})).get("giftCards")
    for card in found.get("nodes", ()) if isinstance(found, dict) else ():
        if key and _mark(key) in str(card.get("note") or ""):
            return text_of(card, "id")
    return ""


async def issue_gift_card(client: ShopifyClient, job: Job) -> Issued:
    """Creates a gift card with the hub's code, in the customer's name."""
    card: GiftCardIssue = job.input
    data = await client.mutate(
        GIFT_CARD,
        {
            "input": {
                "code": _card_code(card),
                "initialAmount": money(card.amount, card.currency),
                "customerId": await customer_gid(client, card),
                "expiresOn": card.expires_on.isoformat() if card.expires_on else None,
                "note": f"{card.note} {_mark(job.key)}".strip(),
            }
        },
    )
    made = data.get("giftCardCreate") or {}
    return Issued(vendor_id=text_of(made.get("giftCard"), "id"), code=_card_code(card))


def _card_code(card: GiftCardIssue) -> str:
    """Shopify's codes have 8 to 20 letters and digits; upper and lower case are the same."""
    code = card.code.replace("-", "").upper()
    if not 8 <= len(code) <= 20:
        raise InvalidRequest("a gift card's code has 8 to 20 letters and digits at Shopify")
    return code


def _mark(key: str) -> str:
    """What tells this job's card from all others."""
    return f"[hub {hashlib.sha256(key.encode()).hexdigest()[:20]}]"


async def grant_store_credit(client: ShopifyClient, job: Job) -> Sent:
    """Credits a customer's account at the shop."""
    grant: StoreCreditGrant = job.input
    credit: dict[str, Any] = {"creditAmount": money(grant.amount, grant.currency)}
    if grant.expires_at:
        credit["expiresAt"] = grant.expires_at.isoformat()
    owner = await customer_gid(client, grant)
    data = await client.mutate(CREDIT, {"id": owner, "credit": credit})
    made = data.get("storeCreditAccountCredit") or {}
    return Sent(vendor_id=text_of(made.get("storeCreditAccountTransaction"), "id"))


def money(amount: Decimal, currency: str) -> dict[str, str]:
    """The amount as Shopify's `MoneyInput`."""
    return {"amount": format(amount, "f"), "currencyCode": currency}
