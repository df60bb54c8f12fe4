"""SHOPLINE's webhooks.

Follows https://developer.shopline.com/docs/apps/api-instructions-for-use/webhooks/overview. The
topic header is not covered by the signature, so every parser asks the body itself what it is:
an order counts as paid where *it* says so, and nobody is forgotten on an order's word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.kit.payload import first_time, read
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Notice,
    Parse,
    Reply,
    Source,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    hmac_base64,
    hmac_hex,
    no_events,
    require_match,
    signing_secrets,
)
from connectors.shopline.orders import order_of, refund_of
from connectors.shopline.payloads import (
    CustomerPayload,
    OrderPayload,
    RefundPayload,
    consents_of,
)
from connectors.shopline.privacy import parse_erasure, shop_erasure, uninstalled
from loyalty.events import (
    Cancellation,
    ConsentState,
    Customer,
    Event,
    EventType,
    subject_of,
)

SIGNATURE = "X-Shopline-Hmac-Sha256"
DOMAIN = "x-shopline-shop-domain"
PAID = frozenset({"paid", "partially_refunded", "refunded"})
WRITERS = {"base64": (hmac_base64,), "hex": (hmac_hex,), "either": (hmac_base64, hmac_hex)}


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the app's secret did not sign, and what another shop sent."""
    secrets = signing_secrets(*account.webhook_secrets)
    writers = WRITERS[account.signature]
    expected = [write(secret, request.body) for secret in secrets for write in writers]
    require_match(request.headers.get(SIGNATURE.lower()), expected, SIGNATURE)
    sender = request.headers.get(DOMAIN, "").lower()
    if sender != account.shop_domain:
        raise BadSignature(
            f"the webhook comes from the shop {sender[:100]!r}, but this connection belongs to "
            f"{account.shop_domain!r}"
        )


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The headers by which SHOPLINE proves a webhook."""
    write = WRITERS[account.signature][0]
    return {
        SIGNATURE.lower(): write(account.app_secret, request.body),
        DOMAIN: account.shop_domain,
    }


# --- customers -------------------------------------------------------------------------------


def _customer(payload: CustomerPayload, locale: str = "") -> Customer:
    language = locale or payload.language
    return Customer(
        id=payload.id,
        email=payload.email,
        phone=payload.phone,
        first_name=payload.first_name,
        last_name=payload.last_name,
        locale=language if len(language) <= 35 else "",
        country=payload.default_address.country_code if payload.default_address else "",
        created_at=payload.created_at,
        tags=payload.tags,
        consents=consents_of(payload),
    )


def read_customer(payload: Any) -> CustomerPayload:
    """A customer's record, and nothing that merely has an id."""
    if isinstance(payload, dict) and {"line_items", "refund_line_items"} & set(payload):
        raise Unreadable("this is an order or a refund, not a customer")
    found = read(CustomerPayload, payload)
    if found.id is None:
        raise Unreadable("the customer has no id")
    return found


def parse_customer(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """customers/create."""
    found = read_customer(payload)
    when = first_time((found.created_at,), "the customer")
    return [_about_customer(EventType.CUSTOMER_CREATED, found, source, when, key=found.id)]


def parse_customer_update(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """customers/update: every revision is a fact of its own."""
    found = read_customer(payload)
    when = first_time((found.updated_at,), "the customer's update")
    key = f"{found.id}:{when.isoformat()}"
    return [_about_customer(EventType.CUSTOMER_UPDATED, found, source, when, key=key)]


def parse_consent(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """customers_marketing_consent/update: the whole customer, whose yes or no has changed."""
    found = read_customer(payload)
    when = first_time((found.updated_at,), "the customer's consent")
    states = consents_of(found)
    granted = ConsentState.GRANTED in states.values()
    kind = EventType.CUSTOMER_OPTED_IN if granted else EventType.CUSTOMER_UPDATED
    told = ",".join(f"{channel}={state}" for channel, state in sorted(states.items()))
    key = f"{found.id}:{told}:{when.isoformat()}"
    return [_about_customer(kind, found, source, when, key=key)]


def _about_customer(
    kind: EventType, payload: CustomerPayload, source: Source, when: datetime, *, key: str | None
) -> Event:
    customer = _customer(payload)
    return Event(
        type=kind,
        store=source.store,
        key=key or "",
        time=when,
        subject=subject_of(source.store, customer, payload.id or ""),
        data=customer,
    )


# --- orders ----------------------------------------------------------------------------------


def _buyer(payload: OrderPayload) -> Customer | None:
    if payload.customer is not None:
        found = _customer(payload.customer, payload.customer_locale)
        return found.model_copy(
            update={"email": found.email or payload.email, "phone": found.phone or payload.phone}
        )
    if payload.email or payload.phone:
        return Customer(email=payload.email, phone=payload.phone)
    return None


def parse_order(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """orders/paid. An order that does not call itself paid yields nothing."""
    found = read(OrderPayload, payload)
    if found.financial_status not in PAID:
        return []
    when = paid_at(found)
    return [_about_order(EventType.ORDER_PAID, found, source, when, key=found.id)]


def paid_at(found: OrderPayload) -> datetime:
    """When the order was placed, as near to its payment as it says."""
    return first_time((found.processed_at, found.created_at), f"order {found.id}")


def parse_order_update(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """orders/updated. What is unpaid or cancelled yields nothing: other topics tell of it."""
    found = read(OrderPayload, payload)
    if found.financial_status not in PAID or found.cancelled_at is not None:
        return []
    when = first_time((found.updated_at,), f"the update of order {found.id}")
    key = f"{found.id}:{when.isoformat()}"
    return [_about_order(EventType.ORDER_EDITED, found, source, when, key=key)]


def _about_order(
    kind: EventType, payload: OrderPayload, source: Source, when: datetime, *, key: str
) -> Event:
    customer = _buyer(payload)
    return Event(
        type=kind,
        store=source.store,
        key=key,
        time=when,
        subject=subject_of(source.store, customer, payload.id),
        data=order_of(payload, customer),
    )


def parse_cancellation(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """orders/cancelled. An order that does not call itself cancelled yields nothing."""
    found = read(OrderPayload, payload)
    if found.cancelled_at is None:
        return []
    customer = _buyer(found)
    data = Cancellation(order_id=found.id, reason=found.cancel_reason, customer=customer)
    return [
        Event(
            type=EventType.ORDER_CANCELLED,
            store=source.store,
            key=found.id,
            time=found.cancelled_at,
            subject=subject_of(source.store, customer, found.id),
            data=data,
        )
    ]


def parse_refund(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """refunds/create. A refund that gives no money back yields nothing."""
    found = read(RefundPayload, payload)
    refund = refund_of(found)
    if refund is None:
        return []
    return [
        Event(
            type=EventType.ORDER_REFUNDED,
            store=source.store,
            key=refund.id,
            time=first_time((found.processed_at, found.created_at), f"refund {found.id}"),
            subject=subject_of(source.store, None, refund.order_id),
            data=refund,
        )
    ]


# --- the declaration -------------------------------------------------------------------------


def _trigger(topic: str, parse: Parse, title: str, *types: EventType) -> Trigger:
    sample = f"{topic.replace('/', '_')}.json"
    return Trigger(vendor_event=topic, event_types=types, title=title, parse=parse, sample=sample)


def _notice(
    topic: str, notice: Callable[[Any, InboundRequest], Notice | None], title: str
) -> Trigger:
    return Trigger(
        vendor_event=topic,
        event_types=(),
        title=title,
        parse=no_events,
        sample=f"{topic.replace('/', '_')}.json",
        notice=notice,
    )


_ALL = (
    _trigger("customers/create", parse_customer, "A customer was created.",
             EventType.CUSTOMER_CREATED),
    _trigger("customers/update", parse_customer_update, "A customer's record changed.",
             EventType.CUSTOMER_UPDATED),
    _trigger("customers_marketing_consent/update", parse_consent,
             "A customer's consent to marketing changed.",
             EventType.CUSTOMER_OPTED_IN, EventType.CUSTOMER_UPDATED),
    _trigger("orders/paid", parse_order, "An order was paid.", EventType.ORDER_PAID),
    _trigger("orders/updated", parse_order_update, "A paid order changed.",
             EventType.ORDER_EDITED),
    _trigger("orders/cancelled", parse_cancellation, "An order was cancelled.",
             EventType.ORDER_CANCELLED),
    _trigger("refunds/create", parse_refund, "Money is given back on an order.",
             EventType.ORDER_REFUNDED),
    _trigger("customers/redact", parse_erasure, "A customer is to be forgotten.",
             EventType.MEMBER_ERASED),
    _notice("merchants/redact", shop_erasure, "The data of the shop are to be erased."),
    _notice("apps/installed_uninstalled", uninstalled, "The app was uninstalled."),
)  # fmt: skip

WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=lambda request, payload: request.headers.get("x-shopline-topic", ""),
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=lambda request, payload: request.headers.get("x-shopline-webhook-id"),
    signing_field="app_secret",
    claims={"shop_domain": DOMAIN},
    acknowledge=Reply(200, b"OK", "text/plain"),
)
