"""What happens in Square's own loyalty programme, as activities of the customer.

https://developer.squareup.com/reference/square/objects/LoyaltyEvent. Points of Square's are not
the hub's, so none are booked: a rule decides what a reward taken at the till means. What the
hub did itself (`source` LOYALTY_API) is not told back to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.kit.errors import NotFound
from connectors.kit.payload import read
from connectors.kit.webhook import Source
from connectors.square.payloads import LoyaltyAccountPayload, LoyaltyEventPayload
from loyalty.events import Activity, Customer, Event, EventType, subject_of

AT_THE_TILL = "SQUARE"


class Members:
    """Whose loyalty accounts are whose, asked once for each account of a look."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._known: dict[str, Customer | None] = {}

    async def learn(self, page: Sequence[Any]) -> None:
        """Asks for the accounts that the events of a page name."""
        for record in page:
            if not isinstance(record, dict) or record.get("source") != AT_THE_TILL:
                continue
            account_id = record.get("loyalty_account_id")
            if isinstance(account_id, str) and account_id and account_id not in self._known:
                self._known[account_id] = await self._customer(account_id)

    def of(self, account_id: str) -> Customer | None:
        """Whose it is, if that is known."""
        return self._known.get(account_id)

    async def _customer(self, account_id: str) -> Customer | None:
        try:
            found = read(LoyaltyAccountPayload, await self._client.loyalty_account(account_id))
        except NotFound:
            return None
        phone = found.mapping.phone_number if found.mapping else None
        customer = Customer(id=found.customer_id, phone=phone)
        return None if customer.is_anonymous else customer


def activity(record: Any, members: Members, source: Source) -> Sequence[Event]:
    """activity.reported, named `square.redeem_reward` and so on; nothing for our own doing."""
    found = read(LoyaltyEventPayload, record)
    if found.source != AT_THE_TILL:
        return ()
    customer = members.of(found.loyalty_account_id)
    name = f"square.{found.type.lower()[:60]}"
    return (
        Event(
            type=EventType.ACTIVITY_REPORTED,
            store=source.store,
            key=found.id,
            time=found.created_at,
            subject=subject_of(source.store, customer, found.loyalty_account_id),
            data=Activity(name=name, ref=found.id, customer=customer),
        ),
    )
