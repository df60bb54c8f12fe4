"""Shared inboxes: whose message opens a conversation, and how one is answered there."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.kit.action import Job
from connectors.kit.capabilities import PushButton, PushMessage
from connectors.kit.errors import InvalidRequest
from connectors.kit.webhook import InboundRequest, Source
from connectors.slack.account import SlackAccount
from connectors.slack.client import SlackClient
from connectors.slack.manifest import MANIFEST
from connectors.slack.sandbox import CHANNEL, FIRST_MESSAGE, SANDBOX_ACCOUNT, SlackSandbox
from connectors.slack.triggers import WEBHOOK
from loyalty.events import Event, EventType
from tests.connectors.slack.conftest import Serve

INBOX, STAMP = "C0SHARED1", "1795262420.000100"
ACCOUNT = SlackAccount(**SANDBOX_ACCOUNT, shared_inboxes=(INBOX,))
LINK = "https://hub.example/b/token"


def told(account: SlackAccount = ACCOUNT, *, outside: bool = True, **fields: Any) -> list[Event]:
    """What the gateway makes of a message that Zoe of another workspace wrote in the inbox."""
    inner = {
        "type": "message",
        "channel": INBOX,
        "channel_type": "channel",
        "user": "U0ZOE1",
        "user_team": "T0THEIRS" if outside else "T0OURS",
        "text": "Salt &amp; pepper, 1 &lt; 2?",
        "ts": STAMP,
        "event_ts": STAMP,
        **fields,
    }
    payload = {
        "type": "event_callback",
        "event_id": "Ev01",
        "team_id": "T0THEIRS",
        "event": {name: value for name, value in inner.items() if value is not None},
        "authorizations": [{"team_id": "T0OURS", "user_id": "U0HUB", "is_bot": True}],
        "is_ext_shared_channel": True,
    }
    at = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    body = json.dumps(payload).encode()
    plain = InboundRequest("POST", "https://hub.example/hooks/slack/main", {}, body, at)
    request = replace(plain, headers=WEBHOOK.sign(plain, account))
    WEBHOOK.verify(request, account)
    found = WEBHOOK.read(request.body, account)
    trigger = WEBHOOK.triggers[WEBHOOK.topic(request, found)]
    return list(trigger.parse(found, request, Source("slack", "main")))


def test_what_a_customer_writes_in_a_shared_inbox_is_a_conversation() -> None:
    (event,) = told()
    assert event.type is EventType.CHAT_RECEIVED
    message = event.data
    assert (message.channel, message.customer.id) == ("slack", "U0ZOE1")
    assert message.body == "Salt & pepper, 1 < 2?"
    assert message.place == f"{INBOX}:{STAMP}"
    assert event.key == f"{INBOX}:{STAMP}"
    assert event.time == datetime(2026, 11, 21, 12, 0, 20, 100, tzinfo=UTC)


def test_an_answer_stands_in_the_thread_of_the_message() -> None:
    (event,) = told(thread_ts="1795262400.000001")
    assert event.data.place == f"{INBOX}:1795262400.000001"


@pytest.mark.parametrize(
    "fields",
    [{"user_team": None, "team": "T0THEIRS"}, {"subtype": "file_share"}],
    ids=["named by team", "with a file"],
)
def test_these_are_a_customers_messages_too(fields: dict[str, Any]) -> None:
    assert [one.type for one in told(**fields)] == [EventType.CHAT_RECEIVED]


def test_none_of_these_opens_a_conversation() -> None:
    edit = {"user": None, "message": {"user": "U0ZOE1", "text": "Thanks"}}
    others: dict[str, list[Event]] = {
        "the team's own": told(outside=False),
        "nobody says whose": told(user_team=None),
        "another channel": told(channel="C0OTHER01"),
        "a bot's": told(bot_id="B0SANDBOX"),
        "a bot's of old": told(subtype="bot_message", bot_id="B0SANDBOX", user=None),
        "an edit": told(subtype="message_changed", **edit),
        "a deletion": told(subtype="message_deleted"),
        "a broadcast": told(subtype="thread_broadcast"),
        "no inbox named": told(ACCOUNT.model_copy(update={"shared_inboxes": ()})),
    }
    kinds = {name: {one.type for one in events} for name, events in others.items()}
    assert all(EventType.CHAT_RECEIVED not in found for found in kinds.values()), kinds
    activities = {name for name, found in kinds.items() if found}
    told_as_before = {"the team's own", "nobody says whose", "another channel", "no inbox named"}
    assert activities == told_as_before | {"a broadcast"}


@pytest.mark.parametrize("channel", ["#support", "D0PRIVATE1", "C1 C2", "c0shared1"])
def test_a_shared_inbox_is_named_by_its_id(channel: str) -> None:
    with pytest.raises(ValueError, match="shared_inboxes"):
        SlackAccount(**SANDBOX_ACCOUNT, shared_inboxes=(channel,))


# --- answering -----------------------------------------------------------------------------------


def invitation(**changes: Any) -> Job:
    """An invitation for Zoe, below what she wrote."""
    fields: dict[str, Any] = {
        "to": "U0ZOE1",
        "text": "Join Tea & Co <now>.",
        "place": f"{CHANNEL}:{FIRST_MESSAGE}",
        "button": PushButton(label="Join now", url=LINK),
        **changes,
    }
    return Job("slack/main:chat.invited:1", PushMessage(**fields))


def client(base_url: str) -> SlackClient:
    return SlackClient(SlackAccount(**{**SANDBOX_ACCOUNT, "base_url": base_url}))


async def test_an_invitation_names_the_person_in_the_thread_and_has_a_button(serve: Serve) -> None:
    sandbox = SlackSandbox()
    one = client(await serve(sandbox))
    await MANIFEST.action("send_message").run(one, invitation())
    await one.aclose()
    (sent,) = sandbox.records
    assert (sent["channel"], sent["thread"]) == (CHANNEL, FIRST_MESSAGE)
    section, actions = sent["blocks"]
    assert section["text"]["text"] == "<@U0ZOE1> Join Tea &amp; Co &lt;now&gt;." == sent["text"]
    (button,) = actions["elements"]
    assert (button["text"]["text"], button["url"]) == ("Join now", LINK)


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "zoe@buyer.example"},
        {"place": ""},
        {"place": "D0PRIVATE1:1795262400.000001"},
        {"text": "x" * 3000},
        {"kind": "template", "template": "invite"},
    ],
)
async def test_what_cannot_be_answered_is_refused_before_slack_is_asked(
    serve: Serve, changes: dict[str, Any]
) -> None:
    sandbox = SlackSandbox()
    one = client(await serve(sandbox))
    with pytest.raises(InvalidRequest):
        await MANIFEST.action("send_message").run(one, invitation(**changes))
    await one.aclose()
    assert not sandbox.calls


async def test_pressing_the_button_of_an_invitation_is_no_activity(serve: Serve) -> None:
    sandbox = SlackSandbox()
    one = client(await serve(sandbox))
    await MANIFEST.action("send_message").run(one, invitation())
    await one.aclose()
    element = sandbox.records[0]["blocks"][1]["elements"][0]
    pressed = {
        "type": "block_actions",
        "user": {"id": "U0ZOE1"},
        "container": {"message_ts": FIRST_MESSAGE, "channel_id": CHANNEL},
        "actions": [{**element, "block_id": "b1", "action_ts": "1795262410.549150"}],
    }
    request = InboundRequest("POST", "https://x", {}, b"", datetime(2026, 11, 21, tzinfo=UTC))
    source = Source("slack", "main")
    assert WEBHOOK.triggers["block_actions"].parse(pressed, request, source) == []
