"""What the hub does at Lightspeed: customers, their group, and their loyalty balance."""

from __future__ import annotations

from connectors.kit.action import Action, Capability, Idempotency, Sent
from connectors.kit.capabilities import CrmContact, ListMembership, PointsChange, PointsHeld
from connectors.lightspeed.customers import set_group, upsert_customer
from connectors.lightspeed.loyalty import adjust_loyalty

UPSERT_CUSTOMER = Action(
    name="upsert_customer",
    title="Create or update a customer.",
    input=CrmContact,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=upsert_customer,
    capability=Capability.CRM,
    sample="upsert_customer.response.json",
    scopes=("customers:read", "customers:write"),
)

ADJUST_LOYALTY = Action(
    name="adjust_loyalty",
    title="Add to or take from a customer's loyalty balance.",
    input=PointsChange,
    output=PointsHeld,
    idempotency=Idempotency.NATIVE_KEY,
    run=adjust_loyalty,
    capability=Capability.POINTS,
    sample="adjust_loyalty.response.json",
    scopes=("customers:read", "loyalty.transaction.write"),
)

SET_GROUP = Action(
    name="set_group",
    title="Put a customer into a customer group.",
    input=ListMembership,
    output=Sent,
    idempotency=Idempotency.UPSERT,
    run=set_group,
    capability=Capability.LIST,
    sample="set_group.response.json",
    scopes=("customers:read", "customers:write"),
)

ACTIONS: tuple[Action, ...] = (UPSERT_CUSTOMER, ADJUST_LOYALTY, SET_GROUP)
