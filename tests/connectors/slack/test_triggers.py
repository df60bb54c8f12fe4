"""What Slack sends to the hub: genuine or not, and the handshake."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    NoticeKind,
    Reply,
    Source,
    Unreadable,
)
from connectors.slack.account import SlackAccount
from connectors.slack.messages import Button, ButtonsPost
from connectors.slack.sandbox import SANDBOX_ACCOUNT
from connectors.slack.triggers import WEBHOOK, handshake
from loyalty.events import Event, EventType

ACCOUNT = SlackAccount(**SANDBOX_ACCOUNT)
SOURCE = Source("slack", "main")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
VECTORS = (
    Path(__file__).resolve().parents[3].parent / "shared" / "vendors" / "vectors" / "slack.json"
)
MESSAGE = json.dumps(
    {
        "type": "event_callback",
        "event_id": "Ev0SANDBOX1",
        "team_id": "T0SANDBOX",
        "event": {"type": "message", "text": "what is url_verification?", "channel": "C0SANDBOX"},
    }
).encode()
CHALLENGE = b'{"type": "url_verification", "challenge": "3eZbrw1aB"}'


def signed(body: bytes, account: SlackAccount = ACCOUNT) -> InboundRequest:
    unsigned = InboundRequest("POST", "https://hub.example/hooks/slack/main", {}, body, NOW)
    return replace(unsigned, headers=WEBHOOK.sign(unsigned, account))


def test_slacks_published_signature_passes() -> None:
    if not VECTORS.exists():
        pytest.skip("the published signature vectors are not beside this checkout")
    (vector,) = json.loads(VECTORS.read_text())["vectors"]
    headers = {
        "x-slack-signature": vector["expected_signature"],
        "x-slack-request-timestamp": vector["timestamp"],
    }
    when = datetime.fromtimestamp(int(vector["timestamp"]) + 60, UTC)
    genuine = InboundRequest("POST", "https://x", headers, vector["body"].encode(), when)
    account = ACCOUNT.model_copy(update={"signing_secret": SecretStr(vector["secret"])})
    WEBHOOK.verify(genuine, account)
    with pytest.raises(BadSignature, match="timestamp"):
        WEBHOOK.verify(replace(genuine, received_at=when + timedelta(minutes=5)), account)


def forgeries(body: bytes) -> dict[str, InboundRequest]:
    genuine = signed(body)
    stamp = genuine.headers["x-slack-request-timestamp"]
    headers = dict(genuine.headers)
    old = ACCOUNT.model_copy(update={"signing_secret": SecretStr("old-secret")})
    return {
        "altered body": replace(genuine, body=body + b" "),
        "other time": replace(
            genuine, headers={**headers, "x-slack-request-timestamp": str(int(stamp) + 1)}
        ),
        "old secret": signed(body, old),
        "no headers": replace(genuine, headers={}),
        "no signature": replace(genuine, headers={"x-slack-request-timestamp": stamp}),
        "no timestamp": replace(
            genuine, headers={"x-slack-signature": headers["x-slack-signature"]}
        ),
        "no number": replace(genuine, headers={**headers, "x-slack-request-timestamp": "²"}),
        "huge number": replace(genuine, headers={**headers, "x-slack-request-timestamp": "9" * 40}),
        "replayed": replace(genuine, received_at=NOW + timedelta(seconds=301)),
        "from the future": replace(genuine, received_at=NOW - timedelta(seconds=301)),
    }


@pytest.mark.parametrize("name", forgeries(MESSAGE))
def test_a_forgery_is_refused_and_its_challenge_is_not_answered(name: str) -> None:
    with pytest.raises(BadSignature):
        WEBHOOK.verify(forgeries(MESSAGE)[name], ACCOUNT)
    with pytest.raises(BadSignature):
        handshake(forgeries(CHALLENGE)[name], ACCOUNT)


@pytest.mark.parametrize("secret", [None, SecretStr("")])
def test_without_a_signing_secret_nothing_passes(secret: SecretStr | None) -> None:
    account = ACCOUNT.model_copy(update={"signing_secret": secret})
    with pytest.raises(BadSignature, match="no webhook secret"):
        WEBHOOK.verify(signed(MESSAGE), account)
    with pytest.raises(BadSignature, match="no webhook secret"):
        handshake(signed(CHALLENGE), account)


def test_a_proven_challenge_is_returned() -> None:
    assert handshake(signed(CHALLENGE), ACCOUNT) == Reply(200, b"3eZbrw1aB", "text/plain")


@pytest.mark.parametrize("body", [MESSAGE, b"{}", b'{"type": "app_rate_limited"}'])
def test_other_requests_are_no_handshake(body: bytes) -> None:
    assert handshake(signed(body), ACCOUNT) is None


@pytest.mark.parametrize(
    "body", [b'{"type": "url_verification"}', b'["url_verification"]', b"url_verification"]
)
def test_a_challenge_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        handshake(signed(body), ACCOUNT)


def test_an_event_is_verified_and_named() -> None:
    request = signed(MESSAGE)
    WEBHOOK.verify(request, ACCOUNT)
    payload = WEBHOOK.decode(request.body)
    assert WEBHOOK.topic(request, payload) == "message"
    assert WEBHOOK.delivery_id(request, payload) == "Ev0SANDBOX1"


# --- what it means ---------------------------------------------------------------------------


def told(payload: dict[str, Any]) -> list[Event]:
    """What becomes of a payload; an interaction comes as a form."""
    text = json.dumps(payload)
    is_form = payload.get("type") == "block_actions"
    request = signed(urlencode({"payload": text}).encode() if is_form else text.encode())
    WEBHOOK.verify(request, ACCOUNT)
    found = WEBHOOK.decode(request.body)
    trigger = WEBHOOK.triggers.get(WEBHOOK.topic(request, found))
    return list(trigger.parse(found, request, SOURCE)) if trigger else []


def press(**changes: Any) -> dict[str, Any]:
    button = ButtonsPost(
        text="x", buttons=(Button(label="Goodwill", action="goodwill", **changes),)
    )
    element = button.blocks()[1]["elements"][0]
    return {
        "type": "block_actions",
        "user": {"id": "U0ANN"},
        "container": {"message_ts": "1795262400.000002", "channel_id": "C0SANDBOX"},
        "actions": [{**element, "block_id": "b1", "action_ts": "1795262410.549150"}],
    }


def happened(kind: str, **fields: Any) -> dict[str, Any]:
    inner = {"type": kind, "user": "U0ANN", "event_ts": "1795262420.000100", **fields}
    return {"type": "event_callback", "event_id": "Ev01", "event": inner}


def test_what_the_hub_wrote_into_a_button_comes_back_when_it_is_pressed() -> None:
    (event,) = told(press(card="4711", email="ann@buyer.example", phone="+491555", ref="o-1001"))
    assert event.type is EventType.ACTIVITY_REPORTED
    assert (event.data.name, event.data.ref) == ("slack.goodwill", "o-1001")
    customer = event.data.customer
    assert (customer.card, customer.email, customer.phone) == (
        "4711",
        "ann@buyer.example",
        "+491555",
    )
    assert event.time == datetime(2026, 11, 21, 12, 0, 10, 549150, tzinfo=UTC)


def test_a_button_counts_once_per_message_whoever_presses_it() -> None:
    first, again, elsewhere, other = press(), press(), press(), press(ref="o-2")
    again["user"] = {"id": "U0BEN"}
    again["actions"][0]["action_ts"] = "1795262499.000001"
    elsewhere["container"]["message_ts"] = "1795262400.000009"
    keys = [told(one)[0].key for one in (first, again, elsewhere, other)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


@pytest.mark.parametrize("value", [None, "", "click_me_123", "[]", "5", '{"card": []}', "{}"])
def test_a_button_of_somebody_elses_is_about_nobody(value: str | None) -> None:
    pressed = press()
    pressed["actions"][0]["value"] = value
    (event,) = told(pressed)
    assert event.data.customer is None
    assert event.data.ref == "C0SANDBOX:1795262400.000002"


def test_buttons_about_different_cards_are_ordered_apart() -> None:
    subjects = {told(press(card=card))[0].subject for card in ("4711", "4712")}
    assert subjects == {"slack/main:card:4711", "slack/main:card:4712"}


def test_menus_and_dates_are_no_buttons() -> None:
    chosen = press()
    chosen["actions"][0]["type"] = "static_select"
    assert told(chosen) == []


@pytest.mark.parametrize(
    ("event", "ref"),
    [
        (happened("message", channel="C1", ts="1795262420.000100"), "C1:1795262420.000100"),
        (happened("app_mention", channel="C1", ts="1795262420.000100"), "C1:1795262420.000100"),
        (happened("member_joined_channel", channel="C1"), "C1"),
        (
            happened("reaction_added", reaction="tada", item={"channel": "C1", "ts": "1.2"}),
            "C1:1.2:tada",
        ),
    ],
    ids=lambda one: one["event"]["type"] if isinstance(one, dict) else one,
)
def test_what_people_do_is_their_activity(event: dict[str, Any], ref: str) -> None:
    (found,) = told(event)
    assert found.data.name == f"slack.{event['event']['type']}"
    assert (found.data.ref, found.data.customer.id) == (ref, "U0ANN")
    assert found.key == "Ev01"


@pytest.mark.parametrize(
    "fields",
    [{"bot_id": "B0SANDBOX"}, {"subtype": "channel_join"}, {"user": None}],
    ids=["a bot, ours too", "Slack itself", "nobody"],
)
def test_what_no_person_wrote_is_left_out(fields: dict[str, Any]) -> None:
    assert told(happened("message", channel="C1", ts="1795262420.000100", **fields)) == []


@pytest.mark.parametrize(
    ("event", "is_revoked"),
    [
        (happened("app_uninstalled"), True),
        (happened("tokens_revoked", tokens={"oauth": [], "bot": ["U0HUB"]}), True),
        (happened("tokens_revoked", tokens={"oauth": ["U0ANN"], "bot": []}), False),
        (happened("tokens_revoked", tokens=None), False),
    ],
)
def test_a_revoked_app_gives_notice(event: dict[str, Any], is_revoked: bool) -> None:
    request = signed(json.dumps(event).encode())
    trigger = WEBHOOK.triggers[WEBHOOK.topic(request, event)]
    assert trigger.notice is not None
    notice = trigger.notice(event, request)
    assert (notice is not None) is is_revoked
    assert notice is None or notice.kind is NoticeKind.REVOKED
    assert told(event) == []


@pytest.mark.parametrize("body", [b"payload=", b"payload=%ff", b"payload=x", "payload=é".encode()])
def test_a_form_without_json_is_refused(body: bytes) -> None:
    with pytest.raises(Unreadable):
        WEBHOOK.decode(body)


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("app_rate_limited", []),
        ("new_interaction_event_received", ["slack.button_click"]),
        ("new_message_in_channels", ["slack.message"]),
    ],
)
def test_the_published_samples_are_read(name: str, kinds: list[str]) -> None:
    """Two were captured by a workflow tool, without the envelope that Slack puts around them."""
    file = VECTORS.parents[1] / "samples" / "slack" / f"{name}.json"
    if not file.exists():
        pytest.skip("the published samples are not beside this checkout")
    body = json.loads(file.read_text())["body"]
    if name == "new_interaction_event_received":
        body = body["event"]
    if name == "new_message_in_channels":
        body = {"type": "event_callback", "event_id": "Ev01", "event": body}
    assert [one.data.name for one in told(body)] == kinds
