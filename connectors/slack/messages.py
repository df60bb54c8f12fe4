"""What the hub asks of Slack: messages, replies, changes, and buttons that say whom they concern.

https://docs.slack.dev/reference/block-kit/block-elements/button-element
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from connectors.kit.action import Payload, Sent
from connectors.kit.capabilities import PushButton

Words = Annotated[str, Field(min_length=1, max_length=3000)]
ChannelName = Annotated[str, Field(max_length=100, pattern=r"^\S*$")]
ChannelId = Annotated[str, Field(pattern=r"^[CGD][A-Z0-9]{8,30}$")]
Stamp = Annotated[str, Field(pattern=r"^\d{10}\.\d{6}$")]

OPENS_A_LINK = "link:open"
"""The action of a button that only opens an address. Slack reports such presses, too; they tell
nothing, and no button of a rule can have this name."""


class Posted(Sent):
    """A message in Slack: `vendor_id` is its timestamp, `channel` the id of where it stands.

    Both together name it, for a reply or a change; an incoming webhook tells neither.
    """

    channel: str = ""


class ThreadReply(Payload):
    """An answer below a message. `channel` empty means the connection's default."""

    text: Words
    thread: Stamp = Field(description="The timestamp of the message that began the thread.")
    channel: ChannelName = ""
    is_broadcast: bool = Field(False, description="Whether the channel sees it, too.")


class MessageUpdate(Payload):
    """New words for a message that the app posted; its buttons go."""

    text: Words
    message: Stamp = Field(description="The timestamp of the message.")
    channel: ChannelId = Field(description="The channel's id; Slack takes no name here.")


class WebhookPost(Payload):
    """A message through the connection's incoming webhook, to the channel that it belongs to."""

    text: Words


class Button(Payload):
    """A button, and whom pressing it concerns: at best the number of a member's card."""

    label: Annotated[str, Field(min_length=1, max_length=75)]
    action: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,99}$")] = Field(
        description="What pressing it is called: the activity `slack.<action>`."
    )
    style: Literal["", "primary", "danger"] = ""
    card: Annotated[str, Field(max_length=150)] = ""
    email: Annotated[str, Field(max_length=254)] = ""
    phone: Annotated[str, Field(max_length=16)] = ""
    ref: Annotated[str, Field(max_length=200)] = Field(
        "", description="What it is about, such as an order; the message itself where empty."
    )

    def element(self) -> dict[str, Any]:
        """The button as Block Kit has it; its value tells the hub whom it is about."""
        about = {"card": self.card, "email": self.email, "phone": self.phone, "ref": self.ref}
        value = json.dumps({name: text for name, text in about.items() if text})
        label = {"type": "plain_text", "text": self.label}
        made = {"type": "button", "action_id": self.action, "text": label, "value": value}
        return {**made, "style": self.style} if self.style else made


class ButtonsPost(Payload):
    """A message with buttons. `channel` empty means the connection's default."""

    text: Words
    buttons: Annotated[tuple[Button, ...], Field(min_length=1, max_length=10)]
    channel: ChannelName = ""

    def blocks(self) -> list[dict[str, Any]]:
        """The message as Block Kit has it."""
        return [
            {"type": "section", "text": {"type": "mrkdwn", "text": self.text}},
            {"type": "actions", "elements": [one.element() for one in self.buttons]},
        ]


def to_person(user: str, text: str, button: PushButton | None) -> tuple[str, list[dict[str, Any]]]:
    """A message for one person in a channel that others read: its text, and its Block Kit.

    Slack shows the text in notifications, and takes mrkdwn in both
    (https://docs.slack.dev/messaging/formatting-message-text).
    """
    told = f"<@{user}> {_escaped(text)}"
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": told}},
    ]
    if button is not None:
        label = {"type": "plain_text", "text": button.label}
        opens = {"type": "button", "action_id": OPENS_A_LINK, "text": label, "url": button.url}
        blocks.append({"type": "actions", "elements": [opens]})
    return told, blocks


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
