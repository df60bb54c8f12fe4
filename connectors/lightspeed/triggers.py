"""Lightspeed's webhooks: doorbells.

https://x-series-api.lightspeedhq.com/docs/webhooks: a form whose field `payload` holds the
record. No signature is documented, so a webhook proves itself by the token in its address and
moves nothing: it makes the poll ask at once. Who knows that their webhooks are signed
(`X-Signature: signature=…,algorithm=HMAC-SHA256`, by the add-on's client secret) can require it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from connectors.kit.webhook import (
    InboundRequest,
    Proof,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    hmac_hex,
    no_events,
    require_match,
    require_secret,
    signing_secrets,
)

CUSTOMER = "customer.update"
SALE = "sale.update"
SIGNATURE = "X-Signature"
OF_A_SALE = frozenset({"register_sale_products", "line_items", "invoice_number", "sale_date"})
OF_A_CUSTOMER = frozenset({"customer_code", "customer_group_id", "loyalty_balance"})


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what does not know the token, and what is unsigned where a signature is required."""
    require_secret(request.query.get("token"), account.hook_token, "the token in the address")
    if account.require_signature:
        (secret,) = signing_secrets(account.client_secret)
        given = request.headers.get(SIGNATURE.lower(), "")
        found = re.search(r"(?:^|[,\s])signature=([0-9A-Fa-f]+)", given)
        offered = found[1].lower() if found else None
        require_match(offered, [hmac_hex(secret, request.body)], SIGNATURE)


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The signature where it is required; the token stands in the address."""
    if not account.require_signature:
        return {}
    signature = hmac_hex(account.client_secret, request.body)
    return {SIGNATURE.lower(): f"signature={signature},algorithm=HMAC-SHA256"}


def decode(body: bytes) -> dict[str, Any]:
    """The form's fields, its `payload` decoded."""
    try:
        form = dict(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        raise Unreadable("the body is not a form in UTF-8") from None
    if "payload" not in form:
        raise Unreadable("the form has no field named payload")
    return {**form, "payload": decode_json(form["payload"].encode("utf-8", "replace"))}


def topic(request: InboundRequest, payload: Any) -> str:
    """The type where the form names it, which is not guaranteed; else by what the record has."""
    form = payload if isinstance(payload, dict) else {}
    if isinstance(form.get("type"), str) and form["type"]:
        return str(form["type"])
    record = form.get("payload")
    names = set(record) if isinstance(record, dict) else set()
    if names & OF_A_SALE:
        return SALE
    return CUSTOMER if names & OF_A_CUSTOMER else ""


def _version(request: InboundRequest, payload: Any) -> str | None:
    record = payload.get("payload") if isinstance(payload, dict) else None
    if not isinstance(record, dict):
        return None
    return f"{str(record.get('id'))[:60]}:{str(record.get('version'))[:30]}"


_ALL = (
    Trigger(CUSTOMER, (), "A customer changed.", no_events, "customer_update.txt", rings=True),
    Trigger(SALE, (), "A sale changed.", no_events, "sale_update.txt", rings=True),
)

WEBHOOK = Webhook(
    verify=verify,
    decode=decode,
    topic=topic,
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=_version,
    signing_field="hook_token",
    proof=Proof.SECRET,
    query=lambda account: {"token": account.hook_token.get_secret_value()},
)
