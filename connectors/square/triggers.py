"""Square's webhooks.

Follows https://developer.squareup.com/docs/webhooks/step3validate and the event list at
https://developer.squareup.com/reference/square/webhooks. Sales come from the payments. Order
webhooks carry ids only, and loyalty events name no customer: both ring, and the poll asks.

A sale is known by its payment's id. The obvious choice, the payment's order id, would lose
every refund: Square makes an order of its own for each refund, and `refund.order_id` names
that one (https://developer.squareup.com/docs/refunds-api/webhooks); only `payment_id` leads
back to the sale. It also keeps apart the payments of an order that was paid in parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connectors.kit.payload import first_time, read
from connectors.kit.webhook import (
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
    require_object,
    signing_secrets,
)
from connectors.square.amounts import amount_of
from connectors.square.payloads import (
    CustomerPayload,
    Notification,
    PaymentPayload,
    RefundPayload,
)
from loyalty.events import (
    Channel,
    ConsentState,
    Customer,
    Event,
    EventType,
    Payment,
    Refund,
    subject_of,
)

SIGNATURE = "x-square-hmacsha256-signature"


def _signature(request: InboundRequest, account: Any) -> str:
    (key,) = signing_secrets(account.signature_key)
    return hmac_base64(key, request.url.encode() + request.body)


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the subscription's key did not sign for this very address."""
    require_match(request.headers.get(SIGNATURE), [_signature(request, account)], SIGNATURE)


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The header by which Square proves a webhook."""
    return {SIGNATURE: _signature(request, account)}


def decode(body: bytes) -> Any:
    """The JSON object of the body."""
    return require_object(decode_json(body))


def _field(payload: Any, name: str) -> str:
    value = payload.get(name) if isinstance(payload, dict) else None
    return value if isinstance(value, str) else ""


# --- payments and refunds --------------------------------------------------------------------


def parse_payment(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """payment.created and payment.updated. Yields nothing until the payment is completed."""
    found = read(Notification, payload).data.object.payment
    if found is None:
        raise Unreadable("data.object has no payment")
    if found.status != "COMPLETED":
        return []
    data = _payment(found)
    return [
        Event(
            type=EventType.PAYMENT_COMPLETED,
            store=source.store,
            key=found.id,
            time=first_time((_captured(found), found.created_at), f"payment {found.id}"),
            subject=subject_of(source.store, data.customer, found.id),
            data=data,
        )
    ]


def _captured(payload: PaymentPayload) -> Any:
    details = payload.card_details
    timeline = details.card_payment_timeline if details else None
    return timeline.captured_at if timeline else None


def _payment(payload: PaymentPayload) -> Payment:
    amount, currency = amount_of(payload.amount_money, f"payment {payload.id}")
    tip = Decimal(0)
    if payload.tip_money is not None:
        tip, _ = amount_of(payload.tip_money, f"the tip of payment {payload.id}")
    customer = Customer(id=payload.customer_id, email=payload.buyer_email_address)
    return Payment(
        id=payload.id,
        currency=currency,
        amount=amount,
        tip=tip,
        customer=None if customer.is_anonymous else customer,
    )


def parse_refund(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """refund.created and refund.updated. Yields nothing until the refund is completed.

    A refund that belongs to no payment (unlinked) takes back no sale, so it yields nothing.
    """
    found = read(Notification, payload).data.object.refund
    if found is None:
        raise Unreadable("data.object has no refund")
    if found.status != "COMPLETED" or found.payment_id is None:
        return []
    moments = (found.updated_at, found.created_at)
    return [
        Event(
            type=EventType.ORDER_REFUNDED,
            store=source.store,
            key=found.id,
            time=first_time(moments, f"refund {found.id}"),
            subject=subject_of(source.store, None, found.payment_id),
            data=_refund(found, found.payment_id),
        )
    ]


def _refund(payload: RefundPayload, payment_id: str) -> Refund:
    amount, currency = amount_of(payload.amount_money, f"refund {payload.id}")
    return Refund(id=payload.id, order_id=payment_id, currency=currency, amount=amount)


# --- customers -------------------------------------------------------------------------------


def parse_customer(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """customer.created."""
    found = _customer_in(payload)
    when = first_time((found.created_at,), f"customer {found.id}")
    customer = _customer(found)
    return [
        Event(
            type=EventType.CUSTOMER_CREATED,
            store=source.store,
            key=found.id,
            time=when,
            subject=subject_of(source.store, customer, found.id),
            data=customer,
        )
    ]


def parse_customer_update(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """customer.updated: every revision is a fact of its own."""
    found = _customer_in(payload)
    when = first_time((found.updated_at,), f"the update of customer {found.id}")
    customer = _customer(found)
    return [
        Event(
            type=EventType.CUSTOMER_UPDATED,
            store=source.store,
            key=f"{found.id}:{when.isoformat()}",
            time=when,
            subject=subject_of(source.store, customer, found.id),
            data=customer,
        )
    ]


def _customer_in(payload: Any) -> CustomerPayload:
    found = read(Notification, payload).data.object.customer
    if found is None:
        raise Unreadable("data.object has no customer")
    return found


def _customer(payload: CustomerPayload) -> Customer:
    # That somebody has not unsubscribed is no consent; that they have is a withdrawal.
    left = payload.preferences is not None and payload.preferences.email_unsubscribed is True
    return Customer(
        id=payload.id,
        email=payload.email_address,
        phone=payload.phone_number,
        first_name=payload.given_name,
        last_name=payload.family_name,
        country=payload.address.country if payload.address else "",
        birthday=payload.birthday,
        created_at=payload.created_at,
        consents={Channel.EMAIL: ConsentState.WITHDRAWN} if left else {},
    )


# --- what rings and what gives notice --------------------------------------------------------


def _revoked(payload: Any, request: InboundRequest) -> Notice:
    found = read(Notification, payload).data.object.revocation
    if found is None:
        raise Unreadable("data.object has no revocation")
    by = found.revoker_type.lower()[:40] or "somebody"
    return Notice(
        NoticeKind.REVOKED,
        f"Square took the application's access away ({by}): authorise it again.",
        {"merchant_id": _field(payload, "merchant_id")[:100]},
    )


def parse_revocation(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """oauth.authorization.revoked: no event, but refused where it is no body of this topic."""
    _revoked(payload, request)
    return ()


# --- the declaration -------------------------------------------------------------------------


def _trigger(topic: str, parse: Parse, title: str, kind: EventType) -> Trigger:
    return Trigger(
        vendor_event=topic,
        event_types=(kind,),
        title=title,
        parse=parse,
        sample=f"{topic.replace('.', '_')}.json",
    )


def _rings(topic: str, name: str, title: str) -> Trigger:
    def parse(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
        if getattr(read(Notification, payload).data.object, name) is None:
            raise Unreadable(f"data.object has no {name}")
        return ()

    sample = f"{topic.replace('.', '_')}.json"
    return Trigger(topic, (), title, parse=parse, sample=sample, rings=True)


_ALL = (
    _trigger("payment.created", parse_payment, "A payment was taken.",
             EventType.PAYMENT_COMPLETED),
    _trigger("payment.updated", parse_payment, "A payment changed, for example to completed.",
             EventType.PAYMENT_COMPLETED),
    _trigger("refund.created", parse_refund, "A refund was begun.", EventType.ORDER_REFUNDED),
    _trigger("refund.updated", parse_refund, "A refund changed, for example to completed.",
             EventType.ORDER_REFUNDED),
    _trigger("customer.created", parse_customer, "A customer was created.",
             EventType.CUSTOMER_CREATED),
    _trigger("customer.updated", parse_customer_update, "A customer's record changed.",
             EventType.CUSTOMER_UPDATED),
    _rings("order.created", "order_created", "An order was begun."),
    _rings("order.updated", "order_updated", "An order changed, for example to completed."),
    _rings("loyalty.event.created", "loyalty_event", "Something happened in the programme."),
    Trigger("oauth.authorization.revoked", (), "The application's access was taken away.",
            parse=parse_revocation, sample="oauth_authorization_revoked.json", notice=_revoked),
)  # fmt: skip

WEBHOOK = Webhook(
    verify=verify,
    decode=decode,
    topic=lambda request, payload: _field(payload, "type"),
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=lambda request, payload: _field(payload, "event_id") or None,
    signing_field="signature_key",
)
