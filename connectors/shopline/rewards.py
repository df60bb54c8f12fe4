"""Coupons and member points.

https://developer.shopline.com/docs/admin-rest-api/marketing/price-rule: a coupon is a price
rule and a code of it, made one after the other. Points are changed by GraphQL's `pointsUpdate`,
whose `businessId` names the change.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from connectors.kit.action import Job
from connectors.kit.capabilities import CouponIssue, Issued, PointsChange, PointsHeld
from connectors.kit.errors import (
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
)
from connectors.kit.redact import without_people
from connectors.shopline.customers import customer_id, text_of

if TYPE_CHECKING:
    from connectors.shopline.client import ShoplineClient

POINTS = """
mutation($input: PointsUpdateInput) {
  pointsUpdate(input: $input) { userErrors { field message } }
}
"""


async def find_coupon(client: ShoplineClient, job: Job) -> Issued | None:
    """The discount code with this very text, if it was made."""
    coupon: CouponIssue = job.input
    try:
        reply = await client.get("/sales/discount_codes/lookup.json", {"code": coupon.code})
    except NotFound:
        return None
    found = reply.get("discount_code")
    if not isinstance(found, dict) or str(found.get("code", "")).lower() != coupon.code.lower():
        return None
    return _issued(found, coupon)


async def issue_coupon(client: ShoplineClient, job: Job) -> Issued:
    """Creates a price rule for one customer, and its code.

    Raises:
        Conflict: The code is taken already.
    """
    coupon: CouponIssue = job.input
    if await find_coupon(client, job) is not None:
        raise Conflict("the shop has a discount code with this text already")
    rule = _rule(coupon, await customer_id(client, coupon), amounts=client.account.amounts)
    made = await client.send("POST", "/sales/price_rules.json", {"price_rule": rule})
    identity = text_of(made.get("price_rule"), "id")
    path = f"/sales/price_rules/{identity}"
    body = {"discount_code": {"price_rule_id": identity, "code": coupon.code}}
    try:
        reply = await client.send("POST", f"{path}/discount_codes.json", body)
    except OutcomeUnknown:
        raise
    except ConnectorError:
        await _remove(client, path)
        raise
    return _issued(reply.get("discount_code"), coupon)


async def _remove(client: ShoplineClient, path: str) -> None:
    """Takes back a price rule whose code was refused; without a code it gives nothing away."""
    try:
        await client.send("DELETE", f"{path}.json")
    except ConnectorError:
        return  # the refusal of the code is what has to be told


def _issued(found: Any, coupon: CouponIssue) -> Issued:
    return Issued(vendor_id=text_of(found, "id"), code=coupon.code, ends_at=coupon.ends_at)


def _rule(coupon: CouponIssue, customer: str, *, amounts: str) -> dict[str, Any]:
    ships = coupon.kind == "free_shipping"
    value = format(coupon.value, "f")
    if ships:
        value = "100"
    elif coupon.kind == "amount" and amounts == "negative":
        value = f"-{value}"
    rule: dict[str, Any] = {
        "title": coupon.title or coupon.code,
        "value_type": "fixed_amount" if coupon.kind == "amount" else "percentage",
        "value": value,
        "target_type": "shipping_line" if ships else "line_item",
        "target_selection": "all",
        "allocation_method": "each" if ships else "across",
        "usage_limit": coupon.uses,
        "prerequisite_customer_ids": [customer],
        "starts_at": coupon.starts_at.isoformat(),
    }
    if coupon.uses == 1:
        rule["usage_per_customer"] = 1
    if coupon.ends_at:
        rule["ends_at"] = coupon.ends_at.isoformat()
    if coupon.minimum is not None:
        least = format(coupon.minimum, "f")
        rule["prerequisite_subtotal_range"] = {"greater_than_or_equal_to": least}
    return rule


async def adjust_points(client: ShoplineClient, job: Job) -> PointsHeld:
    """Gives or takes member points; the change is named by the job, so it counts once."""
    change: PointsChange = job.input
    name = hashlib.sha256(job.key.encode()).hexdigest()
    data = await client.mutate(
        POINTS,
        {
            "input": {
                "customerId": f"gid://shopline/Customer/{await customer_id(client, change)}",
                "pointsUpdateWay": "MODIFY_EXISTING",
                "pointsUpdateType": "INCREASE" if change.points > 0 else "DECREASE",
                "updatedValue": str(abs(change.points)),
                "businessId": name,
                "notesCustomers": change.reason[:128],
                "remarksInternal": "Loyalty Hub",
            }
        },
    )
    found = data.get("pointsUpdate")
    if not isinstance(found, dict):
        raise ConnectorBug("SHOPLINE's answer tells nothing of the points")
    refused = found.get("userErrors") or ()
    if refused and not _is_done(refused):
        says = without_people(str(refused[0].get("message", ""))[:200])
        raise InvalidRequest(f"SHOPLINE refuses the points: {says}")
    return PointsHeld(vendor_id=name)


def _is_done(refused: Any) -> bool:
    """Whether the refusal says that a change of this name was made before."""
    told = str(refused[0].get("field", "")).lower() + str(refused[0].get("message", "")).lower()
    words = ("exist", "duplicate", "repeat", "already")
    return "businessid" in told.replace(" ", "") and any(word in told for word in words)
