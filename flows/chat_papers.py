"""What a batch needs of conversations and of the invitations sent in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.chats import ChatInvitation, Contact
from loyalty.events import EventType
from loyalty.store import chats, people
from loyalty.store.chats import Who
from loyalty.store.inbox import Claimed
from loyalty.store.people import Identity

PRESSES = ("postback", "quick_reply", "button", "followed", "opted_in")
"""What people do in a chat besides writing; each opens the conversation as a message does."""
STOP = "stop_asked"
CHANNELS = ("messenger", "line", "whatsapp", "slack")


@dataclass(slots=True)
class ChatPapers:
    """Conversations and invitations of one transaction, those of this batch too.

    Attributes:
        owners: Which account a chat's person has already, by the person's key.
    """

    contacts: dict[Who, Contact] = field(default_factory=dict)
    invitations: dict[UUID, ChatInvitation] = field(default_factory=dict)
    owners: dict[Identity, UUID] = field(default_factory=dict)

    def contact(self, store: str, contact: str, channel: str) -> Contact:
        """Who writes; made where they have not written before."""
        found = self.contacts.get((store, contact))
        if found is None:
            found = self.contacts[store, contact] = Contact(store, contact, channel)
        return found


def chat_act(item: Claimed) -> tuple[str, str]:
    """Channel and name of what somebody did in a chat; empty for other activities."""
    if item.event.type is not EventType.ACTIVITY_REPORTED:
        return "", ""
    channel, _, name = item.event.data.name.partition(".")
    return (channel, name) if channel in CHANNELS and name in (*PRESSES, STOP) else ("", "")


def who_in(item: Claimed) -> Who | None:
    """Whose conversation an event is of."""
    data, store = item.event.data, item.event.store
    if item.event.type is EventType.CHAT_INVITED:
        return store, data.contact
    if item.event.type is EventType.CHAT_RECEIVED or chat_act(item)[0]:
        return (store, data.customer.id) if data.customer and data.customer.id else None
    return None


async def load(connection: AsyncConnection, items: Sequence[Claimed]) -> ChatPapers:
    """Reads and locks what the events of a batch are about."""
    papers = ChatPapers()
    about = (EventType.CHAT_INVITED, EventType.CHAT_BOUND)
    ids = [UUID(i.event.data.invitation_id) for i in items if i.event.type in about]
    papers.invitations = await chats.invitations(connection, ids)
    whom = {who for item in items if (who := who_in(item)) is not None}
    whom |= {(one.store, one.contact) for one in papers.invitations.values()}
    papers.contacts = await chats.contacts(connection, whom)
    keys = [(store, "customer", contact) for store, contact in sorted(whom)]
    papers.owners = await people.find(connection, keys) if keys else {}
    for item in items:
        _hear(papers, item)
    return papers


def _hear(papers: ChatPapers, item: Claimed) -> None:
    """Notes that somebody wrote or pressed something, whatever becomes of the event."""
    who, (channel, name) = who_in(item), chat_act(item)
    if who is None or item.event.type is EventType.CHAT_INVITED:
        return
    contact = papers.contact(*who, channel or item.event.data.channel)
    data = item.event.data
    contact.hear(item.event.time, getattr(data, "body", ""), getattr(data, "place", ""))
    if name == STOP:
        contact.stopped_at = contact.stopped_at or item.event.time


async def save(connection: AsyncConnection, papers: ChatPapers) -> None:
    """Writes what was heard, sent and bound."""
    changed = [one for one in papers.contacts.values() if one.is_changed]
    await chats.save_contacts(connection, changed)
    new = [one for one in papers.invitations.values() if one.is_changed]
    await chats.save_invitations(connection, new)
