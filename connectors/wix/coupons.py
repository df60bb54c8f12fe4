"""Coupons.

https://dev.wix.com/docs/rest/business-solutions/coupons/coupons: a coupon applies to a whole
app's items or above a minimum, never both, and is not bound to a customer.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job
from connectors.kit.capabilities import CouponIssue, Issued
from connectors.kit.errors import ConnectorBug, InvalidRequest
from connectors.kit.values import json_number

if TYPE_CHECKING:
    from connectors.wix.client import WixClient

LONGEST_CODE = 20


async def find_coupon(client: WixClient, job: Job) -> Issued | None:
    """The coupon with this very code, if it was made."""
    coupon: CouponIssue = job.input
    for found in await client.coupons(coupon.code):
        told = found.get("specification") if isinstance(found, dict) else None
        code = str(told.get("code", "")) if isinstance(told, dict) else ""
        if code.lower() == coupon.code.lower():
            if not isinstance(found.get("id"), str):
                raise ConnectorBug("Wix's coupon has no id")
            return Issued(vendor_id=found["id"], code=coupon.code, ends_at=coupon.ends_at)
    return None


async def issue_coupon(client: WixClient, job: Job) -> Issued:
    """Creates a coupon with the hub's code.

    Raises:
        InvalidRequest: The code is too long, or the currency is not the site's.
    """
    coupon: CouponIssue = job.input
    if len(coupon.code) > LONGEST_CODE:
        raise InvalidRequest(f"a coupon's code has {LONGEST_CODE} signs at the most at Wix")
    is_in_money = coupon.kind == "amount" or coupon.minimum is not None
    if is_in_money and (coupon.currency or client.currency) != client.currency:
        raise InvalidRequest(f"the site's coupons are in {client.currency}, not {coupon.currency}")
    made = await client.create_coupon(_specification(coupon))
    return Issued(vendor_id=made, code=coupon.code, ends_at=coupon.ends_at)


def _specification(coupon: CouponIssue) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": coupon.title or coupon.code,
        "code": coupon.code,
        "active": True,
        "startTime": _milliseconds(coupon.starts_at),
        "usageLimit": coupon.uses,
    }
    if coupon.ends_at is not None:
        told["expirationTime"] = _milliseconds(coupon.ends_at)
    if coupon.kind == "percent":
        told["percentOffRate"] = json_number(coupon.value, "value")
    elif coupon.kind == "amount":
        told["moneyOffAmount"] = json_number(coupon.value, "value")
    else:
        told["freeShipping"] = True
    if coupon.minimum is not None:
        told["minimumSubtotal"] = json_number(coupon.minimum, "minimum")
    elif coupon.kind != "free_shipping":
        told["scope"] = {"namespace": "stores"}
    return told


def _milliseconds(moment: datetime) -> str:
    return str(int(moment.timestamp()) * 1000)
