"""The notification callback at the hub's address, and its subscription to the kinds of events.

https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/ens-get-started.html. A
callback has to be verified by a key that the vendor sends to the address, once: the gateway
logs it, a person enters it, and the next look finishes the work. The signature key is shown
only when it is made, so it is made anew for a subscription that is new.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr

from connectors.kit.errors import ConnectorBug, InvalidRequest
from connectors.kit.subscriptions import Lifecycle, Subscription, Wanted
from connectors.salesforce.client import text_of
from connectors.salesforce.triggers import KINDS, MAX_EVENTS

CALLBACKS = "/platform/v1/ens-callbacks"
SUBSCRIPTIONS_PATH = "/platform/v1/ens-subscriptions"
NAME = "Loyalty Hub"


async def listed(client: Any) -> Sequence[Subscription]:
    """The subscriptions of every callback of the business unit."""
    found: list[Subscription] = []
    for callback in await _callbacks(client):
        path = f"{SUBSCRIPTIONS_PATH}-by-cb/{text_of(callback, 'callbackId')}"
        address = text_of(callback, "url")
        found += [_subscription(one, address) for one in _list(await client.call("GET", path))]
    return found


async def create(client: Any, wanted: Wanted) -> Subscription:
    """Makes one on the address's callback, which is made and verified first.

    Raises:
        InvalidRequest: The callback waits for its verification key.
    """
    callback = await _verified_callback(client, wanted.address)
    identity = text_of(callback, "callbackId")
    renewed = await client.call("PUT", "/platform/v1/ens-regenerate", {"callbackId": identity})
    body = {
        "callbackId": identity,
        "subscriptionName": f"{NAME} {identity[:8]}",
        "eventCategoryTypes": list(wanted.topics),
    }
    made = _list(await client.call("POST", SUBSCRIPTIONS_PATH, [body]))
    if not made:
        raise ConnectorBug("Marketing Cloud's answer holds no subscription")
    secret = SecretStr(text_of(renewed, "signatureKey"))
    found = _subscription({**body, **made[0]}, wanted.address)
    return Subscription(found.id, found.address, found.topics, secret=secret)


async def delete(client: Any, subscription_id: str) -> None:
    """Removes one; NotFound where it is gone. Its callback stays, verified."""
    await client.call("DELETE", f"{SUBSCRIPTIONS_PATH}/{subscription_id}")


async def _verified_callback(client: Any, address: str) -> dict[str, Any]:
    there = [one for one in await _callbacks(client) if one.get("url") == address]
    if not there:
        body = [{"callbackName": NAME, "url": address, "maxBatchSize": MAX_EVENTS}]
        there = _list(await client.call("POST", CALLBACKS, body))
    if not there:
        raise ConnectorBug("Marketing Cloud's answer holds no callback")
    callback = there[0]
    if str(callback.get("status", "")).lower() != "verified":
        key = client.account.verification_key
        if key is None:
            raise InvalidRequest(
                "the notification callback waits for its verification: the gateway's log names "
                "the key; enter it as `verification_key` in the connection's block"
            )
        proof = {
            "callbackId": text_of(callback, "callbackId"),
            "verificationKey": key.get_secret_value(),
        }
        await client.call("POST", "/platform/v1/ens-verify", proof)
    return callback


async def _callbacks(client: Any) -> list[dict[str, Any]]:
    return _list(await client.call("GET", CALLBACKS))


def _list(reply: Any) -> list[dict[str, Any]]:
    if not isinstance(reply, list) or not all(isinstance(one, dict) for one in reply):
        raise ConnectorBug("Marketing Cloud's answer is no list of objects")
    return reply


def _subscription(record: dict[str, Any], address: str) -> Subscription:
    kinds = record.get("eventCategoryTypes")
    return Subscription(
        id=text_of(record, "subscriptionId"),
        address=address,
        topics=tuple(str(one) for one in kinds) if isinstance(kinds, list) else (),
        is_active=str(record.get("status", "active")).lower() == "active",
    )


SUBSCRIPTIONS = Lifecycle(
    topics=tuple(KINDS),
    listed=listed,
    create=create,
    delete=delete,
    one_per_topic=False,
    secret_field="signature_key",  # noqa: S106 - the name of a field
)
