"""Who opened a link of consents, and how what they say is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fastapi import Request

from gateway.people.door import Closed, house_of, looked
from gateway.work import Crowded, Unstorable, Work
from loyalty.consent_links import behind
from loyalty.events import Event
from loyalty.links import LinkInvalid, LinkKind
from loyalty.store.inbox import Incoming
from loyalty.store.recipients import Recipient, recipient_of


async def recipient(request: Request, kind: LinkKind, token: str) -> Recipient:
    """Whose link it is.

    Raises:
        Closed: The link is altered, or its message is gone.
    """
    house = house_of(request)
    try:
        named = behind(house.links, kind, token)
    except LinkInvalid:
        raise Closed("altered") from None
    looked(request, token)
    async with house.database.begin() as connection:
        found = await recipient_of(connection, named)
    if found is None:
        raise Closed("gone")
    return found


async def keep(request: Request, events: Sequence[Event], *, now: datetime) -> None:
    """Commits what a person said before they are answered.

    Raises:
        Closed: Too much waits at the moment.
    """
    incoming = [Incoming(event=event, received_at=now) for event in events]
    try:
        await house_of(request).commit.keep(Work(incoming=incoming))
    except (Crowded, Unstorable):
        raise Closed("away") from None
