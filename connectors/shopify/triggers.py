"""Shopify's webhooks.

Follows https://shopify.dev/docs/apps/build/webhooks/verify-deliveries and the topic list at
https://shopify.dev/docs/api/webhooks. The topic header is not covered by the signature, so
every parser asks the body itself: an order counts as paid or cancelled where *it* says so.

`orders/edited` is left out on purpose: its body lists the changed lines' ids only, while
`orders/updated` tells the same edit with the whole order.
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
    NoticeKind,
    Parse,
    Source,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    hmac_base64,
    require_match,
    signing_secrets,
)
from connectors.shopify.orders import order_of, refund_of
from connectors.shopify.payloads import (
    Consent,
    ConsentPayload,
    CustomerPayload,
    DataRequestPayload,
    OrderPayload,
    RedactPayload,
    RefundPayload,
    ShopPayload,
    ShopRedactPayload,
)
from loyalty.events import (
    Cancellation,
    Channel,
    ConsentState,
    Customer,
    Erasure,
    Event,
    EventType,
    subject_of,
    traits,
)

SIGNATURE = "X-Shopify-Hmac-Sha256"
PAID = frozenset({"paid", "partially_refunded", "refunded"})
CONSENTS = {"subscribed": ConsentState.GRANTED, "unsubscribed": ConsentState.WITHDRAWN}


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the app's secret did not sign, and what another shop sent."""
    secrets = signing_secrets(*account.webhook_secrets)
    require_match(
        request.headers.get(SIGNATURE.lower()),
        [hmac_base64(secret, request.body) for secret in secrets],
        SIGNATURE,
    )
    sender = request.headers.get("x-shopify-shop-domain", "").lower()
    if sender != account.shop_domain:
        raise BadSignature(
            f"the webhook comes from the shop {sender[:100]!r}, but this connection belongs to "
            f"{account.shop_domain!r}"
        )


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The headers by which Shopify proves a webhook."""
    return {
        SIGNATURE.lower(): hmac_base64(account.client_secret, request.body),
        "x-shopify-shop-domain": account.shop_domain,
    }


# --- customers -------------------------------------------------------------------------------


def _consents(payload: CustomerPayload) -> dict[Channel, ConsentState]:
    stated = {
        Channel.EMAIL: payload.email_marketing_consent,
        Channel.SMS: payload.sms_marketing_consent,
    }
    return {
        channel: CONSENTS[consent.state]
        for channel, consent in stated.items()
        if consent is not None and consent.state in CONSENTS
    }


def _customer(payload: CustomerPayload, locale: str = "") -> Customer:
    address = payload.default_address
    return Customer(
        id=payload.id,
        email=payload.email,
        phone=payload.phone,
        first_name=payload.first_name,
        last_name=payload.last_name,
        locale=locale if len(locale) <= 35 else "",
        country=address.country_code if address else "",
        created_at=payload.created_at,
        tags=payload.tags,
        consents=_consents(payload),
        traits=traits(address=f"{address.address1} {address.zip}" if address else ""),
    )


def parse_customer(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """customers/create."""
    found = read(CustomerPayload, payload)
    when = first_time((found.created_at,), "the customer")
    return [_about_customer(EventType.CUSTOMER_CREATED, found, source, when, revised=False)]


def parse_customer_update(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """customers/update: every revision is a fact of its own."""
    found = read(CustomerPayload, payload)
    when = first_time((found.updated_at,), "the customer's update")
    return [_about_customer(EventType.CUSTOMER_UPDATED, found, source, when, revised=True)]


def _about_customer(
    kind: EventType, payload: CustomerPayload, source: Source, when: datetime, *, revised: bool
) -> Event:
    if payload.id is None:
        raise Unreadable("the customer has no id")
    customer = _customer(payload)
    return Event(
        type=kind,
        store=source.store,
        key=f"{payload.id}:{when.isoformat()}" if revised else payload.id,
        time=when,
        subject=subject_of(source.store, customer, payload.id),
        data=customer,
    )


def parse_consent(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """customers_marketing_consent/update (SMS) and customers_email_marketing_consent/update."""
    found = read(ConsentPayload, payload)
    customer_id = found.customer_id or found.id
    channel, consent = _channel_of(found)
    if customer_id is None or consent is None:
        raise Unreadable("the consent names no customer or no channel")
    state = CONSENTS.get(consent.state)
    when = consent.consent_updated_at or request.received_at
    customer = Customer(
        id=customer_id,
        email=found.email_address,
        phone=found.phone,
        consents={channel: state} if state else {},
    )
    granted = state is ConsentState.GRANTED
    return [
        Event(
            type=EventType.CUSTOMER_OPTED_IN if granted else EventType.CUSTOMER_UPDATED,
            store=source.store,
            key=f"{customer_id}:{channel}:{consent.state[:20]}:{when.isoformat()}",
            time=when,
            subject=subject_of(source.store, customer, customer_id),
            data=customer,
        )
    ]


def _channel_of(payload: ConsentPayload) -> tuple[Channel, Consent | None]:
    if payload.email_marketing_consent is not None:
        return Channel.EMAIL, payload.email_marketing_consent
    return Channel.SMS, payload.sms_marketing_consent


# --- orders ----------------------------------------------------------------------------------


def _buyer(payload: OrderPayload) -> Customer | None:
    if payload.customer is not None:
        customer = _customer(payload.customer, payload.customer_locale)
        seen = customer.traits | traits(ip=payload.browser_ip)
        return customer.model_copy(update={"traits": seen})
    if payload.email or payload.phone:
        return Customer(email=payload.email, phone=payload.phone)
    return None


def parse_order(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """orders/paid. An order that does not call itself paid yields nothing."""
    found = read(OrderPayload, payload)
    if found.financial_status not in PAID:
        return []
    when = first_time((found.processed_at, found.created_at), f"order {found.id}")
    return [_about_order(EventType.ORDER_PAID, found, source, when, key=found.id)]


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
    """refunds/create. A refund that gave no money back yields nothing."""
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


# --- the app and its data --------------------------------------------------------------------

COMPLIANCE = frozenset({"customers/data_request", "customers/redact", "shop/redact"})
"""Mandatory topics of every app, set in its configuration, not by subscription.

https://shopify.dev/docs/apps/build/compliance/privacy-law-compliance
"""


def parse_erasure(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """customers/redact: the person is to be forgotten.

    The topic is not signed, so the body must be one of this topic: what asks for a person's
    data, sent again under this name, must not erase them.
    """
    found = read(RedactPayload, payload)
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


def _uninstalled(payload: Any) -> Notice:
    read(ShopPayload, payload)
    return Notice(
        NoticeKind.REVOKED,
        "the app was uninstalled from the shop: install it again and enter its new token",
    )


def _data_request(payload: Any) -> Notice:
    found = read(DataRequestPayload, payload)
    detail = {"customer_id": found.customer.id, "data_request_id": found.data_request.id}
    text = "a customer of the shop asks what is stored about them: answer within 30 days"
    return Notice(NoticeKind.DATA_REQUEST, text, detail)


def _shop_erasure(payload: Any) -> Notice:
    read(ShopRedactPayload, payload)
    return Notice(
        NoticeKind.SHOP_ERASURE,
        "the app was removed 48 hours ago, and the data of this shop's customers are to be erased",
    )


# --- the declaration -------------------------------------------------------------------------


def _trigger(topic: str, parse: Parse, title: str, *types: EventType) -> Trigger:
    return Trigger(
        vendor_event=topic,
        event_types=types,
        title=title,
        parse=parse,
        sample=f"{topic.replace('/', '_')}.json",
    )


def _notice(topic: str, tell: Callable[[Any], Notice], title: str) -> Trigger:
    def parse(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
        tell(payload)  # refuses what is no body of this topic
        return ()

    return Trigger(
        vendor_event=topic,
        event_types=(),
        title=title,
        parse=parse,
        sample=f"{topic.replace('/', '_')}.json",
        notice=lambda payload, request: tell(payload),
    )


_ALL = (
    _trigger("customers/create", parse_customer, "A customer was created.",
             EventType.CUSTOMER_CREATED),
    _trigger("customers/update", parse_customer_update, "A customer's record changed.",
             EventType.CUSTOMER_UPDATED),
    _trigger("customers_marketing_consent/update", parse_consent,
             "A customer's consent to text messages changed.",
             EventType.CUSTOMER_OPTED_IN, EventType.CUSTOMER_UPDATED),
    _trigger("customers_email_marketing_consent/update", parse_consent,
             "A customer's consent to e-mails changed.",
             EventType.CUSTOMER_OPTED_IN, EventType.CUSTOMER_UPDATED),
    _trigger("orders/paid", parse_order, "An order was paid.", EventType.ORDER_PAID),
    _trigger("orders/updated", parse_order_update, "A paid order changed.",
             EventType.ORDER_EDITED),
    _trigger("orders/cancelled", parse_cancellation, "An order was cancelled.",
             EventType.ORDER_CANCELLED),
    _trigger("refunds/create", parse_refund, "Money was given back on an order.",
             EventType.ORDER_REFUNDED),
    _trigger("customers/redact", parse_erasure, "A customer is to be forgotten.",
             EventType.MEMBER_ERASED),
    _notice("customers/data_request", _data_request, "A customer asks for their data."),
    _notice("shop/redact", _shop_erasure, "The data of the shop are to be erased."),
    _notice("app/uninstalled", _uninstalled, "The app was uninstalled."),
)  # fmt: skip

WEBHOOK = Webhook(
    verify=verify,
    decode=decode_json,
    topic=lambda request, payload: request.headers.get("x-shopify-topic", ""),
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=lambda request, payload: request.headers.get("x-shopify-webhook-id"),
    signing_field="client_secret",
    claims={"shop_domain": "x-shopify-shop-domain"},
)
