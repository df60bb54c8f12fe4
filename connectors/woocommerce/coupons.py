"""Coupons: https://woocommerce.github.io/woocommerce-rest-api-docs/#coupon-properties.

WooCommerce takes no idempotency key, so every coupon carries the mark of its job in a hidden
meta field: by code and mark a lost answer is looked up, and somebody else's coupon of the same
code is never taken for ours.
"""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CouponEnd, CouponIssue, Issued
from connectors.kit.errors import InvalidRequest, NotFound
from connectors.woocommerce.customers import find_customer, meta_of
from connectors.woocommerce.records import Record, id_of

if TYPE_CHECKING:
    from connectors.woocommerce.client import WooCommerceClient

LONG_AGO = "2000-01-01T00:00:00Z"

MARK = "_loyalty_hub_job"
"""A meta field that begins with an underscore is not shown to the shop's staff."""


async def find_coupon(client: WooCommerceClient, job: Job) -> Issued | None:
    """The coupon that this job made, if it did."""
    coupon: CouponIssue = job.input
    for found in await client.coupons(coupon.code):
        if meta_of(found, MARK) == _mark(job):
            return _issued(found, coupon)
    return None


async def issue_coupon(client: WooCommerceClient, job: Job) -> Issued:
    """Creates a coupon that only the customer's e-mail address can use.

    Raises:
        Conflict: The code is taken already.
        InvalidRequest: It is in another currency than the shop's.
    """
    coupon: CouponIssue = job.input
    if client.currency and coupon.currency not in (None, client.currency):
        raise InvalidRequest(
            f"the coupon is in {coupon.currency}, but the shop's coupons are in {client.currency}"
        )
    record: Record = {
        "code": coupon.code,
        "description": coupon.title,
        **_worth(coupon),
        "usage_limit": coupon.uses,
        "email_restrictions": [await _address(client, coupon)],
        "meta_data": [{"key": MARK, "value": _mark(job)}],
    }
    if coupon.minimum is not None:
        record["minimum_amount"] = format(coupon.minimum, "f")
    if coupon.ends_at is not None:
        # With its offset WooCommerce reads the very instant; bare it would be the site's time.
        record["date_expires"] = f"{coupon.ends_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
    return _issued(await client.create_coupon(record), coupon)


async def disable_coupon(client: WooCommerceClient, job: Job) -> Sent:
    """Lets a coupon have expired long ago; it is not removed, since orders refer to it."""
    end: CouponEnd = job.input
    for found in await client.coupons(end.code):
        identity = id_of(found)
        await client.write_coupon(identity, {"date_expires": LONG_AGO})
        return Sent(vendor_id=identity)
    return Sent()


def _worth(coupon: CouponIssue) -> dict[str, Any]:
    if coupon.kind == "free_shipping":
        return {"discount_type": "fixed_cart", "amount": "0", "free_shipping": True}
    kind = "percent" if coupon.kind == "percent" else "fixed_cart"
    return {"discount_type": kind, "amount": format(coupon.value, "f")}


async def _address(client: WooCommerceClient, coupon: CouponIssue) -> str:
    if coupon.email:
        return coupon.email
    email = (await find_customer(client, coupon)).get("email")
    if not isinstance(email, str) or not email:
        raise NotFound("the customer has no e-mail address that the coupon could be tied to")
    return email


def _issued(record: Any, coupon: CouponIssue) -> Issued:
    return Issued(vendor_id=id_of(record), code=coupon.code, ends_at=coupon.ends_at)


def _mark(job: Job) -> str:
    return hashlib.sha256(job.key.encode()).hexdigest()[:32]
