"""Messenger: what is its own, beyond what the conformance suite asks of everybody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from connectors.kit.action import Job
from connectors.kit.capabilities import PushButton, PushMessage
from connectors.kit.errors import (
    AuthError,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.webhook import InboundRequest, Source, Unreadable
from connectors.messenger.account import MessengerAccount
from connectors.messenger.actions import send_message
from connectors.messenger.client import MessengerClient
from connectors.messenger.refusals import explain
from connectors.messenger.sandbox import MILA, QUIET, SANDBOX_ACCOUNT, MessengerSandbox
from connectors.messenger.triggers import WEBHOOK, parse
from loyalty.events import Event, EventType
from tests.connectors.contract import complaints_about, contract, record_traffic

Serve = Callable[[VendorSandbox], Awaitable[str]]
NOW = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
VENDORS = Path(__file__).parents[4] / "shared" / "vendors"
TEXT = PushMessage(to=MILA, text="You have 120 points. 🎁")
BUTTON = PushButton(label="Join now", url="https://hub.example.com/b/token")
INVITATION = PushMessage(to=MILA, text="Join us.", button=BUTTON)
ACCOUNT = MessengerAccount.model_validate(SANDBOX_ACCOUNT)


@asynccontextmanager
async def at_work(
    serve: Serve, sandbox: MessengerSandbox, **fields: Any
) -> AsyncIterator[MessengerClient]:
    account = sandbox.account_at(await serve(sandbox)) | fields
    client = MessengerClient(MessengerAccount.model_validate(account))
    try:
        yield client
    finally:
        await client.aclose()


def template(name: str, *parameters: str, language: str = "") -> PushMessage:
    return PushMessage(
        to=QUIET, kind="template", template=name, language=language, parameters=parameters
    )


def request(
    body: bytes = b"", *, method: str = "POST", query: dict[str, str] | None = None
) -> InboundRequest:
    url = "https://hub.example/hooks/messenger/main"
    return InboundRequest(method, url, {}, body, NOW, query or {})


def delivery(*happened: dict[str, Any], kind: str = "page") -> dict[str, Any]:
    about = {"sender": {"id": MILA}, "recipient": {"id": "1"}, "timestamp": 1793616300000}
    entries = [{"id": "1", "messaging": [{**about, **one}]} for one in happened]
    return {"object": kind, "entry": entries}


def told(payload: Any) -> list[Event]:
    return list(parse(payload, request(), Source("messenger", "main")))


def _name(event: Event) -> str:
    if event.type is EventType.CHAT_RECEIVED:
        return "messenger.message"
    return str(event.data.name)


def names(payload: Any) -> list[str]:
    return [_name(event).removeprefix("messenger.") for event in told(payload)]


# --- sending ---------------------------------------------------------------------------------


async def test_text_is_for_those_who_wrote_a_template_for_all_who_ever_did(serve: Serve) -> None:
    sandbox = MessengerSandbox()
    async with at_work(serve, sandbox) as client:
        await send_message(client, Job("a", TEXT))
        await send_message(client, Job("b", PushMessage(to=MILA, kind="reply", text="120.")))
        with pytest.raises(InvalidRequest, match="older than 24 hours") as closed:
            await send_message(client, Job("c", PushMessage(to=QUIET, text="Hello")))
        with pytest.raises(NotFound, match="nobody can be reached"):
            await send_message(client, Job("d", PushMessage(to="12345678", text="Hello")))
        done = await send_message(client, Job("e", template("points_earned", "120")))
    assert closed.value.vendor_code == "10.2018278"
    assert [one["why"] for one in sandbox.records] == ["UPDATE", "RESPONSE", "UTILITY"]
    assert done.vendor_id == sandbox.records[-1]["id"]


async def test_a_template_takes_its_language_in_either_spelling(serve: Serve) -> None:
    sandbox = MessengerSandbox()
    async with at_work(serve, sandbox, default_language="pt_BR") as client:
        await send_message(client, Job("a", template("hello", language="pt-BR")))
        await send_message(client, Job("b", template("hello")))
        with pytest.raises(InvalidRequest, match="template"):
            await send_message(client, Job("c", template("hello", "one too many")))
    languages = [one["content"]["template"]["language"]["code"] for one in sandbox.records]
    assert languages == ["pt_BR", "pt_BR"]


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (PushMessage(to="mila", text="x"), "digits only"),
        (PushMessage(to="+15005550123", text="x"), "digits only"),
        (PushMessage(to=MILA, text="x" * 2001), "2,000 characters"),
    ],
)
async def test_what_cannot_be_sent_never_leaves(
    serve: Serve, message: PushMessage, said: str
) -> None:
    sandbox = MessengerSandbox()
    async with at_work(serve, sandbox) as client:
        with pytest.raises(InvalidRequest, match=said):
            await send_message(client, Job("a", message))
    assert not sandbox.calls


async def test_a_limit_that_comes_as_400_is_waited_for(serve: Serve) -> None:
    async with at_work(serve, MessengerSandbox(calls=1)) as client:
        await send_message(client, Job("a", TEXT))
        with pytest.raises(RateLimited):
            await send_message(client, Job("b", TEXT))


async def test_an_answer_without_a_message_leaves_the_outcome_open(serve: Serve) -> None:
    sandbox = MessengerSandbox()
    sandbox.faults.append(Fault(status=200, when="after", body="{}"))
    async with at_work(serve, sandbox) as client:
        with pytest.raises(OutcomeUnknown):
            await send_message(client, Job("a", TEXT))


@pytest.mark.parametrize(
    ("code", "subcode", "kind"),
    [
        (190, 463, AuthError),
        (10, None, ScopeError),
        (10, 2018278, InvalidRequest),
        (10, 2018065, InvalidRequest),
        (200, None, ScopeError),
        (200, 1545041, NotFound),
        (230, None, ScopeError),
        (551, 1545041, NotFound),
        (100, 2018001, NotFound),
        (100, 33, NotFound),
        (4, None, RateLimited),
        (613, None, RateLimited),
        (1, 1357046, OutcomeUnknown),
        (2, None, OutcomeUnknown),
        (1200, None, OutcomeUnknown),
        (368, None, AuthError),
    ],
)
def test_the_code_decides_what_happens_next(
    code: int, subcode: int | None, kind: type[ConnectorError]
) -> None:
    error = {"message": "no: mila.brandt@shop.example", "code": code, "fbtrace_id": "Ab1"}
    body = orjson.dumps({"error": {**error, "error_subcode": subcode}})
    found = explain(400, {}, body, True)
    assert type(found) is kind
    assert (found.request_id, found.status) == ("Ab1", 400)
    assert "mila.brandt" not in str(found)


def test_the_words_tell_a_closed_window_where_the_subcode_is_new() -> None:
    said = "(#10) This message is sent outside of allowed window. Learn more"
    body = orjson.dumps({"error": {"message": said, "code": 10, "error_subcode": 9999999}})
    assert type(explain(400, {}, body, True)) is InvalidRequest


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error": "no"}', b'{"error": {"code": "190"}}',
             b'{"error": {"code": 100, "error_subcode": []}}'],
)  # fmt: skip
def test_without_a_known_code_the_status_decides(body: bytes) -> None:
    assert explain(400, {}, body, True) is None


def test_what_was_only_read_may_be_read_again() -> None:
    assert type(explain(500, {}, b'{"error": {"code": 2}}', False)) is Transient


async def test_every_message_fits_what_is_published(serve: Serve) -> None:
    spec = contract("specs/meta/openapi.messenger.json")
    sandbox = MessengerSandbox()
    exchanges = record_traffic(sandbox)
    async with at_work(serve, sandbox) as client:
        await send_message(client, Job("a", TEXT))
        await send_message(client, Job("b", PushMessage(to=MILA, kind="reply", text="120.")))
        await send_message(client, Job("c", template("points_earned", "120")))
        await send_message(client, Job("e", INVITATION))
        with pytest.raises(InvalidRequest):
            await send_message(client, Job("d", PushMessage(to=QUIET, text="Hello")))
    assert [one.status for one in exchanges] == [200, 200, 200, 200, 400]
    assert [text for one in exchanges for text in complaints_about(spec, one)] == []


async def test_a_button_opens_the_page_below_the_text(serve: Serve) -> None:
    sandbox = MessengerSandbox()
    async with at_work(serve, sandbox) as client:
        await send_message(client, Job("a", INVITATION))
        await send_message(client, Job("b", INVITATION.model_copy(update={"text": "x" * 2000})))
    short, long = (one["content"]["attachment"]["payload"] for one in sandbox.records)
    assert (short["text"], len(long["text"])) == ("Join us.", 640)
    assert short["buttons"] == [{"type": "web_url", "url": BUTTON.url, "title": "Join now"}]


# --- being set up -----------------------------------------------------------------------------


@pytest.mark.parametrize("page", ["aroma.house", "", "1234/../5678"])
def test_a_page_id_is_a_number(page: str) -> None:
    with pytest.raises(ValidationError):
        MessengerAccount.model_validate({**SANDBOX_ACCOUNT, "page_id": page})


# --- hearing ---------------------------------------------------------------------------------


def test_a_mixed_delivery_is_told_whole() -> None:
    payload = delivery(
        {"message_edit": {"mid": "m_0"}},
        {"read": {"watermark": 1793616299000}},
        {"message": {"mid": "m_1", "attachments": [{"type": "image"}]}},
        {"postback": {"title": "Start", "payload": "start"}},
    )
    assert WEBHOOK.topic(request(), payload) == "message_reads"
    assert names(payload) == ["read", "message", "postback"]
    assert len({event.business_key for event in told(payload)}) == 3


def test_each_delivered_message_is_a_fact_at_the_watermark() -> None:
    report = {"delivery": {"mids": ["m_1", "m_2"], "watermark": 1793616300000}, "timestamp": None}
    found = told(delivery(report))
    assert [event.data.ref for event in found] == ["m_1", "m_2"]
    assert {event.time for event in found} == {datetime(2026, 11, 2, 10, 45, tzinfo=UTC)}
    assert told(delivery({"delivery": {"watermark": 1793616300000}})) == []


@pytest.mark.parametrize(
    ("happened", "name", "ref"),
    [
        ({"account_linking": {"status": "linked", "authorization_code": "n-1"}},
         "account_linked", "n-1"),
        ({"message": {"mid": "m_1", "text": "Gold", "quick_reply": {"payload": "tier=gold"}}},
         "quick_reply", "tier=gold"),
        ({"postback": {"mid": "m_1", "payload": "x" * 300}}, "postback", "x" * 200),
        ({"optin": {"ref": "footer"}}, "opted_in", "footer"),
        ({"referral": {"source": "ADS"}}, "referred", "ADS"),
    ],
)  # fmt: skip
def test_what_a_person_did_carries_what_it_was_about(
    happened: dict[str, Any], name: str, ref: str
) -> None:
    (event,) = told(delivery(happened))
    assert (event.data.name, event.data.ref) == (f"messenger.{name}", ref)
    assert event.data.customer.id == MILA


def test_unlinking_twice_is_two_facts_told_again_it_is_one() -> None:
    unlinked = {"account_linking": {"status": "unlinked"}}
    first, again = told(delivery(unlinked)), told(delivery(unlinked))
    later = told(delivery({**unlinked, "timestamp": 1793616400000}))
    assert first[0].business_key == again[0].business_key != later[0].business_key
    assert first[0].data.name == "messenger.account_unlinked"


@pytest.mark.parametrize(
    "message", [{"text": " Stop! "}, {"text": "STOP", "quick_reply": {"payload": "no-news"}}]
)
def test_asking_to_stop_is_told_whether_typed_or_pressed(message: dict[str, Any]) -> None:
    found = told(delivery({"message": {"mid": "m_1", **message}}))
    assert [event.data.name for event in found[1:]] == ["messenger.stop_asked"]
    assert len({event.business_key for event in found}) == 2


def test_what_was_written_is_in_the_conversation_and_nowhere_else() -> None:
    (event,) = told(delivery({"message": {"mid": "m_1", "text": "my number is 555 0123"}}))
    assert event.data.body == "my number is 555 0123"
    assert event.model_dump_json().count("555") == 1


@pytest.mark.parametrize(
    "happened",
    [
        {"message": {"mid": "m_1", "text": "stop", "is_echo": True}},
        {"optin": {"ref": "footer", "user_ref": "u-1"}, "sender": None},
        {"account_linking": {"status": "pending"}},
        {"reaction": {"mid": "m_1", "emoji": "❤"}},
    ],
)
def test_what_means_nothing_is_not_told(happened: dict[str, Any]) -> None:
    assert told(delivery(happened)) == []


def test_instagram_is_another_place() -> None:
    payload = delivery({"message": {"mid": "m_1", "text": "Hello"}}, kind="instagram")
    assert (WEBHOOK.topic(request(), payload), told(payload)) == ("", [])


@pytest.mark.parametrize("timestamp", [None, "1793616300000", -1, 10**14, True, 1.5])
def test_a_time_that_cannot_be_is_refused(timestamp: Any) -> None:
    with pytest.raises(Unreadable, match="timestamp"):
        told(delivery({"message": {"mid": "m_1"}, "timestamp": timestamp}))


# --- what Meta publishes ---------------------------------------------------------------------


def test_whatsapp_s_published_samples_are_not_taken_for_messenger_s() -> None:
    files = sorted((VENDORS / "samples" / "meta").glob("whatsapp_*.json"))
    if not files:
        pytest.skip("the vendors' samples are not beside this project")
    for file in files:
        body = json.loads(file.read_bytes())["body"]
        assert (WEBHOOK.topic(request(), body), told(body)) == ("", []), file.name
