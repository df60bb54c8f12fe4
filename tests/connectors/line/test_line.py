"""LINE: what is its own, beyond what the conformance suite asks of everybody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from connectors.kit.action import Job
from connectors.kit.capabilities import PushButton, PushMessage
from connectors.kit.errors import (
    AuthError,
    InvalidRequest,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
)
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.webhook import BadSignature, InboundRequest, Source, Unreadable
from connectors.line.account import LineAccount
from connectors.line.actions import send_message
from connectors.line.client import LineClient
from connectors.line.sandbox import SANDBOX_ACCOUNT, LineSandbox
from connectors.line.triggers import TITLES, WEBHOOK, parse
from loyalty.events import Event, EventType
from tests.connectors.contract import complaints_about, contract, record_traffic

Serve = Callable[[VendorSandbox], Awaitable[str]]
NOW = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
VENDORS = Path(__file__).parents[4] / "shared" / "vendors"
MILA = "U5f1c0a9be27d4c3890ab12cd34ef5678"
PUSH = PushMessage(to=MILA, text="You have 120 points. 🎁")
SOURCE = Source("line", "main")


@asynccontextmanager
async def at_work(serve: Serve, sandbox: LineSandbox, **fields: Any) -> AsyncIterator[LineClient]:
    account = sandbox.account_at(await serve(sandbox)) | fields
    client = LineClient(LineAccount.model_validate(account))
    try:
        yield client
    finally:
        await client.aclose()


def reply(token: str) -> PushMessage:
    return PushMessage(to=MILA, kind="reply", text="120 points.", reply_token=token)


def request(body: bytes) -> InboundRequest:
    return InboundRequest("POST", "https://hub.example/hooks/line/main", {}, body, NOW)


def delivery(*events: dict[str, Any]) -> dict[str, Any]:
    common = {"mode": "active", "deliveryContext": {"isRedelivery": False}}
    return {
        "destination": "U" + "b" * 32,
        "events": [
            {"webhookEventId": f"01K8{number}", "timestamp": 1793616300000}
            | {"source": {"type": "user", "userId": MILA}} | common | one
            for number, one in enumerate(events)
        ],
    }  # fmt: skip


def told(payload: Any) -> list[Event]:
    return list(parse(payload, request(b""), SOURCE))


def _name(event: Event) -> str:
    if event.type is EventType.CHAT_RECEIVED:
        return "line.message"
    return str(event.data.name)


def names(payload: Any) -> list[str]:
    return [_name(event) for event in told(payload)]


# --- sending ---------------------------------------------------------------------------------


async def test_a_push_sent_again_after_a_lost_answer_is_sent_once(serve: Serve) -> None:
    sandbox = LineSandbox()
    async with at_work(serve, sandbox) as client:
        sandbox.faults.append(Fault(status=500, when="after"))
        with pytest.raises(OutcomeUnknown):
            await send_message(client, Job("k", PUSH))
        again = await send_message(client, Job("k", PUSH))
        other = await send_message(client, Job("k2", PUSH))
    first, second = sandbox.records
    assert (again.vendor_id, other.vendor_id) == (first["id"], second["id"])
    assert first["text"] == PUSH.text


async def test_a_button_opens_the_page_below_the_text(serve: Serve) -> None:
    sandbox = LineSandbox()
    button = PushButton(label="Join now", url="https://hub.example.com/b/token")
    async with at_work(serve, sandbox) as client:
        await send_message(client, Job("a", PushMessage(to=MILA, text="x" * 500, button=button)))
    [sent] = [one["content"] for one in sandbox.records]
    assert sent["altText"].endswith(button.url), "for devices that draw no buttons"
    assert len(sent["template"]["text"]) == 160
    assert sent["template"]["actions"] == [
        {"type": "uri", "label": "Join now", "uri": "https://hub.example.com/b/token"}
    ]


async def test_a_retry_that_names_no_message_names_the_request(serve: Serve) -> None:
    """The contract lets LINE leave out what was sent."""
    sandbox = LineSandbox()
    sandbox.is_terse = True
    async with at_work(serve, sandbox) as client:
        await send_message(client, Job("k", PUSH))
        again = await send_message(client, Job("k", PUSH))
    assert UUID(again.vendor_id)
    assert len(sandbox.records) == 1


async def test_a_reply_takes_its_token_once(serve: Serve) -> None:
    sandbox = LineSandbox()
    sandbox.reply_tokens.add("token-1")
    async with at_work(serve, sandbox) as client:
        done = await send_message(client, Job("k", reply("token-1")))
        with pytest.raises(InvalidRequest, match="time to reply is over"):
            await send_message(client, Job("k", reply("token-1")))
    assert [(one["kind"], one["id"]) for one in sandbox.records] == [("reply", done.vendor_id)]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (PushMessage(to=MILA, kind="template", template="hello"), "no approved templates"),
        (PushMessage(to=MILA, kind="reply", text="x"), "needs the reply token"),
        (PushMessage(to="C" + "0" * 32, text="x"), "no LINE user id"),
        (PushMessage(to="mila.brandt", text="x"), "no LINE user id"),
        (PushMessage(to=MILA, text="🎁" * 3000), "error"),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_a_reason(
    serve: Serve, message: PushMessage, said: str
) -> None:
    sandbox = LineSandbox()
    async with at_work(serve, sandbox) as client:
        with pytest.raises(InvalidRequest, match=said):
            await send_message(client, Job("k", message))
    assert not sandbox.records


async def test_a_month_used_up_is_no_matter_of_seconds(serve: Serve) -> None:
    async with at_work(serve, LineSandbox(quota=1)) as client:
        await send_message(client, Job("k", PUSH))
        with pytest.raises(QuotaExceeded, match="this month"):
            await send_message(client, Job("k2", PUSH))


async def test_a_second_used_up_is_waited_for(serve: Serve) -> None:
    async with at_work(serve, LineSandbox(calls=1)) as client:
        await send_message(client, Job("k", PUSH))
        with pytest.raises(RateLimited) as caught:
            await send_message(client, Job("k2", PUSH))
    assert caught.value.retry_after is None


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ({"endpoint": "https://hub.example", "active": True}, "its webhook is on"),
        ({"endpoint": "https://hub.example", "active": False}, "its webhook is off"),
        (None, "no webhook address yet"),
    ],
)
async def test_the_check_says_whether_the_webhook_is_on(
    serve: Serve, endpoint: Any, said: str
) -> None:
    sandbox = LineSandbox()
    sandbox.endpoint = endpoint
    async with at_work(serve, sandbox) as client:
        assert said in await client.check()


async def test_a_wrong_token_is_refused(serve: Serve) -> None:
    async with at_work(serve, LineSandbox(), channel_access_token="another-token") as client:
        with pytest.raises(AuthError):
            await send_message(client, Job("k", PUSH))


async def test_all_calls_fit_the_published_contract(serve: Serve) -> None:
    spec = contract("specs/line/openapi.json")
    sandbox = LineSandbox()
    sandbox.reply_tokens.add("token-1")
    exchanges = record_traffic(sandbox)
    async with at_work(serve, sandbox) as client:
        await client.check()
        await send_message(client, Job("k", PUSH))
        await send_message(client, Job("k", PUSH))
        await send_message(client, Job("r", reply("token-1")))
        button = PushButton(label="Join now", url="https://hub.example.com/b/token")
        await send_message(client, Job("b", PushMessage(to=MILA, text="Join.", button=button)))
    assert [one.status for one in exchanges] == [200, 200, 200, 409, 200, 200]
    assert [text for one in exchanges for text in complaints_about(spec, one)] == []


# --- hearing ---------------------------------------------------------------------------------


def test_an_empty_delivery_is_line_s_test_and_means_nothing() -> None:
    assert WEBHOOK.topic(request(b""), {"destination": "U", "events": []}) == ""
    assert told({"destination": "U", "events": []}) == []


def test_every_event_of_a_delivery_is_told_whichever_comes_first() -> None:
    payload = delivery(
        {"type": "beacon", "beacon": {"hwid": "d4"}},
        {"type": "follow", "follow": {"isUnblocked": True}},
        {"type": "message", "message": {"id": "1", "type": "sticker"}},
        {"type": "unfollow"},
    )
    assert WEBHOOK.topic(request(b""), payload) == "follow"
    assert names(payload) == ["line.followed", "line.message", "line.unfollowed"]
    assert len({event.business_key for event in told(payload)}) == 3
    assert {event.subject for event in told(payload)} == {f"line/main:customer:{MILA}"}


def test_a_redelivered_event_in_another_delivery_is_the_same_fact() -> None:
    payload = delivery({"type": "follow"}, {"type": "message", "message": {"id": "1"}})
    (_, second) = told(payload)
    payload["events"].pop(0)
    payload["events"][0]["deliveryContext"]["isRedelivery"] = True
    assert [event.business_key for event in told(payload)] == [second.business_key]


@pytest.mark.parametrize("text", ["STOP", " stop. ", "Unsubscribe!", "配信停止"])
def test_a_word_that_asks_to_stop_is_told(text: str) -> None:
    payload = delivery({"type": "message", "message": {"id": "1", "type": "text", "text": text}})
    assert names(payload) == ["line.message", "line.stop_asked"]
    assert len({event.business_key for event in told(payload)}) == 2


def test_what_was_written_is_in_the_conversation_and_nowhere_else() -> None:
    text = "my number is 555 0123, do not stop the tea"
    payload = delivery({"type": "message", "message": {"id": "1", "type": "text", "text": text}})
    (event,) = told(payload)
    assert event.data.body == text
    assert event.model_dump_json().count("555") == 1
    assert event.time == datetime(2026, 11, 2, 10, 45, tzinfo=UTC)


@pytest.mark.parametrize("kind", ["group", "room"])
def test_a_group_is_no_talk_with_one_person(kind: str) -> None:
    source = {"type": kind, f"{kind}Id": "C" + "1" * 32, "userId": MILA}
    message = {"type": "message", "message": {"id": "1", "type": "text", "text": "stop"}}
    assert told(delivery({**message, "source": source})) == []


def test_a_linking_tells_the_nonce_and_one_that_failed_nothing() -> None:
    link = {"type": "accountLink", "link": {"result": "ok", "nonce": "n-1"}}
    (event,) = told(delivery(link))
    assert (event.data.name, event.data.ref) == ("line.account_linked", "n-1")
    assert event.data.customer.id == MILA
    assert told(delivery({"type": "accountLink", "link": {"result": "failed", "nonce": "n"}})) == []


@pytest.mark.parametrize("timestamp", [None, "1793616300000", -1, 10**14, True])
def test_a_time_that_cannot_be_is_refused(timestamp: Any) -> None:
    with pytest.raises(Unreadable, match="timestamp"):
        told(delivery({"type": "follow", "timestamp": timestamp}))


# --- what LINE publishes ---------------------------------------------------------------------


def published(folder: str) -> list[Path]:
    found = sorted((VENDORS / folder).glob("*.json"))
    if not found:
        pytest.skip("the vendors' samples are not beside this project")
    return found


def test_every_published_event_is_told_or_known_to_mean_nothing() -> None:
    means_nothing = {"beacon", "join", "leave", "memberJoined", "memberLeft", "messageEdited",
                     "undefined", "unsend", "videoPlayComplete"}  # fmt: skip
    for file in published("samples/line"):
        body = json.loads(file.read_text("utf-8"))["body"]
        topic = WEBHOOK.topic(request(b""), body)
        if topic in TITLES:
            (event,) = told(body)
            assert event.data.customer.id.startswith("U206")
        else:
            assert topic in means_nothing, file.name
            assert told(body) == []


def test_the_published_vectors_verify_and_tampered_ones_do_not() -> None:
    vectors = VENDORS / "vectors" / "line.json"
    if not vectors.is_file():
        pytest.skip("the vendors' vectors are not beside this project")
    for one in json.loads(vectors.read_text("utf-8"))["vectors"]:
        account = LineAccount.model_validate(SANDBOX_ACCOUNT).model_copy(
            update={"channel_secret": SecretStr(one["secret"])}
        )
        headers = {"x-line-signature": one["expected_signature"]}
        good = replace(request(one["body"].encode()), headers=headers)
        WEBHOOK.verify(good, account)
        with pytest.raises(BadSignature):
            WEBHOOK.verify(replace(good, body=good.body + b" "), account)
