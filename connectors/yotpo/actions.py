"""What the hub does at Yotpo Loyalty: points, customer records, actions and redemptions.

Nothing there takes an idempotency key. What leaves a trace in the customer's history carries a
short mark of the job in its title, by which a lost answer is looked up.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from connectors.kit.action import Action, Capability, Idempotency, Job, Sent
from connectors.kit.capabilities import (
    CrmContact,
    Issued,
    PointsChange,
    PointsHeld,
    TrackedEvent,
    Whom,
)
from connectors.kit.errors import InvalidRequest, NotFound

if TYPE_CHECKING:
    from connectors.yotpo.client import YotpoClient

MARK = "(hub "
"""What the titles begin their marks with; the poll passes over such items of the history."""

KEPT = ("id", "country_iso_code", "tags")
"""The properties of a record that Yotpo has a place for."""


class RewardRedemption(Whom):
    """A person spends their Yotpo points on one of the redemption options.

    Attributes:
        option: Yotpo's number of the redemption option.
    """

    option: Annotated[int, Field(gt=0)]


async def adjust_points(client: YotpoClient, job: Job) -> PointsHeld:
    """Gives or takes points.

    https://loyaltyapi.yotpo.com/reference/adjust-a-customers-point-balance
    """
    change: PointsChange = job.input
    counts = client.account.counts_as_earned and change.points > 0
    made = await client.write(
        "/points/adjust",
        {
            **await client.naming(change),
            "point_adjustment_amount": change.points,
            "apply_adjustment_to_points_earned": counts,
            "visible_to_customer": "true",
            "history_title": _title(change.reason or "Points", job),
        },
    )
    return PointsHeld(balance=_balance(made))


async def find_points(client: YotpoClient, job: Job) -> PointsHeld | None:
    """The adjustment, if the customer's history has one with this job's mark."""
    customer = await client.customer(await client.naming(job.input), with_history=True)
    return PointsHeld(balance=_balance(customer)) if _is_in_history(customer, job) else None


async def upsert_customer(client: YotpoClient, job: Job) -> Sent:
    """Writes names and telephone; a field that is empty here stays what it is there.

    https://loyaltyapi.yotpo.com/reference/createupdate-customer-records. The opt-in is never
    sent: only the person may give it.
    """
    contact: CrmContact = job.input
    given = {
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "phone_number": contact.phone,
        **{name: str(contact.properties.get(name) or "") for name in KEPT},
    }
    body = {"email": contact.email, **{name: value for name, value in given.items() if value}}
    made = await client.write("/customers", body)
    return Sent(vendor_id=str(made.get("third_party_id") or ""))


async def record_action(client: YotpoClient, job: Job) -> Sent:
    """Reports what a person did; a campaign of that action name gives the points.

    https://loyaltyapi.yotpo.com/reference/record-a-customer-action
    """
    event: TrackedEvent = job.input
    body: dict[str, Any] = {
        "type": "CustomAction",
        **_by_email(event),
        "action_name": event.name,
        "created_at": event.time.isoformat(),
        "history_title": _title(event.name, job),
    }
    points = event.properties.get("reward_points")
    if points is not None:
        if not isinstance(points, int) or isinstance(points, bool) or points <= 0:
            raise InvalidRequest("reward_points has to be a whole number above 0")
        body["reward_points"] = points
    await client.write("/actions", body)
    return Sent()


async def find_action(client: YotpoClient, job: Job) -> Sent | None:
    """The action, if a campaign gave something for it that carries this job's mark."""
    try:
        customer = await client.customer(_by_email(job.input), with_history=True)
    except NotFound:
        return None
    return Sent() if _is_in_history(customer, job) else None


def _by_email(event: TrackedEvent) -> dict[str, str]:
    if not event.email:
        raise NotFound("Yotpo's actions need the person's e-mail address")
    return {"customer_email": event.email}


async def redeem_points(client: YotpoClient, job: Job) -> Issued:
    """Spends a person's points on a redemption option and returns the code where there is one.

    https://loyaltyapi.yotpo.com/reference/create-redemption
    """
    redemption: RewardRedemption = job.input
    naming = await client.naming(redemption)
    if "customer_id" in naming:
        naming = {"customer_external_id": naming["customer_id"]}
    body = {**naming, "redemption_option_id": redemption.option}
    made = await client.write("/redemptions", body)
    identity = made.get("point_redemption_id") or made.get("id") or ""
    code = made.get("coupon_code") or made.get("code") or ""
    return Issued(vendor_id=str(identity), code=str(code))


def _title(text: str, job: Job) -> str:
    return f"{text[:80]} {_mark(job)}"


def _mark(job: Job) -> str:
    return f"{MARK}{hashlib.sha256(job.key.encode()).hexdigest()[:16]})"


def _is_in_history(customer: dict[str, Any], job: Job) -> bool:
    items = customer.get("history_items")
    return any(_mark(job) in str(item) for item in (items if isinstance(items, list) else ()))


def _balance(found: dict[str, Any]) -> int | None:
    balance = found.get("points_balance")
    return balance if isinstance(balance, int) and not isinstance(balance, bool) else None


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
)

RECORD_ACTION = Action(
    name="record_action",
    title="Record what a customer did.",
    input=TrackedEvent,
    output=Sent,
    idempotency=Idempotency.SEARCH_FIRST,
    run=record_action,
    find=find_action,
    capability=Capability.TRACK,
    sample="record_action.response.json",
)

REDEEM_POINTS = Action(
    name="redeem_points",
    title="Spend a customer's points on a reward.",
    input=RewardRedemption,
    output=Issued,
    idempotency=Idempotency.NONE,
    run=redeem_points,
    sample="redeem_points.response.json",
)

ACTIONS: tuple[Action, ...] = (ADJUST_POINTS, UPSERT_CUSTOMER, RECORD_ACTION, REDEEM_POINTS)
