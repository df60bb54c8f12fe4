"""What customers write in shared inboxes: channels that are shared with their workspace.

https://docs.slack.dev/apis/slack-connect, https://docs.slack.dev/reference/events/message. A
message counts as a customer's where its author's workspace is stated and is none that the app is
installed in; what the team writes there stays an activity.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator

from connectors.kit.payload import Items, OptionalId, Text, VendorModel, clean, read
from connectors.kit.webhook import InboundRequest, Source
from connectors.slack.activities import instant, parse_event
from loyalty.events import ChatMessage, Customer, Event, EventType, subject_of

INBOXES = "shared_inboxes"
"""Where the decoded payload says which channels the connection names; Slack sends no such field."""

WRITTEN = frozenset({"", "file_share"})
"""Kinds of message that somebody wrote: no edit, no broadcast of a thread, none of Slack's own."""
LONGEST = 2000


def _body(value: Any) -> str:
    """Slack escapes three characters: https://docs.slack.dev/messaging/formatting-message-text."""
    text = clean(value) if isinstance(value, str) else ""
    plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return plain[:LONGEST]


class _Message(VendorModel):
    subtype: Text = ""
    bot_id: OptionalId = None
    user: OptionalId = None
    user_team: OptionalId = None
    team: OptionalId = None
    channel: OptionalId = None
    ts: OptionalId = None
    thread_ts: OptionalId = None
    text: Annotated[str, BeforeValidator(_body)] = ""


class _Installation(VendorModel):
    team_id: OptionalId = None


class _Envelope(VendorModel):
    event: _Message
    authorizations: Items[_Installation] = ()
    shared_inboxes: Items[str] = ()

    @property
    def is_customers(self) -> bool:
        """Whether a person of another workspace wrote it in one of the named channels."""
        wrote, ours = self.event, {one.team_id for one in self.authorizations if one.team_id}
        theirs = wrote.user_team or wrote.team
        is_written = wrote.bot_id is None and wrote.subtype in WRITTEN
        is_whole = bool(wrote.user and wrote.ts and theirs and ours)
        return (
            is_written and is_whole and wrote.channel in self.shared_inboxes and theirs not in ours
        )


def parse_message(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """A customer's message of a shared inbox as `chat.received`; any other as an activity."""
    found = read(_Envelope, payload)
    if not found.is_customers:
        return parse_event(payload, request, source)
    return [_received(found.event, source)]


def _received(wrote: _Message, source: Source) -> Event:
    customer, key = Customer(id=wrote.user), f"{wrote.channel}:{wrote.ts}"
    return Event(
        type=EventType.CHAT_RECEIVED,
        store=source.store,
        key=key,
        time=instant(wrote.ts or ""),
        subject=subject_of(source.store, customer, key),
        data=ChatMessage(
            id=key,
            channel="slack",
            body=wrote.text,
            customer=customer,
            place=f"{wrote.channel}:{wrote.thread_ts or wrote.ts}",
        ),
    )
