"""BigCommerce's webhooks: signed doorbells.

https://developer.bigcommerce.com/docs/integrations/webhooks: Standard Webhooks, signed with the
client secret's own bytes over `{id}.{timestamp}.{body}`. The body holds a kind and an id, so
each one makes the poll ask at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.bigcommerce.payloads import HookData
from connectors.kit.payload import read
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Notice,
    NoticeKind,
    Reply,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    hmac_base64,
    no_events,
    require_fresh,
    require_match,
    signing_secrets,
)

ID, STAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
UNINSTALLED = "store/app/uninstalled"


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the client secret did not sign, what is stale, and another store's."""
    secrets = signing_secrets(*account.webhook_secrets)
    identity, stamp = request.headers.get(ID, ""), request.headers.get(STAMP, "")
    if not identity or not stamp:
        raise BadSignature(f"the {ID} or {STAMP} header is missing")
    content = _signed(identity, stamp, request.body)
    offered = request.headers.get(SIGNATURE, "").split()
    expected = [f"v1,{hmac_base64(secret, content)}" for secret in secrets]
    # Several signatures may stand beside each other while a secret is rotated.
    known = next((one for one in offered if one in expected), offered[0] if offered else None)
    require_match(known, expected, SIGNATURE)
    tolerance = timedelta(minutes=account.webhook_minutes)
    require_fresh(_time(stamp), request.received_at, tolerance)
    _require_own(request.body, getattr(account, "store_hash", None))


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The three headers of a genuine webhook, signed when it is received."""
    identity = request.headers.get(ID) or "msg_0000000000000000000001"
    stamp = str(int(request.received_at.timestamp()))
    signature = hmac_base64(account.client_secret, _signed(identity, stamp, request.body))
    return {ID: identity, STAMP: stamp, SIGNATURE: f"v1,{signature}"}


def _signed(identity: str, stamp: str, body: bytes) -> bytes:
    return f"{identity}.{stamp}.".encode("utf-8", "surrogateescape") + body


def _time(stamp: str) -> datetime:
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 11):
        raise BadSignature(f"the {STAMP} header is not a time in seconds")
    return datetime.fromtimestamp(int(stamp), UTC)


def _require_own(body: bytes, store_hash: str | None) -> None:
    """One client secret signs for every store of an app, so the body says whose it is.

    Nothing is asked where the store is not known: `hub verify-webhook` knows the secret alone.
    """
    if store_hash is None:
        return
    try:
        payload = decode_json(body)
    except Unreadable:
        return  # it is said when it is decoded
    producer = payload.get("producer") if isinstance(payload, dict) else None
    if isinstance(producer, str) and producer != f"stores/{store_hash}":
        raise BadSignature(
            f"the webhook comes from {producer[:60]!r}, but this connection belongs to "
            f"'stores/{store_hash}'"
        )


def _uninstalled(payload: Any, request: InboundRequest) -> Notice:
    read(HookData, payload)
    text = "the app was uninstalled from the store: install it again and enter its new token"
    return Notice(NoticeKind.REVOKED, text)


def _bell(scope: str, title: str) -> Trigger:
    sample = f"{scope.replace('/', '_')}.json"
    return Trigger(scope, (), title, no_events, sample, rings=True)


_ALL = (
    _bell("store/customer/created", "A customer was created."),
    _bell("store/customer/updated", "A customer's record changed."),
    _bell("store/order/created", "An order was placed."),
    _bell("store/order/updated", "An order changed."),
    _bell("store/order/statusUpdated", "An order's status changed."),
    _bell("store/order/refund/created", "Money was given back on an order."),
    Trigger(
        UNINSTALLED,
        (),
        "The app was uninstalled.",
        no_events,
        "store_app_uninstalled.json",
        notice=_uninstalled,
    ),
)


def _scope(request: InboundRequest, payload: Any) -> str:
    found = payload.get("scope") if isinstance(payload, dict) else None
    return found if isinstance(found, str) else ""


WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=_scope,
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=lambda request, payload: request.headers.get(ID),
    signing_field="client_secret",
    acknowledge=Reply(200, b"", "text/plain"),
)
