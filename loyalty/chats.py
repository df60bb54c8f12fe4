"""Conversations in chats, and invitations sent in them: when one may go, who may use it.

Pure. The limits are those of the channels: Meta lets a business write for 24 hours after a
person's last message
(https://developers.facebook.com/docs/messenger-platform/policy/policy-overview).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from loyalty.chat_policy import ChatPolicy
from loyalty.gate import window_closes
from loyalty.messaging_policy import MessagingPolicy

WINDOW_HOURS = 24
"""Where the programme says nothing of a channel."""


@dataclass(slots=True)
class Contact:
    """Somebody who writes to one of our accounts.

    Attributes:
        store: The connection, `messenger/main`; `contact` is the vendor's id of the person.
        place: Where their latest message stands, of vendors where people write in channels.
        stopped_at: When they asked us not to write any more; a later message does not undo it.
    """

    store: str
    contact: str
    channel: str
    last_message_at: datetime | None = None
    last_text: str = ""
    place: str = ""
    member_id: UUID | None = None
    stopped_at: datetime | None = None
    is_changed: bool = False

    def hear(self, at: datetime, text: str, place: str = "") -> None:
        """Takes in a message; one that comes late does not take the window back."""
        if self.last_message_at is None or at > self.last_message_at:
            self.last_message_at, self.is_changed = at, True
            self.last_text = text[:500] or self.last_text
            self.place = place or self.place


@dataclass(slots=True)
class ChatInvitation:
    """An invitation that was sent in a chat; its link binds one member, once."""

    id: UUID
    store: str
    contact: str
    sent_by: str
    sent_at: datetime
    expires_at: datetime
    member_id: UUID | None = None
    bound_at: datetime | None = None
    is_changed: bool = True


def open_until(contact: Contact | None, messaging: MessagingPolicy) -> datetime | None:
    """Until when an invitation may be sent, that instant included; None for somebody who has
    never written."""
    if contact is None or contact.last_message_at is None:
        return None
    hours = messaging.window_hours.get(contact.channel, WINDOW_HOURS)
    return window_closes(contact.last_message_at, hours)


def refusal(
    contact: Contact | None,
    policy: ChatPolicy,
    messaging: MessagingPolicy,
    *,
    channel: str,
    now: datetime,
) -> str:
    """Why no invitation may be sent now, as a code; empty where one may."""
    if not policy.invites_in(channel):
        return "channel_unsupported"
    if contact is not None and contact.stopped_at is not None:
        return "opted_out"
    until = open_until(contact, messaging)
    return "" if until is not None and now <= until else "window_closed"


def link_refusal(invitation: ChatInvitation | None, *, now: datetime) -> str:
    """Why a link binds nobody any more, as a code; empty where it does."""
    if invitation is None:
        return "link_invalid"
    if invitation.member_id is not None:
        return "link_used"
    return "" if now < invitation.expires_at else "link_expired"


REFUSALS = {
    "channel_unsupported": "invitations are not sent in this channel: the programme's settings "
    "say in which they are",
    "opted_out": "this person asked us not to write to them any more",
    "window_closed": "the person's last message is too long ago: wait until they write again",
    "link_invalid": "there is no such invitation",
    "link_used": "the link was used already: it binds one account, once",
    "link_expired": "the link is over: ask for a new invitation in the chat",
}
"""What the codes say to people of the team."""
