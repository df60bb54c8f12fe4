"""What SHOPLINE tells of the app itself, and of data that have to go.

The topic header is not signed, so each of them looks for what only its own body has: a signed
order sent again under another topic forgets nobody and pauses nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.kit.payload import read
from connectors.kit.webhook import InboundRequest, Notice, NoticeKind, Source, Unreadable
from connectors.shopline.payloads import RedactPayload
from loyalty.events import Customer, Erasure, Event, EventType, subject_of

COMPLIANCE = frozenset({"customers/redact", "merchants/redact"})
"""Mandatory topics, set in the app's configuration, not by subscription.

https://developer.shopline.com/docs/apps/api-instructions-for-use/webhooks/gdpr-webhook
"""


def parse_erasure(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """customers/redact: the person is to be forgotten."""
    found = read(RedactPayload, payload)
    if found.orders_to_redact is None or found.customer is None or found.customer.id is None:
        raise Unreadable("the request to erase names no customer and their orders")
    who = Customer(id=found.customer.id, email=found.customer.email, phone=found.customer.phone)
    return [
        Event(
            type=EventType.MEMBER_ERASED,
            store=source.store,
            key=found.customer.id,
            time=request.received_at,
            subject=subject_of(source.store, who, found.customer.id),
            data=Erasure(customer=who),
        )
    ]


def uninstalled(payload: Any, request: InboundRequest) -> Notice | None:
    """apps/installed_uninstalled: the access is gone; an installation is no news."""
    operate = payload.get("operate") if isinstance(payload, dict) else None
    if operate != "UNINSTALL":
        return None
    return Notice(
        NoticeKind.REVOKED,
        "the app was uninstalled from the shop: install it again and enter its new token",
    )


def shop_erasure(payload: Any, request: InboundRequest) -> Notice | None:
    """merchants/redact: everything of this shop is to go."""
    if not read(RedactPayload, payload).store_domain:
        return None
    return Notice(
        NoticeKind.SHOP_ERASURE,
        "the app was removed 48 hours ago, and the data of this shop's customers are to be erased",
    )
