"""Every customer a shop has, page by page: for invitations to those who are no members yet.

A walk may stop after any page and go on from its cursor. What comes twice is the same customer
again, so a cursor may lie a little before where the walk stopped, never behind it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from pydantic import ValidationError

from connectors.kit.paging import Bounds
from connectors.kit.poll import why_unreadable
from connectors.kit.webhook import InboundRequest, Parse, Source, Unreadable
from loyalty.events import Customer
from loyalty.money import MoneyError

EVERYTHING = Bounds(pages=100_000, items=10_000_000)
"""How far such a walk may go: shops have more customers than changes."""

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any of these vendors kept a customer."""


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """What one page of a shop's customers became.

    Attributes:
        cursor: Where to go on from once these are kept; opaque, empty for the beginning.
        unreadable: Why a record could not be read, one sentence each, without personal data.
    """

    customers: tuple[Customer, ...]
    cursor: str
    unreadable: tuple[str, ...] = ()


class EveryCustomer(Protocol):
    """A connector's walk through all customers of a shop."""

    def __call__(self, client: Any, source: Source, *, cursor: str) -> AsyncIterator[CustomerPage]:
        """Pages from the cursor on; the empty cursor is the beginning.

        Raises:
            ConnectorError: As any call.
        """
        ...


@dataclass(frozen=True, slots=True)
class CustomerList:
    """How a shop's customers are asked for.

    Attributes:
        slots: What one call takes from the connection's budget, where the vendor counts these
            calls more strictly than others.
    """

    every: EveryCustomer
    slots: int = 1


def read_page(
    records: Iterable[Any], customer_of: Callable[[Any], Customer | None], cursor: str
) -> CustomerPage:
    """The customers of a page; one that cannot be read is named and stops no other.

    Args:
        customer_of: Reads a record; None for one that is no customer any more.
    """
    found: list[Customer] = []
    bad: list[str] = []
    for record in records:
        try:
            customer = customer_of(record)
        except (Unreadable, ValidationError, MoneyError) as error:
            bad.append(why_unreadable(record, error))
            continue
        if customer is not None:
            found.append(customer)
    return CustomerPage(tuple(found), cursor, tuple(bad))


def through(parse: Parse, source: Source) -> Callable[[Any], Customer]:
    """Reads a record as the webhook of a new customer is read."""
    request = InboundRequest("GET", "", {}, b"", LONG_AGO)

    def customer_of(record: Any) -> Customer:
        (event,) = parse(record, request, source)
        found: Customer = event.data
        return found

    return customer_of


def from_instant(cursor: str) -> datetime:
    """Where a cursor that is an instant goes on from."""
    with suppress(ValueError):
        found = datetime.fromisoformat(cursor)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return LONG_AGO


def latest(cursor: str, records: Iterable[Any], field: str) -> str:
    """The latest instant of a page's records and the cursor so far, as the next cursor."""
    moments = [from_instant(cursor)] if cursor else []
    for record in records:
        with suppress(ValueError, AttributeError):
            moment = datetime.fromisoformat(str(record.get(field)))
            moments.append(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return max(moments).astimezone(UTC).isoformat() if moments else cursor
