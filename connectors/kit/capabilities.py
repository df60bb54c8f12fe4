"""The canonical inputs of the capabilities, so that one connector can stand in for another.

A rule asks for a capability; the planner fills one of these; the action of whichever
connection is configured takes it. Texts are final: rendered, gated, ready to send.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, Field

from connectors.kit.action import Capability, Payload

Scalar = str | int | Decimal | bool | None
Properties = dict[Annotated[str, Field(max_length=100)], Scalar]


class SmsMessage(Payload):
    """A text message to one person."""

    to: Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")]
    body: Annotated[str, Field(min_length=1, max_length=1600)]


class EmailMessage(Payload):
    """An e-mail to one person. `headers` are extra ones such as List-Unsubscribe."""

    to: Annotated[str, Field(min_length=3, max_length=254)]
    to_name: str = ""
    subject: Annotated[str, Field(min_length=1, max_length=500)]
    text: Annotated[str, Field(max_length=100_000)]
    html: Annotated[str, Field(max_length=500_000)] = ""
    headers: dict[str, str] = Field(default_factory=dict)


class CrmContact(Payload):
    """A person's record in a CRM, found by e-mail, written as upsert."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    properties: Properties = Field(default_factory=dict)


class AudienceMember(Payload):
    """A person in a mailing audience. Never re-subscribes somebody who left."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    first_name: str = ""
    last_name: str = ""
    is_subscribed: bool = Field(
        False, description="Only for somebody new: whether they have granted e-mail consent."
    )
    merge_fields: Properties = Field(default_factory=dict)
    tags: tuple[str, ...] = ()


class TrackedEvent(Payload):
    """Something a person did, for a marketing tool's event stream."""

    name: Annotated[str, Field(min_length=1, max_length=128)]
    time: AwareDatetime
    email: str = ""
    phone: str = ""
    external_id: str = ""
    value: Decimal | None = None
    properties: Properties = Field(default_factory=dict)


class ChatPost(Payload):
    """A message to the team. `channel` empty means the connection's default."""

    text: Annotated[str, Field(min_length=1, max_length=3000)]
    channel: str = ""


class SheetRow(Payload):
    """One row to append. `worksheet` empty means the connection's default."""

    values: Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=50)]
    worksheet: str = ""


class WebhookCall(Payload):
    """A call to somebody's own endpoint, in the Standard Webhooks envelope."""

    type: Annotated[str, Field(min_length=1, max_length=200)]
    timestamp: AwareDatetime
    data: dict[str, Any]


INPUT_OF: dict[Capability, type[Payload]] = {
    Capability.SMS: SmsMessage,
    Capability.EMAIL: EmailMessage,
    Capability.CRM: CrmContact,
    Capability.AUDIENCE: AudienceMember,
    Capability.TRACK: TrackedEvent,
    Capability.CHAT: ChatPost,
    Capability.SHEET: SheetRow,
    Capability.WEBHOOK: WebhookCall,
}
