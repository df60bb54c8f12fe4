"""Pipedrive's webhooks: doorbells.

https://pipedrive.readme.io/docs/guide-for-webhooks-v2: the body holds the record, and nothing
signs it. HTTP Basic proves that the sender knows the password, so a webhook moves nothing: it
makes the poll ask at once. Bodies of the first version ring too.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from connectors.kit.webhook import (
    InboundRequest,
    Proof,
    Trigger,
    Webhook,
    decode_json,
    no_events,
    require_match,
    signing_secrets,
)

USER = "loyalty-hub"
"""The user name of HTTP Basic: the password is what counts."""


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what does not know the password."""
    (password,) = signing_secrets(account.hook_password)
    require_match(request.headers.get("authorization"), [_basic(password)], "Authorization")


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The header that Pipedrive sends."""
    return {"authorization": _basic(account.hook_password)}


def _basic(password: SecretStr) -> str:
    pair = f"{USER}:{password.get_secret_value()}".encode()
    return f"Basic {b64encode(pair).decode('ascii')}"


def topic(request: InboundRequest, payload: Any) -> str:
    """The kind of record: which one, and what of it changed, is asked of Pipedrive itself."""
    meta = payload.get("meta") if isinstance(payload, dict) else None
    found = (meta.get("entity") or meta.get("object")) if isinstance(meta, dict) else None
    return found if isinstance(found, str) else ""


def _delivery(request: InboundRequest, payload: Any) -> str | None:
    meta = payload.get("meta") if isinstance(payload, dict) else None
    if not isinstance(meta, dict) or not meta.get("id"):
        return None
    return f"{str(meta['id'])[:60]}:{str(meta.get('attempt', ''))[:5]}"


_ALL = (
    Trigger("person", (), "A person was created or changed.", no_events,
            "person.json", rings=True),
    Trigger("deal", (), "A deal was created or changed.", no_events, "deal.json", rings=True),
    Trigger("activity", (), "An activity was planned, changed or done.", no_events,
            "activity.json", rings=True),
)  # fmt: skip

WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic,
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=_delivery,
    signing_field="hook_password",
    proof=Proof.SECRET,
)
