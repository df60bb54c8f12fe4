"""Intuit's webhooks, in both formats: doorbells, but for deletions.

https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks: base64 of an HMAC-SHA256
over the body. A notification names records and what was done to them, so the poll is asked; only
what was deleted nobody can ask for, and it is told at once. Until 2026 the body is an object
with `eventNotifications`, from then on a list of CloudEvents; either is taken at any time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.kit.payload import Id, Instant, VendorModel, read
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Reply,
    Source,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    hmac_base64,
    no_events,
    require_match,
    signing_secrets,
)
from connectors.quickbooks.books import deleted
from loyalty.events import Event, EventType

SIGNATURE = "intuit-signature"
RECEIPT, CUSTOMER, DELETED = "SalesReceipt", "Customer", "SalesReceipt.deleted"
_TYPE = re.compile(r"qbo\.(\w+)\.(\w+)\.v\d+")
_NAMES = {"salesreceipt": RECEIPT, "customer": CUSTOMER}
_DONE = {"delete": "deleted", "deleted": "deleted"}


@dataclass(frozen=True, slots=True)
class Change:
    """One record that something was done to, in whichever format it was told."""

    realm: str
    entity: str
    id: Any
    operation: str
    time: Any

    @property
    def topic(self) -> str:
        """Which trigger it rings; empty for records that the hub does not look at."""
        name = _NAMES.get(self.entity.lower(), "")
        return DELETED if name == RECEIPT and self.operation == "deleted" else name


def changes(payload: Any) -> Iterator[Change]:
    """All that a body tells, oldest format or newest; what is neither tells nothing."""
    if isinstance(payload, list):
        for one in payload:
            yield from _cloud_event(one)
        return
    notifications = payload.get("eventNotifications") if isinstance(payload, dict) else None
    for one in notifications if isinstance(notifications, list) else ():
        yield from _legacy(one)


def _cloud_event(one: Any) -> Iterator[Change]:
    kind = _TYPE.fullmatch(str(one.get("type"))) if isinstance(one, dict) else None
    if kind:
        done = _DONE.get(kind[2].lower(), kind[2].lower())
        realm = str(one.get("intuitaccountid"))
        yield Change(realm, kind[1], one.get("intuitentityid"), done, one.get("time"))


def _legacy(one: Any) -> Iterator[Change]:
    event = one.get("dataChangeEvent") if isinstance(one, dict) else None
    entities = event.get("entities") if isinstance(event, dict) else None
    for entity in entities if isinstance(entities, list) else ():
        if isinstance(entity, dict):
            operation = str(entity.get("operation")).lower()
            done = _DONE.get(operation, operation)
            name, when = str(entity.get("name")), entity.get("lastUpdated")
            yield Change(str(one.get("realmId")), name, entity.get("id"), done, when)


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the verifier token did not sign, and what is of another company.

    Numbers of records are a company's own: another one's deletion would take back a sale here.
    """
    (secret,) = signing_secrets(account.verifier_token)
    given = request.headers.get(SIGNATURE)
    require_match(given, [hmac_base64(secret, request.body)], SIGNATURE)
    try:
        realms = {change.realm for change in changes(decode_json(request.body))}
    except Unreadable:
        return  # it is reported as unreadable where it is read
    own = getattr(account, "realm_id", None)  # `hub verify-webhook` knows the secret alone
    if own is not None and realms - {own}:
        raise BadSignature(
            "the notification is of another company than this connection's: give each company "
            "an app of its own"
        )


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The header by which Intuit proves a webhook."""
    return {SIGNATURE: hmac_base64(account.verifier_token, request.body)}


class Gone(VendorModel):
    id: Id
    time: Instant


def parse_deleted(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """Receipts that were deleted; whatever else the body names, the poll tells."""
    found: dict[str, datetime] = {}
    for one in changes(payload):
        if one.topic == DELETED:
            gone = read(Gone, {"id": one.id, "time": _iso(one.time)})
            found.setdefault(gone.id, gone.time)
    return [deleted(identity, when, source) for identity, when in found.items()]


def _iso(value: Any) -> Any:
    """Nine digits of a second, and zones without a colon, are more than Python reads."""
    if not isinstance(value, str):
        return value
    text = re.sub(r"(\.\d{6})\d+", r"\1", value)
    return re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text)


def topic_of(request: InboundRequest, payload: Any) -> str:
    """Of all that is told what matters most: a deletion, a sale, a customer."""
    told = {change.topic for change in changes(payload)}
    return next((one for one in (DELETED, RECEIPT, CUSTOMER) if one in told), "")


def _delivery(request: InboundRequest, payload: Any) -> str | None:
    one = payload[0] if isinstance(payload, list) and payload else None
    if isinstance(one, dict) and isinstance(one.get("id"), str):
        return str(one["id"])[:200]
    first = next(changes(payload), None)
    return f"{first.entity}:{first.id}:{first.operation}:{first.time}"[:200] if first else None


_ALL = (
    Trigger(
        vendor_event=RECEIPT,
        event_types=(),
        title="A sales receipt was written or voided.",
        parse=no_events,
        sample="sales_receipt.json",
        rings=True,
    ),
    Trigger(
        vendor_event=CUSTOMER,
        event_types=(),
        title="A customer was created or changed.",
        parse=no_events,
        sample="customer.json",
        rings=True,
    ),
    Trigger(
        vendor_event=DELETED,
        event_types=(EventType.ORDER_CANCELLED,),
        title="A sales receipt was deleted.",
        parse=parse_deleted,
        sample="sales_receipt_deleted.json",
        rings=True,
    ),
)

WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic_of,
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=_delivery,
    signing_field="verifier_token",
    acknowledge=Reply(200, b"", "text/plain"),
)
