"""What vendors say became of messages, and what people write back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from loyalty.events.base import Frozen, Key, Text
from loyalty.events.kinds import Channel


class MessageReport(Frozen):
    """What a vendor says became of a message.

    Attributes:
        detail: Of a click, the address that was opened; of a failure, the vendor's words.
        permanent: No message to this address will fare better.
        user_agent: What the program called itself that opened it, where the vendor says so.
        is_machine: The vendor knows that a machine opened it, and no person.
    """

    channel: Channel
    address: Text
    vendor_message_id: Text = ""
    detail: Text = ""
    permanent: bool = False
    user_agent: Text = ""
    is_machine: bool = False


class InboundMessage(Frozen):
    """A text that a person sent to us."""

    id: Key
    channel: Channel
    sender: Text
    recipient: Text = ""
    body: Annotated[str, Field(max_length=2000)]
