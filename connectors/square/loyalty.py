"""Square's loyalty programme: accounts, points and rewards.

https://developer.squareup.com/docs/loyalty-api/overview. Every write takes an idempotency key:
the same key does the work once, and answers the same again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import PointsChange, PointsHeld, Whom
from connectors.kit.errors import ConnectorBug, InvalidRequest, NotFound
from connectors.square.inputs import LoyaltyEnrolment, PurchasePoints, RewardChoice, RewardUse
from connectors.square.records import LOYALTY, Record, id_of

if TYPE_CHECKING:
    from connectors.square.client import SquareClient


async def create_loyalty_account(client: SquareClient, job: Job) -> Sent:
    """Enrols a telephone number in the seller's programme; who is in it stays as they are."""
    person: LoyaltyEnrolment = job.input
    held = await _search(client, {"mappings": [{"phone_number": person.phone}]})
    if held is not None:
        return Sent(vendor_id=id_of(held))
    program = (await client.get(f"{LOYALTY}/programs/main")).get("program")
    account: Record = {"program_id": id_of(program), "mapping": {"phone_number": person.phone}}
    if person.customer_id:
        account["customer_id"] = person.customer_id
    reply = await client.post(f"{LOYALTY}/accounts", {"loyalty_account": account, **_key(job)})
    return Sent(vendor_id=id_of(reply.get("loyalty_account")))


async def accumulate_points(client: SquareClient, job: Job) -> Sent:
    """Adds the points of a purchase; of an order Square works them out itself."""
    bought: PurchasePoints = job.input
    points: Record = {"order_id": bought.order_id} if bought.order_id else {"points": bought.points}
    body = {
        "accumulate_points": points,
        "location_id": _location(client, bought.location_id),
        **_key(job),
    }
    account = await _account_id(client, bought)
    reply = await client.post(f"{LOYALTY}/accounts/{quote(account, safe='')}/accumulate", body)
    events = reply.get("events")
    # A purchase that earns nothing by the programme's rules is answered without an event.
    return Sent(vendor_id=id_of(events[0]) if isinstance(events, list) and events else "")


async def change_points(client: SquareClient, job: Job) -> PointsHeld:
    """Adds or takes points outside of a purchase."""
    change: PointsChange = job.input
    adjusted: Record = {"points": change.points}
    if change.reason:
        adjusted["reason"] = change.reason
    body: Record = {"adjust_points": adjusted, **_key(job)}
    if change.points < 0 and client.allows_negative:
        body["allow_negative_balance"] = True
    account = await _account_id(client, change)
    reply = await client.post(f"{LOYALTY}/accounts/{quote(account, safe='')}/adjust", body)
    return PointsHeld(vendor_id=id_of(reply.get("event")))


async def create_reward(client: SquareClient, job: Job) -> Sent:
    """Sets the points of a reward tier aside, and puts the discount on an open order."""
    choice: RewardChoice = job.input
    reward: Record = {
        "loyalty_account_id": await _account_id(client, choice),
        "reward_tier_id": choice.reward_tier_id,
    }
    if choice.order_id:
        reward["order_id"] = choice.order_id
    reply = await client.post(f"{LOYALTY}/rewards", {"reward": reward, **_key(job)})
    return Sent(vendor_id=id_of(reply.get("reward")))


async def redeem_reward(client: SquareClient, job: Job) -> Sent:
    """Uses a reward up: its points cannot come back after this."""
    use: RewardUse = job.input
    body = {"location_id": _location(client, use.location_id), **_key(job)}
    path = f"{LOYALTY}/rewards/{quote(use.reward_id, safe='')}/redeem"
    return Sent(vendor_id=id_of((await client.post(path, body)).get("event")))


def _key(job: Job) -> dict[str, str]:
    """Square's keys have 128 characters at most; ours may be longer."""
    return {"idempotency_key": str(uuid5(NAMESPACE_URL, job.key))}


def _location(client: SquareClient, named: str) -> str:
    found = named or client.location_id
    if not found:
        raise InvalidRequest(
            "Square wants to know the location: name one in the action or in the connection's block"
        )
    return found


async def _account_id(client: SquareClient, whom: Whom) -> str:
    """The loyalty account of a person: by Square's customer id, telephone, then e-mail.

    Raises:
        NotFound: They are not in the seller's loyalty programme.
    """
    questions: list[Record] = []
    if whom.customer_id:
        questions.append({"customer_ids": [whom.customer_id]})
    if whom.phone:
        questions.append({"mappings": [{"phone_number": whom.phone}]})
    for question in questions:
        if (held := await _search(client, question)) is not None:
            return id_of(held)
    customers = await _customers_with(client, whom.email) if whom.email else []
    held = await _search(client, {"customer_ids": customers}) if customers else None
    if held is not None:
        return id_of(held)
    raise NotFound("this person has no loyalty account at Square: enrol them by telephone first")


async def _search(client: SquareClient, query: Record) -> Any:
    reply = await client.ask(f"{LOYALTY}/accounts/search", {"query": query, "limit": 1})
    found = reply.get("loyalty_accounts") or []
    if not isinstance(found, list):
        raise ConnectorBug("Square's answer has no list of loyalty accounts")
    return found[0] if found else None


async def _customers_with(client: SquareClient, email: str) -> list[str]:
    query = {"filter": {"email_address": {"exact": email}}}
    reply = await client.ask("/v2/customers/search", {"query": query, "limit": 10})
    found = reply.get("customers")
    return [id_of(one) for one in found] if isinstance(found, list) else []
