"""Wix's webhooks: doorbells whose body is a signed token.

https://dev.wix.com/docs/rest/articles/get-started/webhook-structure: the whole body is a JWT; in
its claim `data` stand `eventType`, `instanceId` and the event as text of JSON. The signature is
checked, and so is the token in the address. Each one makes the poll ask at once: Wix wants its
answer within 1.25 seconds, and sends events out of order.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Notice,
    NoticeKind,
    Proof,
    Reply,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    no_events,
    require_object,
    require_secret,
)
from connectors.wix.tokens import claims_of, parts

AHEAD = timedelta(minutes=5)
REMOVED = "AppRemoved"


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what Wix did not sign for this app, what is stale, and another site's."""
    require_secret(request.query.get("token"), account.hook_token, "the token in the address")
    claims = claims_of(request.body, account.public_pem)
    now = request.received_at
    issued, ends = _time(claims, "iat"), _time(claims, "exp")
    if issued is None and ends is None:
        raise BadSignature("the token says neither when it was issued nor when it ends")
    if ends is not None and ends + AHEAD < now:
        raise BadSignature(f"the token ended at {ends.isoformat()}: a replayed request")
    oldest = now - timedelta(hours=account.webhook_hours)
    if issued is not None and not oldest <= issued <= now + AHEAD:
        raise BadSignature(f"the token was issued at {issued.isoformat()}, too far from now")
    instance = _data(claims).get("instanceId")
    if account.instance_id and instance != account.instance_id:
        raise BadSignature("the webhook comes from another site on which the app is installed")


def _time(claims: Mapping[str, Any], name: str) -> datetime | None:
    found = claims.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int) or not 0 < found < 10**11:
        raise BadSignature(f"the token's {name} is not a time in seconds")
    return datetime.fromtimestamp(found, UTC)


def _data(claims: Any) -> dict[str, Any]:
    """The claim `data`: an object, or the text of one."""
    found = claims.get("data") if isinstance(claims, dict) else None
    try:
        found = decode_json(found.encode("utf-8", "replace")) if isinstance(found, str) else found
    except Unreadable:
        return {}
    return found if isinstance(found, dict) else {}


def decode(body: bytes) -> dict[str, Any]:
    """The token's claims, `data` decoded."""
    _, claims, _, _ = parts(body)
    return {**claims, "data": require_object(_data(claims))}


def _topic(request: InboundRequest, payload: Any) -> str:
    found = _data(payload).get("eventType")
    return found if isinstance(found, str) else ""


def _event_id(request: InboundRequest, payload: Any) -> str | None:
    inner = _data(_data(payload)).get("id")
    return inner[:100] if isinstance(inner, str) else None


def _removed(payload: Any, request: InboundRequest) -> Notice:
    text = "the app was removed from the site: install it again and enter its new instance id"
    return Notice(NoticeKind.REVOKED, text)


def _bell(event: str, title: str) -> Trigger:
    return Trigger(event, (), title, no_events, f"{event.replace('.', '_')}.txt", rings=True)


_ALL = (
    _bell("wix.contacts.v4.contact_created", "A contact was created."),
    _bell("wix.contacts.v4.contact_updated", "A contact changed."),
    _bell("wix.ecom.v1.order_approved", "An order was placed or paid."),
    _bell("wix.ecom.v1.order_updated", "An order changed."),
    _bell("wix.ecom.v1.order_canceled", "An order was cancelled."),
    _bell("wix.ecom.v1.order_payment_status_updated", "An order was paid or refunded."),
    _bell("wix.loyalty.v1.transaction_created", "Loyalty points were earned or redeemed."),
    Trigger(REMOVED, (), "The app was removed.", no_events, "AppRemoved.txt", notice=_removed),
)

WEBHOOK = Webhook(
    verify=verify,
    decode=decode,
    topic=_topic,
    triggers={one.vendor_event: one for one in _ALL},
    sign=lambda request, account: {},
    delivery_id=_event_id,
    signing_field="hook_token",
    proof=Proof.SECRET,
    query=lambda account: {"token": account.hook_token.get_secret_value()},
    acknowledge=Reply(200, b"", "text/plain"),
)
