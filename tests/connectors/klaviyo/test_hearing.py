"""What Klaviyo tells: webhooks that ring, and events that the poll asks for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from connectors.kit.errors import InvalidRequest
from connectors.kit.sandbox import Fault
from connectors.kit.subscriptions import Wanted, ensure
from connectors.kit.webhook import BadSignature, InboundRequest, Source, hmac_hex
from connectors.klaviyo.account import KlaviyoAccount
from connectors.klaviyo.client import KlaviyoClient
from connectors.klaviyo.polling import POLL
from connectors.klaviyo.sandbox import SANDBOX_ACCOUNT, KlaviyoSandbox
from connectors.klaviyo.subscriptions import SUBSCRIPTIONS
from connectors.klaviyo.triggers import WEBHOOK
from loyalty.events import Activity, Channel, Event, MessageReport
from tests.connectors.conftest import Serve

NOW = datetime.now(UTC).replace(microsecond=0)
AT = NOW - timedelta(hours=1)
SOURCE = Source("klaviyo", "main")
HERE = "https://hub.example/hooks/klaviyo/main"
PUBLISHED = Path(__file__).resolve().parents[4] / "shared" / "vendors" / "samples" / "klaviyo"
ACCOUNT = KlaviyoAccount.model_validate(SANDBOX_ACCOUNT)


@pytest.fixture
def sandbox() -> KlaviyoSandbox:
    return KlaviyoSandbox()


@pytest_asyncio.fixture
async def client(sandbox: KlaviyoSandbox, serve: Serve) -> AsyncIterator[KlaviyoClient]:
    fields = {**SANDBOX_ACCOUNT, "base_url": await serve(sandbox)}
    made = KlaviyoClient(KlaviyoAccount.model_validate(fields), read_seconds=1.0)
    yield made
    await made.aclose()


async def polled(client: KlaviyoClient, cursor: str = "") -> tuple[list[Event], list[str], str]:
    events: list[Event] = []
    bad: list[str] = []
    last = cursor
    async for page in POLL.changed_since(client, SOURCE, cursor=cursor, now=NOW):
        events += page.events
        bad += page.unreadable
        last = page.cursor
    return events, bad, last


# --- the poll --------------------------------------------------------------------------------


async def test_who_leaves_by_either_channel_is_left_alone_there(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    sandbox.happen("e1", "OWN001", AT, method="PREFERENCE_PAGE", email_address="old@shop.example")
    sandbox.happen("e2", "OWN002", AT)
    events, bad, _ = await polled(client)
    assert bad == []
    assert [event.data for event in events] == [
        MessageReport(
            channel=Channel.EMAIL,
            address="old@shop.example",
            detail="Unsubscribed from Email Marketing PREFERENCE_PAGE",
            permanent=True,
        ),
        MessageReport(
            channel=Channel.SMS,
            address="+15005550123",
            detail="Unsubscribed from SMS Marketing",
            permanent=True,
        ),
    ]


@pytest.mark.parametrize(("kind", "permanent"), [("Hard", True), ("Soft", False), ("", False)])
async def test_only_a_hard_bounce_is_for_good(
    client: KlaviyoClient, sandbox: KlaviyoSandbox, kind: str, permanent: bool
) -> None:
    sandbox.happen("e1", "OWN003", AT, **{"Bounce Type": kind})
    [event] = (await polled(client))[0]
    assert isinstance(event.data, MessageReport)
    assert event.data.permanent is permanent


async def test_a_metric_that_anybody_can_write_takes_no_consent_away(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    sandbox.happen("forged", "API002", AT)
    sandbox.happen("opened", "OWN004", AT)
    assert (await polled(client))[0] == []


async def test_a_named_metric_is_an_activity_of_the_profile(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    sandbox.happen("e1", "API001", AT, rating=5)
    [event] = (await polled(client))[0]
    assert isinstance(event.data, Activity)
    assert (event.data.name, event.data.ref) == ("Submitted Review", "e1")
    assert event.data.customer is not None
    assert event.data.customer.email == "mila.brandt@shop.example"


async def test_what_cannot_be_read_is_told_and_does_not_stop_the_rest(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    sandbox.happen("e1", "OWN001", AT)
    sandbox.happen("e2", "OWN001", AT)
    sandbox.past[0]["relationships"]["profile"]["data"]["id"] = "somebody gone"
    events, bad, _ = await polled(client)
    assert [event.key for event in events] == ["e2"]
    assert len(bad) == 1
    assert "e1" in bad[0]


async def test_the_cursor_moves_to_the_latest_event_when_all_are_through(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    for number in range(3):
        sandbox.happen(f"e{number}", "OWN001", AT + timedelta(minutes=number))
    sandbox.happen("e9", "API001", AT - timedelta(minutes=5))
    pages = [page async for page in POLL.changed_since(client, SOURCE, cursor="", now=NOW)]
    assert [page.cursor for page in pages[:-1]] == [""] * (len(pages) - 1)
    assert datetime.fromisoformat(pages[-1].cursor) == AT + timedelta(minutes=2)
    assert [event.key for event in (await polled(client, pages[-1].cursor))[0]] == [
        "e0", "e1", "e2"
    ]  # fmt: skip


async def test_a_look_that_finds_nothing_leaves_the_cursor(client: KlaviyoClient) -> None:
    cursor = AT.isoformat()
    for _ in range(3):
        events, _, cursor = await polled(client, cursor)
        assert events == []
    assert cursor == AT.isoformat()


# --- webhooks --------------------------------------------------------------------------------


def request(payload: Any, at: datetime = NOW) -> InboundRequest:
    return InboundRequest("POST", HERE, {}, json.dumps(payload).encode(), at)


def signed(found: InboundRequest, **headers: str) -> InboundRequest:
    return replace(found, headers={**WEBHOOK.sign(found, ACCOUNT), **headers})


def body(topic: str, at: datetime = NOW) -> dict[str, Any]:
    return {"data": [{"topic": topic}], "meta": {"timestamp": at.isoformat()}}


def test_a_header_five_hours_ahead_is_no_reason_to_refuse() -> None:
    found = request(body("event:klaviyo.bounced_email"))
    stamp = "Sat, 21 Nov 2026 17:00:00 GMT"
    signature = hmac_hex(SecretStr(SANDBOX_ACCOUNT["webhook_secret"]), found.body + stamp.encode())  # type: ignore[arg-type]
    headers = {"klaviyo-timestamp": stamp, "klaviyo-signature": signature}
    WEBHOOK.verify(replace(found, headers=headers), ACCOUNT)


def test_how_old_a_webhook_may_be_is_a_setting() -> None:
    found = signed(request(body("event:klaviyo.bounced_email", NOW - timedelta(hours=2))))
    with pytest.raises(BadSignature, match="away from now"):
        WEBHOOK.verify(found, ACCOUNT)
    WEBHOOK.verify(found, ACCOUNT.model_copy(update={"webhook_minutes": 180}))


def test_a_body_without_a_time_is_refused() -> None:
    with pytest.raises(BadSignature, match="when it was sent"):
        WEBHOOK.verify(signed(request({"data": []})), ACCOUNT)


def test_the_first_topic_that_matters_rings() -> None:
    payload = body("event:klaviyo.opened_email")
    payload["data"].append({"topic": "event:klaviyo.marked_email_as_spam"})
    found = request(payload)
    topic = WEBHOOK.topic(found, payload)
    assert topic == "event:klaviyo.marked_email_as_spam"
    assert WEBHOOK.triggers[topic].rings
    strange: list[Any] = [[], {}, {"data": [3]}, {"data": "x"}]
    assert [WEBHOOK.topic(found, odd) for odd in strange] == [""] * 4


@pytest.mark.parametrize(
    ("name", "rings"),
    [("event_unsubscribed_from_email_marketing", True), ("event_sent_sms", False)],
)
def test_the_published_samples_ring_where_they_concern_the_hub(name: str, rings: bool) -> None:
    file = PUBLISHED / f"{name}.json"
    if not file.is_file():
        pytest.skip("the published samples are not beside this project")
    payload = json.loads(file.read_text())["body"]
    sent = datetime.fromisoformat(payload["meta"]["timestamp"])
    found = signed(request(payload, sent))
    WEBHOOK.verify(found, ACCOUNT)
    assert bool(WEBHOOK.topic(found, WEBHOOK.decode(found.body))) is rings


# --- subscriptions ---------------------------------------------------------------------------


async def test_only_topics_that_the_account_has_are_subscribed(
    client: KlaviyoClient, sandbox: KlaviyoSandbox
) -> None:
    wanted = Wanted(HERE, SUBSCRIPTIONS.topics)
    await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
    [hook] = sandbox.hooks.values()
    assert set(hook["topics"]) == set(SUBSCRIPTIONS.topics) - {
        "event:klaviyo.unsubscribed_from_sms_marketing"
    }
    assert hook["secret_key"] == SANDBOX_ACCOUNT["webhook_secret"]
    again = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
    assert (again.created, again.removed) == ([], [])


async def test_a_short_secret_makes_no_webhook(client: KlaviyoClient) -> None:
    wanted = Wanted(HERE, SUBSCRIPTIONS.topics, SecretStr("too-short"))
    with pytest.raises(InvalidRequest, match="16 characters"):
        await SUBSCRIPTIONS.create(client, wanted)


async def test_a_short_pause_is_kept(client: KlaviyoClient, sandbox: KlaviyoSandbox) -> None:
    sandbox.faults.append(Fault(status=429, retry_after="1"))
    assert await SUBSCRIPTIONS.listed(client) == []
    assert sum(sandbox.calls.values()) == 2
