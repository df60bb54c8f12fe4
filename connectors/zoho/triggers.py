"""Zoho's notifications: doorbells.

https://www.zoho.com/crm/developer/docs/api/v8/notifications/overview.html: the body names the
module, the operation and the ids, and repeats the token that was given when the channel was
opened. Nothing is signed, so a notification moves nothing: it makes the poll ask at once.

Whether Zoho keeps the query of the address it calls is not documented. The same secret is
therefore in the address and in the channel's token, and either proves the notification.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.kit.webhook import (
    InboundRequest,
    Proof,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    no_events,
    require_secret,
)

OPERATIONS = ("create", "edit")
"""What a channel listens to, of each module."""


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what does not know the token."""
    given = request.query.get("token") or _echoed(request.body)
    require_secret(given, account.hook_token, "the token in the address or the body")


def _echoed(body: bytes) -> str | None:
    try:
        payload = decode_json(body)
    except Unreadable:
        return None
    token = payload.get("token") if isinstance(payload, dict) else None
    return token if isinstance(token, str) else None


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """Nothing is signed: the token stands in the address."""
    return {}


def topic(request: InboundRequest, payload: Any) -> str:
    """The module: which record it was, and what of it changed, is asked of Zoho itself."""
    module = payload.get("module") if isinstance(payload, dict) else None
    if isinstance(module, dict):
        module = module.get("api_name")
    return module if isinstance(module, str) else ""


def _delivery(request: InboundRequest, payload: Any) -> str | None:
    if not isinstance(payload, dict):
        return None
    ids = payload.get("ids")
    first = ids[0] if isinstance(ids, list) and ids else "?"
    parts = (payload.get("channel_id"), payload.get("operation"), first)
    return ":".join(str(part)[:40] for part in parts)


_ALL = (
    Trigger("Contacts", (), "A contact was created or changed.", no_events,
            "contacts.json", rings=True),
    Trigger("Leads", (), "A lead was created or changed.", no_events, "leads.json", rings=True),
    Trigger("Deals", (), "A deal was created or changed.", no_events, "deals.json", rings=True),
)  # fmt: skip

WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic,
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=_delivery,
    signing_field="hook_token",
    proof=Proof.SECRET,
    query=lambda account: {"token": account.hook_token.get_secret_value()},
)
