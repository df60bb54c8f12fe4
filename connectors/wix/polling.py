"""What changed at the site: the only way in which Wix's facts come in; its webhooks ring."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from connectors.kit.customers import (
    CustomerList,
    CustomerPage,
    from_instant,
    latest,
    read_page,
)
from connectors.kit.errors import ConnectorBug, NotFound
from connectors.kit.payload import read
from connectors.kit.poll import Page, Poll, since, watermark, why_unreadable
from connectors.kit.webhook import Source, Unreadable
from connectors.wix.orders import contact_events, order_events, redemption_events
from connectors.wix.payloads import OrderPayload, TransactionPayload
from loyalty.events import Event, EventType
from loyalty.money import MoneyError


class _Telling:
    """Gathers what the records of a page tell, and why some tell nothing."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.bad: list[str] = []

    def page(self, cursor: str) -> Page:
        return Page(tuple(self.events), cursor, tuple(self.bad))

    def add(self, told: Iterator[Event], record: Any) -> None:
        try:
            for event in told:
                self.events.append(event)
        except (Unreadable, ValidationError, MoneyError) as error:
            self.refuse(record, error)

    def refuse(self, record: Any, error: Exception) -> None:
        self.bad.append(why_unreadable(record, error))


async def changed_since(
    client: Any, source: Source, *, cursor: str, now: datetime
) -> AsyncIterator[Page]:
    """Contacts first, then orders and redemptions; the cursor moves when all were told."""
    start = since(cursor, now)
    async for records in client.changed_contacts(start):
        telling = _Telling()
        for record in records:
            telling.add(contact_events(record, source), record)
        yield telling.page(cursor)
    async for records in client.changed_orders(start):
        yield await _orders(client, source, records, cursor)
    if client.tells_redemptions:
        async for records in client.redemptions(start):
            yield await _redemptions(client, source, records, cursor)
    # All were asked after `now`, so that whatever changed before it has been told.
    yield Page((), watermark("", [now.astimezone(UTC)]))


async def _orders(client: Any, source: Source, records: Any, cursor: str) -> Page:
    telling = _Telling()
    for record in records:
        try:
            order = read(OrderPayload, record)
        except Unreadable as error:
            telling.refuse(record, error)
            continue
        refunded = order.is_paid and order.may_have_refunds
        refunds = await client.refunds(order.id) if refunded else ()
        telling.add(order_events(order, source, refunds=refunds), record)
    return telling.page(cursor)


async def _redemptions(client: Any, source: Source, records: Any, cursor: str) -> Page:
    telling = _Telling()
    for record in records:
        if not isinstance(record, dict) or record.get("transactionType") != "REDEEM":
            continue
        try:
            found = read(TransactionPayload, record)
            account = await client.loyalty_account(found.account_id)
        except (Unreadable, NotFound) as error:
            telling.refuse(record, error)
            continue
        contact_id = account.get("contactId")
        if not isinstance(contact_id, str):
            raise ConnectorBug("Wix's loyalty account names no contact")
        telling.add(redemption_events(found, source, contact_id), record)
    return telling.page(cursor)


POLL = Poll(
    changed_since,
    event_types=(
        EventType.CUSTOMER_CREATED,
        EventType.CUSTOMER_UPDATED,
        EventType.ORDER_PAID,
        EventType.ORDER_EDITED,
        EventType.ORDER_REFUNDED,
        EventType.ORDER_CANCELLED,
        EventType.REWARD_REDEEMED,
    ),
)


async def every_customer(
    client: Any, source: Source, *, cursor: str
) -> AsyncIterator[CustomerPage]:
    """All contacts in the order in which they were made; the cursor is an instant."""
    async for page in client.contacts_made(from_instant(cursor)):
        cursor = latest(cursor, page, "createdDate")
        yield read_page(page, lambda one: next(contact_events(one, source)).data, cursor)


CUSTOMERS = CustomerList(every_customer)
