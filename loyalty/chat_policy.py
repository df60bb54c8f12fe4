"""Which chats may carry an invitation, and how long its link is good."""

from __future__ import annotations

from pydantic import Field

from loyalty.events import Frozen
from loyalty.events.chats import ChatChannel


class ChatPolicy(Frozen):
    """The terms of inviting people from conversations.

    How long after a person's last message one may go is the gate's (`messaging.window_hours`).

    WhatsApp joins where its channel is listed and an approved template is named.
    """

    invite_link_minutes: int = Field(60, ge=1, le=1440, description="The link ends just then.")
    invite_channels: tuple[ChatChannel, ...] = ("messenger", "line")
    whatsapp_template: str = Field(
        "", max_length=512, description="The name of the template that WhatsApp has approved."
    )
    page: str = Field(
        "", max_length=500, description="Where people sign up or log in; the portal where empty."
    )

    def invites_in(self, channel: str) -> bool:
        """Whether invitations may be sent there at all."""
        if channel == "whatsapp" and not self.whatsapp_template:
            return False
        return channel in self.invite_channels
