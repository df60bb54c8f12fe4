"""What people write in chats, and the invitation that makes a chat's person a member."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from loyalty.events.base import Frozen, Key, Text
from loyalty.events.people import Customer

ChatChannel = Literal["messenger", "line", "whatsapp", "slack"]


class ChatMessage(Frozen):
    """Somebody wrote to one of our accounts; `customer.id` is the vendor's id of the person."""

    id: Key
    channel: ChatChannel
    body: Annotated[str, Field(max_length=2000)] = ""
    customer: Customer
    place: Annotated[str, Field(max_length=200)] = Field(
        "", description="Where to answer, of vendors where people write in channels."
    )


class ChatInvited(Frozen):
    """A person of the team invites somebody from a conversation to become a member.

    The event's `store` is the connection of the chat; `contact` is the person's id there.
    """

    invitation_id: Key = Field(description="A UUID; the link in the message names it.")
    channel: ChatChannel
    contact: Key
    by: Text = Field(description="Who of the team invites.")


class ChatBound(Frozen):
    """Somebody signed up or logged in by the link of an invitation."""

    invitation_id: Key
    member_id: Key | None = Field(None, description="Who is signed in; or `customer` says it.")
    customer: Customer | None = None
