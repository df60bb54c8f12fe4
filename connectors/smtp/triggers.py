"""Bounces and complaints: the mails about mails, handed on by the server that receives them.

https://www.rfc-editor.org/rfc/rfc3464 and https://www.rfc-editor.org/rfc/rfc5965. Mails are not
signed for us: what proves a request is a word in the address that only the mail server and the
hub know. So nothing is told that could earn anything; a bounce can only take away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.kit.payload import Id, Items, Text, VendorModel, read
from connectors.kit.redact import without_people
from connectors.kit.webhook import (
    InboundRequest,
    Proof,
    Source,
    Trigger,
    Webhook,
    require_object,
    require_secret,
)
from connectors.smtp.account import SmtpAccount
from connectors.smtp.reports import DELIVERY_STATUS, FEEDBACK, OURS, decode
from loyalty.events import Channel, Customer, Event, EventType, MessageReport, subject_of

PERMANENT = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""No such mailbox or domain, moved, disabled (RFC 3463). A full mailbox (5.2.2) or a policy
(5.7.x) may be another tomorrow."""


class _Recipient(VendorModel):
    address: Text = ""
    action: Text = ""
    status: Text = ""
    diagnostic: Text = ""


class _Report(VendorModel):
    message_id: Id
    recipients: Items[_Recipient]


def verify(request: InboundRequest, account: SmtpAccount) -> None:
    """Refuses what does not come with the word in the address."""
    require_secret(request.query.get("token"), account.hook_token, "the token in the address")


def sign(request: InboundRequest, account: SmtpAccount) -> Mapping[str, str]:
    """No header proves anything here: the address does."""
    return {}


def query(account: SmtpAccount) -> Mapping[str, str]:
    """What proves a request, in the address that the mail server is given."""
    return {"token": account.hook_token.get_secret_value() if account.hook_token else ""}


def topic(request: InboundRequest, payload: Any) -> str:
    """The kind of report; empty where it is none, or about a mail that is not the hub's."""
    found = require_object(payload)
    is_ours = OURS.fullmatch(str(found.get("message_id")))
    return str(found.get("kind")) if is_ours else ""


def delivery_id(request: InboundRequest, payload: Any) -> str | None:
    """The Message-ID of the mail that the report is about."""
    found = require_object(payload).get("message_id")
    return found if isinstance(found, str) and found else None


def parse_delivery(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """Whom a mail reached or did not reach; one that is only late is not told."""
    kinds = {"failed": EventType.MESSAGE_BOUNCED, "delivered": EventType.MESSAGE_DELIVERED}
    return _events(payload, request, source, kinds)


def parse_feedback(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """Who called a mail of ours unwanted: they get no more of them."""
    return _events(payload, request, source, {"abuse": EventType.MESSAGE_COMPLAINED})


def _events(
    payload: Any, request: InboundRequest, source: Source, kinds: Mapping[str, EventType]
) -> list[Event]:
    found = read(_Report, payload)
    told: dict[str, Event] = {}
    for one in found.recipients:
        if one.address and one.action in kinds:
            event = _event(kinds[one.action], found.message_id, one, (request, source))
            told.setdefault(event.key, event)
    return list(told.values())


def _event(
    kind: EventType, message_id: str, one: _Recipient, origin: tuple[InboundRequest, Source]
) -> Event:
    request, source = origin
    about = hashlib.sha256(f"{message_id}\n{one.address.lower()}".encode()).hexdigest()[:40]
    is_unwanted = kind is EventType.MESSAGE_COMPLAINED
    key = f"{one.action}:{about}"
    return Event(
        type=kind,
        store=source.store,
        key=key,
        time=request.received_at,
        subject=subject_of(source.store, Customer(email=one.address), key),
        data=MessageReport(
            channel=Channel.EMAIL,
            address=one.address,
            vendor_message_id=message_id,
            detail=without_people(f"{one.status} {one.diagnostic}".strip())[:500],
            permanent=is_unwanted or one.status in PERMANENT,
        ),
    )


TRIGGERS = (
    Trigger(
        DELIVERY_STATUS,
        (EventType.MESSAGE_BOUNCED, EventType.MESSAGE_DELIVERED),
        "A mail came back, or reached its mailbox.",
        parse_delivery,
        "delivery-status.eml",
    ),
    Trigger(
        FEEDBACK,
        (EventType.MESSAGE_COMPLAINED,),
        "Somebody called a mail of ours unwanted.",
        parse_feedback,
        "feedback-report.eml",
    ),
)

WEBHOOK = Webhook(
    verify=verify,
    decode=decode,
    topic=topic,
    triggers={one.vendor_event: one for one in TRIGGERS},
    sign=sign,
    delivery_id=delivery_id,
    signing_field="hook_token",
    proof=Proof.SECRET,
    query=query,
)
