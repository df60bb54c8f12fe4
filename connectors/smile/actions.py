"""What the hub does at Smile.io: customers, points transactions, purchases of rewards."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from connectors.kit.action import Action, Capability, Idempotency, Job, Sent
from connectors.kit.capabilities import CrmContact, Issued, PointsChange, PointsHeld, Whom
from connectors.kit.errors import ConnectorBug
from connectors.kit.values import decimals_as_text
from connectors.smile.client import id_of

if TYPE_CHECKING:
    from connectors.smile.client import SmileClient


class RewardPurchase(Whom):
    """A person spends their Smile.io points on one of the programme's rewards.

    Attributes:
        product: Smile's number of the points product.
        points: How many to spend, for products of variable price.
    """

    product: Annotated[int, Field(gt=0)]
    points: Annotated[int, Field(gt=0, le=1_000_000_000)] | None = None


async def adjust_points(client: SmileClient, job: Job) -> PointsHeld:
    """Gives or takes points. The mark in the internal note tells this job from all others.

    https://dev.smile.io/api/points-transactions/create-a-points-transaction
    """
    change: PointsChange = job.input
    transaction: dict[str, Any] = {
        "customer_id": await client.customer_id(change),
        "points_change": change.points,
        "internal_note": _mark(job),
    }
    if change.reason:
        transaction["description"] = change.reason
    body = {"points_transaction": transaction}
    made = await client.create("/points_transactions", body, answer="points_transaction")
    return PointsHeld(vendor_id=id_of(made))


async def find_points(client: SmileClient, job: Job) -> PointsHeld | None:
    """The transaction whose note carries this job's mark, if it was made."""
    customer = await client.customer_id(job.input)
    async for page in client.transactions(customer):
        for one in page:
            if isinstance(one, dict) and _mark(job) in str(one.get("internal_note") or ""):
                return PointsHeld(vendor_id=id_of(one))
    return None


def _mark(job: Job) -> str:
    return f"[hub {hashlib.sha256(job.key.encode()).hexdigest()[:20]}]"


async def upsert_customer(client: SmileClient, job: Job) -> Sent:
    """Writes a person's names and properties; an empty name leaves what is there.

    https://dev.smile.io/api/customer-identities: `distinct_id` is the person in *our* eyes,
    and the e-mail address is what CRM records are found by.
    """
    contact: CrmContact = job.input
    identity: dict[str, Any] = {
        "email": contact.email,
        "distinct_id": contact.email.strip().lower(),
    }
    names = {"first_name": contact.first_name, "last_name": contact.last_name}
    identity |= {name: value for name, value in names.items() if value}
    if contact.properties:
        identity["properties"] = {
            name: decimals_as_text(one) for name, one in contact.properties.items()
        }
    path = "/customer_identities/create_or_update"
    body = {"customer_identity": identity}
    made = await client.create(path, body, answer="customer_identity")
    return Sent(vendor_id=id_of({"id": made.get("customer_id")}))


async def purchase_reward(client: SmileClient, job: Job) -> Issued:
    """Spends a person's points on a reward and returns its code.

    https://dev.smile.io/api/points-products/purchase-a-points-product
    """
    purchase: RewardPurchase = job.input
    body: dict[str, Any] = {"customer_id": await client.customer_id(purchase)}
    if purchase.points is not None:
        body["points_to_spend"] = purchase.points
    path = f"/points_products/{purchase.product}/purchase"
    made = await client.create(path, body, answer="points_purchase")
    reward = made.get("reward_fulfillment")
    if not isinstance(reward, dict):
        raise ConnectorBug("Smile.io's answer names no reward for the points it took")
    code = str(reward.get("code") or "")
    return Issued(vendor_id=id_of(made), code=code, ends_at=_instant(reward.get("expires_at")))


def _instant(value: Any) -> datetime | None:
    if not value:
        return None
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise ConnectorBug("Smile.io's answer has an expiry that is no time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


ADJUST_POINTS = Action(
    name="adjust_points",
    title="Give or take a customer's points.",
    input=PointsChange,
    output=PointsHeld,
    idempotency=Idempotency.SEARCH_FIRST,
    run=adjust_points,
    find=find_points,
    capability=Capability.POINTS,
    sample="adjust_points.response.json",
    scopes=("customer:read", "points_transaction:write"),
)

UPSERT_CUSTOMER = Action(
    name="upsert_customer",
    title="Create or update a customer's record.",
    input=CrmContact,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=upsert_customer,
    capability=Capability.CRM,
    sample="upsert_customer.response.json",
    scopes=("customer:write",),
)

PURCHASE_REWARD = Action(
    name="purchase_reward",
    title="Spend a customer's points on a reward.",
    input=RewardPurchase,
    output=Issued,
    idempotency=Idempotency.NONE,
    run=purchase_reward,
    sample="purchase_reward.response.json",
    scopes=("customer:read", "points_product:read", "points_product:write"),
)

ACTIONS: tuple[Action, ...] = (ADJUST_POINTS, UPSERT_CUSTOMER, PURCHASE_REWARD)
