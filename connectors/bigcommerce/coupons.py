"""Coupons.

https://developer.bigcommerce.com/docs/rest-management/marketing (version 2): a coupon is its
code, and can be looked for by it. It counts in the store's default currency, begins at once and
is not bound to a customer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.bigcommerce.payloads import whole
from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CouponEnd, CouponIssue, Issued
from connectors.kit.errors import ConnectorBug, InvalidRequest

if TYPE_CHECKING:
    from connectors.bigcommerce.client import BigCommerceClient

KINDS = {
    "percent": "percentage_discount",
    "amount": "per_total_discount",
    "free_shipping": "free_shipping",
}


async def find_coupon(client: BigCommerceClient, job: Job) -> Issued | None:
    """The coupon with this very code, if it was made."""
    coupon: CouponIssue = job.input
    for found in await client.coupons(coupon.code):
        if isinstance(found, dict) and str(found.get("code")).lower() == coupon.code.lower():
            return _issued(found, coupon)
    return None


async def issue_coupon(client: BigCommerceClient, job: Job) -> Issued:
    """Creates a coupon with the hub's code.

    Raises:
        Conflict: The code is taken already.
    """
    coupon: CouponIssue = job.input
    is_in_money = coupon.kind == "amount" or coupon.minimum is not None
    if is_in_money and (coupon.currency or client.currency) != client.currency:
        raise InvalidRequest(f"the store's coupons are in {client.currency}, not {coupon.currency}")
    body: dict[str, Any] = {
        # A coupon's name must be unique too.
        "name": f"{coupon.title[:55]} {coupon.code}".strip(),
        "type": KINDS[coupon.kind],
        "amount": format(coupon.value, "f"),
        "code": coupon.code,
        "enabled": True,
        "applies_to": {"entity": "categories", "ids": [0]},
        "max_uses": coupon.uses,
        "max_uses_per_customer": 1 if coupon.uses == 1 else 0,
    }
    if coupon.minimum is not None:
        body["min_purchase"] = format(coupon.minimum, "f")
    if coupon.ends_at is not None:
        body["expires"] = whole(coupon.ends_at)
    return _issued(await client.create_coupon(body), coupon)


async def disable_coupon(client: BigCommerceClient, job: Job) -> Sent:
    """Switches a coupon off; it stays, since orders refer to it."""
    end: CouponEnd = job.input
    for found in await client.coupons(end.code):
        if isinstance(found, dict) and type(found.get("id")) is int:
            await client.change_coupon(found["id"], {"enabled": False})
            return Sent(vendor_id=str(found["id"]))
    return Sent()


def _issued(found: dict[str, Any], coupon: CouponIssue) -> Issued:
    if type(found.get("id")) is not int:
        raise ConnectorBug("BigCommerce's coupon has no id")
    return Issued(vendor_id=str(found["id"]), code=coupon.code, ends_at=coupon.ends_at)
