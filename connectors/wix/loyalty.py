"""Loyalty points.

https://dev.wix.com/docs/rest/crm/loyalty-program/accounts: points are earned under an
idempotency key; taking some away is an adjustment, which has none. Both leave a transaction by
which they can be found: by the key, or by the mark in its description.
"""

from __future__ import annotations

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from connectors.kit.action import Job
from connectors.kit.capabilities import PointsChange, PointsHeld
from connectors.kit.errors import ConnectorBug, InvalidRequest
from connectors.wix.contacts import contact_id_of

if TYPE_CHECKING:
    from connectors.wix.client import WixClient

MOST = 9_999_999
LOYALTY_APP = "553c79f3-5625-4f38-b14b-ef7c0d1e87df"
"""Wix's own loyalty app: what points are earned for that were given by hand."""
LOOKED_THROUGH = 200
"""Of an account's newest transactions: a lost answer is looked up soon after."""


async def find_points(client: WixClient, job: Job) -> PointsHeld | None:
    """The transaction of this very job, if it was made."""
    change: PointsChange = job.input
    accounts = await client.loyalty_accounts(await contact_id_of(client, change))
    if not accounts:
        return None
    query = {
        "filter": {"accountId": _id(accounts[0])},
        "sort": [{"fieldName": "createdDate", "order": "DESC"}],
    }
    seen = 0
    async for page in client.transactions(query):
        for one in page:
            if one.get("idempotencyKey") == _key(job) or _mark(job) in str(one.get("description")):
                return PointsHeld(vendor_id=_id(one), balance=_balance(accounts[0]))
        seen += len(page)
        if seen >= LOOKED_THROUGH:
            return None
    return None


async def change_points(client: WixClient, job: Job) -> PointsHeld:
    """Gives or takes points; somebody who is no member of the programme yet becomes one.

    Raises:
        Conflict: The account changed meanwhile; nothing was done.
    """
    change: PointsChange = job.input
    if abs(change.points) > MOST:
        raise InvalidRequest(f"Wix takes {MOST} points at once at most")
    contact_id = await contact_id_of(client, change)
    accounts = await client.loyalty_accounts(contact_id)
    account = accounts[0] if accounts else await client.create_loyalty_account(contact_id)
    mark = _mark(job)
    words = f"{change.reason[: 99 - len(mark)]} {mark}".strip()
    if change.points > 0:
        body: dict[str, Any] = {
            "amount": change.points,
            "appId": client.app_id or LOYALTY_APP,
            "idempotencyKey": _key(job),
            "description": words,
        }
        reply = await client.change_points(_id(account), "earn-points", body)
    else:
        body = {"amount": change.points, "revision": _revision(account), "description": words}
        reply = await client.change_points(_id(account), "adjust-points", body)
    made = reply.get("transactionId") if isinstance(reply, dict) else None
    if not isinstance(made, str):
        raise ConnectorBug("Wix's answer names no transaction")
    return PointsHeld(vendor_id=made, balance=_balance(reply.get("account")))


def _key(job: Job) -> str:
    return str(uuid5(NAMESPACE_URL, job.key))


def _mark(job: Job) -> str:
    """What tells this job's transaction from all others."""
    return f"[hub {hashlib.sha256(job.key.encode()).hexdigest()[:20]}]"


def _id(record: Any) -> str:
    found = record.get("id") if isinstance(record, dict) else None
    if not isinstance(found, str) or not found:
        raise ConnectorBug("Wix's loyalty record has no id")
    return found


def _revision(account: Any) -> str:
    found = account.get("revision")
    if found is None:
        raise ConnectorBug("Wix's loyalty account has no revision")
    return str(found)


def _balance(account: Any) -> int | None:
    points = account.get("points") if isinstance(account, dict) else None
    found = points.get("balance") if isinstance(points, dict) else None
    is_number = isinstance(found, (int, Decimal)) and not isinstance(found, bool)
    return int(found) if is_number and found is not None else None
