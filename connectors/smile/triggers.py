"""Smile.io's webhooks: two topics, and no signature.

Follows https://dev.smile.io/guides/apps/webhooks: bodies have `topic`, `account_id` and `data`;
the page names no signature (the `Smile-Signature` that search engines find is another
company's). So the address carries a token, and what comes in only rings: the customers are
then asked for over the API. `ping`, sent when a webhook is made, is acknowledged and ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.kit.webhook import (
    InboundRequest,
    Proof,
    Trigger,
    Webhook,
    decode_json,
    no_events,
    require_secret,
)


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what was not sent to this connection's own, unguessable address."""
    require_secret(request.query.get("token"), account.hook_token, "the token in the address")


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """Nothing: the address is the proof."""
    return {}


def query(account: Any) -> Mapping[str, str]:
    """What stands in the address to register."""
    token = account.hook_token
    return {"token": token.get_secret_value()} if token else {}


def topic_of(request: InboundRequest, payload: Any) -> str:
    """The topic that the body names."""
    found = payload.get("topic") if isinstance(payload, dict) else None
    return found if isinstance(found, str) else ""


CUSTOMER_UPDATED = Trigger(
    vendor_event="customer/updated",
    event_types=(),
    title="A customer was created or changed.",
    parse=no_events,
    sample="customer_updated.json",
    rings=True,
)

WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=topic_of,
    triggers={CUSTOMER_UPDATED.vendor_event: CUSTOMER_UPDATED},
    sign=sign,
    signing_field="hook_token",
    proof=Proof.SECRET,
    query=query,
)
