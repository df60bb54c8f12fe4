"""Yotpo Loyalty's webhooks: a shared secret, and bodies that are not documented.

The dashboard takes one address and one *webhook authentication* for all loyalty events (points
awarded, redemptions, tiers, …). Neither the bodies' shape nor a signature is documented, so
whatever comes in only rings: the poll then reads the customers' histories over the API.
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
    require_object,
    require_secret,
)


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what lacks the token in the address, or the header where one is set."""
    require_secret(request.query.get("token"), account.hook_token, "the token in the address")
    if name := account.proof_header.lower():
        given = request.headers.get(name)
        require_secret(given, account.proof_header_value, f"the {name} header")


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The header that was agreed on, where there is one."""
    if not account.proof_header or account.proof_header_value is None:
        return {}
    return {account.proof_header.lower(): account.proof_header_value.get_secret_value()}


def _decode(body: bytes) -> Any:
    return require_object(decode_json(body))


LOYALTY_EVENT = Trigger(
    vendor_event="loyalty_event",
    event_types=(),
    title="Something happened in the loyalty programme.",
    parse=no_events,
    sample="loyalty_event.json",
    rings=True,
)

WEBHOOK = Webhook(
    verify=verify,
    decode=_decode,
    topic=lambda request, payload: LOYALTY_EVENT.vendor_event,
    triggers={LOYALTY_EVENT.vendor_event: LOYALTY_EVENT},
    sign=sign,
    signing_field="hook_token",
    proof=Proof.SECRET,
    query=lambda account: {"token": account.hook_token.get_secret_value()},
)
