"""The loyalty balance.

https://x-series-api.lightspeedhq.com (Loyalty adjustments, beta): a session id makes it one; the
same session with other adjustments is refused. So every change is a call of its own: what is
sent again is then the same to the letter, however the hub groups its deliveries.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from connectors.kit.action import Job
from connectors.kit.capabilities import PointsChange, PointsHeld
from connectors.kit.errors import ConnectorBug, InvalidRequest, NotFound
from connectors.kit.redact import without_people
from connectors.kit.values import json_number
from connectors.lightspeed.customers import customer_id_of

if TYPE_CHECKING:
    from connectors.lightspeed.client import LightspeedClient


async def adjust_loyalty(client: LightspeedClient, job: Job) -> PointsHeld:
    """Credits or debits a person's balance; a second time it is not booked again.

    Raises:
        InvalidRequest: Lightspeed refuses it, for example for want of balance.
    """
    change: PointsChange = job.input
    session = session_of(job.key)
    amount = json_number(abs(change.points) * client.point_value, "points")
    adjustment: dict[str, Any] = {
        "customer_id": await customer_id_of(client, change),
        "credit" if change.points > 0 else "debit": amount,
    }
    if change.reason:
        adjustment["reason"] = change.reason
    reply = await client.adjust_loyalty(session, adjustment)
    _require_applied(reply)
    return PointsHeld(vendor_id=session, balance=_points(reply, client.point_value))


def session_of(key: str) -> str:
    """The delivery's key as the version 4 UUID that Lightspeed wants."""
    return str(UUID(bytes=hashlib.sha256(key.encode()).digest()[:16], version=4))


def _require_applied(reply: dict[str, Any]) -> None:
    for error in reply.get("errors") or ():
        says = without_people(str(error.get("error", "") if isinstance(error, dict) else "")[:200])
        if "not found" in says.lower():
            raise NotFound(f"Lightspeed refuses the adjustment: {says}")
        raise InvalidRequest(f"Lightspeed refuses the adjustment: {says}")
    if not reply.get("applied"):
        raise ConnectorBug("Lightspeed neither applied the adjustment nor refused it")


def _points(reply: dict[str, Any], value: Decimal) -> int | None:
    """The balance in points; None where Lightspeed does not tell it as a number."""
    first = reply["applied"][0] if isinstance(reply["applied"], list) else None
    balance = first.get("balance") if isinstance(first, dict) else None
    if isinstance(balance, bool) or not isinstance(balance, (int, Decimal)):
        return None
    return int(balance / value)
