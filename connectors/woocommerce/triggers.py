"""WooCommerce's webhooks.

Follows https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks. The topic header is
not covered by the signature, so every parser asks the body itself what happened.

Line amounts exclude tax whether or not the shop's prices include it (`prices_include_tax`
only says how they were entered), so they are taken as they stand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from connectors.kit.account import Account
from connectors.kit.payload import first_time, read
from connectors.kit.webhook import (
    InboundRequest,
    Parse,
    Reply,
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
from connectors.woocommerce.payloads import (
    Billing,
    CustomerPayload,
    LinePayload,
    OrderPayload,
)
from loyalty.events import (
    Cancellation,
    Customer,
    Data,
    Event,
    EventType,
    Line,
    Order,
    Refund,
    subject_of,
    traits,
)
from loyalty.money import check_currency, decimals

SIGNATURE = "X-WC-Webhook-Signature"
PAID = frozenset({"processing", "completed"})
ZERO = Decimal(0)
_PING = re.compile(rb"webhook_id=[0-9]{1,19}")


def verify(request: InboundRequest, account: Any) -> None:
    """Refuses what the webhook's secret did not sign."""
    secrets = signing_secrets(account.webhook_secret)
    expected = [hmac_base64(secret, request.body) for secret in secrets]
    require_match(request.headers.get(SIGNATURE.lower()), expected, SIGNATURE)


def sign(request: InboundRequest, account: Any) -> Mapping[str, str]:
    """The header by which WooCommerce proves a webhook."""
    return {SIGNATURE.lower(): hmac_base64(account.webhook_secret, request.body)}


def acknowledge_ping(request: InboundRequest, account: Account) -> Reply | None:
    """Answers the unsigned form that WooCommerce sends when a webhook is saved.

    It proves nothing, so it does nothing; without a 200 WooCommerce would not activate the
    webhook. Whatever has more to say than a webhook's number goes on to the signature check.
    """
    if request.method == "POST" and _PING.fullmatch(request.body):
        return Reply(200, b"")
    return None


def decode(body: bytes) -> Any:
    """The JSON object of the body."""
    return require_object(decode_json(body))


# --- customers -------------------------------------------------------------------------------


def parse_customer(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """customer.created."""
    found = read(CustomerPayload, payload)
    when = first_time((found.date_created_gmt,), f"customer {found.id}")
    return [_about_customer(EventType.CUSTOMER_CREATED, found, source, when, key=found.id)]


def parse_customer_update(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """customer.updated: every revision is a fact of its own."""
    found = read(CustomerPayload, payload)
    moments = (found.date_modified_gmt, found.date_created_gmt)
    when = first_time(moments, f"customer {found.id}")
    key = f"{found.id}:{when.isoformat()}"
    return [_about_customer(EventType.CUSTOMER_UPDATED, found, source, when, key=key)]


def _about_customer(
    kind: EventType, payload: CustomerPayload, source: Source, when: datetime, *, key: str
) -> Event:
    billing = payload.billing or Billing()
    customer = Customer(
        id=payload.id,
        email=payload.email or billing.email,
        phone=billing.phone,
        first_name=payload.first_name or billing.first_name,
        last_name=payload.last_name or billing.last_name,
        country=billing.country,
        created_at=payload.date_created_gmt,
        traits=traits(address=f"{billing.address_1} {billing.postcode}"),
    )
    subject = subject_of(source.store, customer, payload.id)
    return Event(type=kind, store=source.store, key=key, time=when, subject=subject, data=customer)


# --- orders ----------------------------------------------------------------------------------


def parse_order(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """order.created and order.updated: what the order's state says has happened so far.

    One request may tell of several facts; each has its own key, so that the repeats which
    WooCommerce sends on every save count once.
    """
    found = read(OrderPayload, payload)
    told = _Told(found, source, _buyer(found))
    touched = (found.date_modified_gmt, found.date_created_gmt)
    events: list[Event] = []
    if found.status in PAID:
        moments = (found.date_paid_gmt, found.date_completed_gmt, *touched)
        order = _order(found, told.buyer)
        events.append(told.event(EventType.ORDER_PAID, found.id, moments=moments, data=order))
    for refund in _refunds(found, told.buyer):
        events.append(told.event(EventType.ORDER_REFUNDED, refund.id, moments=touched, data=refund))
    if found.status == "cancelled":
        data = Cancellation(order_id=found.id, reason="cancelled", customer=told.buyer)
        events.append(told.event(EventType.ORDER_CANCELLED, found.id, moments=touched, data=data))
    return events


@dataclass(frozen=True)
class _Told:
    """What the events of one order webhook share."""

    order: OrderPayload
    source: Source
    buyer: Customer | None

    def event(
        self, kind: EventType, key: str, *, moments: Sequence[datetime | None], data: Data
    ) -> Event:
        return Event(
            type=kind,
            store=self.source.store,
            key=key,
            time=first_time(moments, f"order {self.order.id}"),
            subject=subject_of(self.source.store, self.buyer, self.order.id),
            data=data,
        )


def _buyer(payload: OrderPayload) -> Customer | None:
    billing = payload.billing or Billing()
    customer = Customer(
        id=payload.customer_id,
        email=billing.email,
        phone=billing.phone,
        first_name=billing.first_name,
        last_name=billing.last_name,
        country=billing.country,
        traits=traits(
            address=f"{billing.address_1} {billing.postcode}", ip=payload.customer_ip_address
        ),
    )
    return None if customer.is_anonymous else customer


def _order(payload: OrderPayload, buyer: Customer | None) -> Order:
    if payload.total < 0:
        raise Unreadable(f"order {payload.id}: the total is negative ({payload.total})")
    currency = check_currency(payload.currency)
    return Order(
        id=payload.id,
        number=payload.number,
        revision=payload.date_modified_gmt,
        currency=currency,
        total=payload.total,
        lines=tuple(_line(one, currency) for one in payload.line_items),
        discount=-sum((one.total for one in payload.fee_lines if one.total < 0), ZERO),
        shipping=sum((one.total for one in payload.shipping_lines), ZERO),
        tax=payload.total_tax,
        codes=tuple(one.code for one in payload.coupon_lines if one.code),
        channel=payload.created_via,
        customer=buyer,
    )


def _line(one: LinePayload, currency: str) -> Line:
    """The line before coupons with its share of them; `gross` where a unit price is not exact."""
    pieces = one.quantity or 1
    unit = (one.subtotal / pieces).quantize(Decimal(1).scaleb(-decimals(currency)))
    return Line(
        id=one.id,
        sku=one.sku,
        product_id=one.product_id or "",
        title=one.name,
        quantity=one.quantity,
        unit_price=unit,
        gross=None if unit * one.quantity == one.subtotal else one.subtotal,
        discount=one.subtotal - one.total,
        tax=one.total_tax,
    )


def _refunds(payload: OrderPayload, buyer: Customer | None) -> list[Refund]:
    """The order's refunds, oldest first; the last of a refunded order takes all the rest."""
    oldest_first = sorted(payload.refunds, key=lambda one: (len(one.id), one.id))
    return [
        Refund(
            id=one.id,
            order_id=payload.id,
            currency=check_currency(payload.currency),
            amount=abs(one.total),
            full=payload.status == "refunded" and one is oldest_first[-1],
            customer=buyer,
        )
        for one in oldest_first
    ]


# --- the declaration -------------------------------------------------------------------------


def _trigger(topic: str, parse: Parse, title: str, *types: EventType) -> Trigger:
    return Trigger(
        vendor_event=topic,
        event_types=types,
        title=title,
        parse=parse,
        sample=f"{topic.replace('.', '_')}.json",
    )


_ORDER_TYPES = (EventType.ORDER_PAID, EventType.ORDER_REFUNDED, EventType.ORDER_CANCELLED)
_ALL = (
    _trigger("customer.created", parse_customer, "A customer registered.",
             EventType.CUSTOMER_CREATED),
    _trigger("customer.updated", parse_customer_update, "A customer's record changed.",
             EventType.CUSTOMER_UPDATED),
    _trigger("order.created", parse_order, "An order came in.", *_ORDER_TYPES),
    _trigger("order.updated", parse_order, "An order was paid, refunded, cancelled or saved.",
             *_ORDER_TYPES),
)  # fmt: skip

WEBHOOK = Webhook(
    verify=verify,
    decode=decode,
    topic=lambda request, payload: request.headers.get("x-wc-webhook-topic", ""),
    triggers={one.vendor_event: one for one in _ALL},
    sign=sign,
    delivery_id=lambda request, payload: request.headers.get("x-wc-webhook-delivery-id"),
    handshake=acknowledge_ping,
    signing_field="webhook_secret",
)
