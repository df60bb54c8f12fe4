"""WhatsApp: what is its own, beyond what the conformance suite asks of everybody."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from connectors.kit.action import Job
from connectors.kit.capabilities import PushMessage
from connectors.kit.errors import (
    AuthError,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.webhook import InboundRequest, Source, Unreadable
from connectors.whatsapp.account import WhatsappAccount
from connectors.whatsapp.actions import send_message
from connectors.whatsapp.client import WhatsappClient
from connectors.whatsapp.refusals import explain
from connectors.whatsapp.sandbox import SANDBOX_ACCOUNT, WhatsappSandbox
from connectors.whatsapp.triggers import WEBHOOK, parse
from loyalty.events import Event, EventType
from tests.connectors.contract import complaints_about, contract, record_traffic

Serve = Callable[[VendorSandbox], Awaitable[str]]
NOW = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
VENDORS = Path(__file__).parents[4] / "shared" / "vendors"
MILA, STRANGER = "+15005550123", "+15005550199"
TEXT = PushMessage(to=MILA, text="You have 120 points. 🎁")
ACCOUNT = WhatsappAccount.model_validate(SANDBOX_ACCOUNT)


@asynccontextmanager
async def at_work(
    serve: Serve, sandbox: WhatsappSandbox, **fields: Any
) -> AsyncIterator[WhatsappClient]:
    account = sandbox.account_at(await serve(sandbox)) | fields
    client = WhatsappClient(WhatsappAccount.model_validate(account))
    try:
        yield client
    finally:
        await client.aclose()


def template(name: str = "points_earned", *parameters: str, language: str = "") -> PushMessage:
    return PushMessage(
        to=STRANGER, kind="template", template=name, language=language, parameters=parameters
    )


def request(
    body: bytes = b"", *, method: str = "POST", query: dict[str, str] | None = None
) -> InboundRequest:
    url = "https://hub.example/hooks/whatsapp/main"
    return InboundRequest(method, url, {}, body, NOW, query or {})


def delivery(field: str = "messages", **value: Any) -> dict[str, Any]:
    return {"object": "whatsapp_business_account",
            "entry": [{"id": "1", "changes": [{"field": field, "value": value}]}]}  # fmt: skip


def wrote(**fields: Any) -> dict[str, Any]:
    said = {"from": MILA[1:], "id": "wamid.1", "timestamp": "1793616300", "type": "text"}
    return {**said, "text": {"body": "Hello"}, **fields}


def report(status: str, **fields: Any) -> dict[str, Any]:
    return {"id": "wamid.9", "status": status, "timestamp": "1793616300",
            "recipient_id": MILA[1:], **fields}  # fmt: skip


def told(payload: Any) -> list[Event]:
    return list(parse(payload, request(), Source("whatsapp", "main")))


def _name(event: Event) -> str:
    if event.type is EventType.CHAT_RECEIVED:
        return "whatsapp.message"
    return str(event.data.name)


def names(payload: Any) -> list[str]:
    return [_name(event) for event in told(payload)]


# --- sending ---------------------------------------------------------------------------------


async def test_free_text_is_for_those_who_wrote_a_template_for_everybody(serve: Serve) -> None:
    sandbox = WhatsappSandbox()
    async with at_work(serve, sandbox) as client:
        await send_message(client, Job("a", TEXT))
        with pytest.raises(InvalidRequest, match="24 hours: send an approved template") as caught:
            await send_message(client, Job("b", PushMessage(to=STRANGER, text="Hello")))
        await send_message(client, Job("c", template("points_earned", "120")))
    assert caught.value.vendor_code == "131047"
    assert [(one["to"], one["type"]) for one in sandbox.records] == [
        (MILA[1:], "text"),
        (STRANGER[1:], "template"),
    ]


async def test_a_reply_quotes_what_it_answers(serve: Serve) -> None:
    sandbox = WhatsappSandbox()
    answer = PushMessage(to=MILA[1:], kind="reply", text="120.", reply_token="wamid.IN7")
    async with at_work(serve, sandbox) as client:
        done = await send_message(client, Job("a", answer))
        await send_message(client, Job("b", PushMessage(to=MILA, kind="reply", text="120.")))
    assert [one["context"] for one in sandbox.records] == ["wamid.IN7", ""]
    assert done.vendor_id == sandbox.records[0]["id"]


async def test_a_template_takes_its_language_in_either_spelling(serve: Serve) -> None:
    sandbox = WhatsappSandbox()
    async with at_work(serve, sandbox, default_language="pt_BR") as client:
        await send_message(client, Job("a", template("hello", language="pt-BR")))
        await send_message(client, Job("b", template("hello")))
        with pytest.raises(NotFound, match="no such template in this language"):
            await send_message(client, Job("c", template("hello", language="de")))
        with pytest.raises(InvalidRequest, match="another number of parameters"):
            await send_message(client, Job("d", template("hello", "120")))
    assert [one["content"]["language"]["code"] for one in sandbox.records] == ["pt_BR", "pt_BR"]
    assert "components" not in sandbox.records[0]["content"]


@pytest.mark.parametrize("to", ["mila", "+0150055", "+49 30 123456", "U" + "0" * 32])
async def test_what_is_no_number_never_leaves(serve: Serve, to: str) -> None:
    sandbox = WhatsappSandbox()
    async with at_work(serve, sandbox) as client:
        with pytest.raises(InvalidRequest, match="telephone number"):
            await send_message(client, Job("a", PushMessage(to=to, text="x")))
    assert not sandbox.calls


async def test_one_person_is_given_time(serve: Serve) -> None:
    async with at_work(serve, WhatsappSandbox(pair=1)) as client:
        await send_message(client, Job("a", TEXT))
        with pytest.raises(RateLimited, match="same person") as caught:
            await send_message(client, Job("b", TEXT))
    assert caught.value.retry_after == timedelta(seconds=6)


async def test_an_answer_without_a_message_leaves_the_outcome_open(serve: Serve) -> None:
    sandbox = WhatsappSandbox()
    sandbox.faults.append(Fault(status=200, when="after", body='{"messages": []}'))
    async with at_work(serve, sandbox) as client:
        with pytest.raises(OutcomeUnknown):
            await send_message(client, Job("a", TEXT))


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, 190, AuthError),
        (400, 0, AuthError),
        (403, 10, ScopeError),
        (403, 200, ScopeError),
        (400, 80007, RateLimited),
        (400, 130429, RateLimited),
        (400, 131048, QuotaExceeded),
        (400, 131042, QuotaExceeded),
        (400, 131026, NotFound),
        (400, 131047, InvalidRequest),
        (400, 131049, InvalidRequest),
        (400, 132015, InvalidRequest),
        (500, 131000, OutcomeUnknown),
        (500, 131016, Transient),
        (400, 368, AuthError),
    ],
)
def test_the_code_decides_what_happens_next(
    status: int, code: int, kind: type[ConnectorError]
) -> None:
    error = {"message": f"(#{code}) no: +15005550123", "code": code, "fbtrace_id": "Ab1"}
    found = explain(status, {}, orjson.dumps({"error": error}), True)
    assert type(found) is kind
    assert (found.vendor_code, found.request_id, found.status) == (str(code), "Ab1", status)
    assert "15005550" not in str(found)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"error": "no"}', b'{"error": {"code": "190"}}',
             b'{"error": {"code": 999999}}'],
)  # fmt: skip
def test_without_a_known_code_the_status_decides(body: bytes) -> None:
    assert explain(400, {}, body, True) is None


def test_what_was_only_read_may_be_read_again() -> None:
    assert type(explain(500, {}, b'{"error": {"code": 131000}}', False)) is Transient


def test_a_number_that_is_not_ours_is_not_found() -> None:
    body = b'{"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request"}}'
    assert type(explain(400, {}, body, False)) is NotFound


async def test_all_calls_fit_the_published_contract(serve: Serve) -> None:
    spec = contract("specs/meta/openapi.json")
    with_text = copy.deepcopy(spec)
    part = with_text["components"]["schemas"]["TextMessage"]["allOf"][1]
    assert part.pop("additionalProperties") is False  # it forbids what the other part demands
    sandbox = WhatsappSandbox()
    exchanges = record_traffic(sandbox)
    async with at_work(serve, sandbox) as client:
        await client.check()
        await send_message(client, Job("a", template("points_earned", "120")))
        await send_message(client, Job("b", template("hello", language="pt-BR")))
        for kind in ("push", "reply"):
            message = PushMessage(to=MILA, kind=kind, text="Hi", reply_token="wamid.1")
            await send_message(client, Job(kind, message))
    assert {one.status for one in exchanges} == {200}
    assert [text for one in exchanges[:3] for text in complaints_about(spec, one)] == []
    assert [text for one in exchanges for text in complaints_about(with_text, one)] == []
    assert complaints_about(spec, exchanges[3]), "the contract was mended: take the exemption out"


# --- being set up -----------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["+15550783881", "", "1234/../5678"])
def test_a_phone_number_id_is_a_number(number: str) -> None:
    with pytest.raises(ValidationError):
        WhatsappAccount.model_validate({**SANDBOX_ACCOUNT, "phone_number_id": number})


# --- hearing ---------------------------------------------------------------------------------


def test_a_mixed_delivery_is_told_whole() -> None:
    payload = delivery("account_update", messages="not what it looks like")
    payload["entry"] += delivery(statuses=[report("sent"), report("delivered")])["entry"]
    payload["entry"] += delivery(messages=[wrote(), wrote(id="wamid.2", type="image")])["entry"]
    assert WEBHOOK.topic(request(), payload) == "statuses"
    assert names(payload) == ["whatsapp.delivered", "whatsapp.message", "whatsapp.message"]
    assert len({event.business_key for event in told(payload)}) == 3


def test_a_person_is_known_by_the_number() -> None:
    (event,) = told(delivery(messages=[wrote()]))
    assert (event.data.customer.id, event.data.customer.phone) == (MILA[1:], MILA)
    assert event.time == datetime(2026, 11, 2, 10, 45, tzinfo=UTC)
    assert event.model_dump_json().count("Hello") == 1


@pytest.mark.parametrize(
    ("status", "errors", "name"),
    [
        ("read", [], "read"),
        ("failed", [], "failed"),
        ("failed", [{"code": 131053, "title": "Media upload error"}], "failed"),
        ("failed", [{"code": 131026}], "unreachable"),
        ("failed", [{"code": 131047}], "window_closed"),
    ],
)
def test_a_failure_says_whether_the_window_was_closed(
    status: str, errors: list[Any], name: str
) -> None:
    (event,) = told(delivery(statuses=[report(status, errors=errors)]))
    assert (event.data.name, event.data.ref) == (f"whatsapp.{name}", "wamid.9")
    assert event.key == f"wamid.9:{status}"


@pytest.mark.parametrize(
    "said",
    [
        {"text": {"body": " Stop! "}},
        {"type": "button", "text": None, "button": {"payload": "x", "text": "Unsubscribe"}},
        {
            "type": "interactive",
            "text": None,
            "interactive": {"button_reply": {"id": "1", "title": "STOP"}},
        },
    ],
)
def test_asking_to_stop_is_told_whether_typed_or_pressed(said: dict[str, Any]) -> None:
    found = told(delivery(messages=[wrote(**said)]))
    assert [event.data.name for event in found[1:]] == ["whatsapp.stop_asked"]
    assert len({event.business_key for event in found}) == 2


@pytest.mark.parametrize("value", ["stop", "resume"])
def test_each_change_of_a_preference_is_a_fact_of_its_own(value: str) -> None:
    one = {"wa_id": MILA[1:], "category": "marketing_messages", "value": value}
    both = [{**one, "timestamp": 1793616300}, {**one, "timestamp": 1793616400}]
    found = told(delivery("user_preferences", user_preferences=both))
    assert {event.data.name for event in found} == {
        {"stop": "whatsapp.marketing_stopped", "resume": "whatsapp.marketing_resumed"}[value]
    }
    assert len({event.business_key for event in found}) == 2


def test_groups_mean_nothing() -> None:
    group = {"group_id": "Y2FwaV9ncm91cDox"}
    assert told(delivery(messages=[wrote(**group)], statuses=[report("read", **group)])) == []


@pytest.mark.parametrize("timestamp", [None, "soon", "-1", "99999999999", "٣", 1.5, True, []])
def test_a_time_that_cannot_be_is_refused(timestamp: Any) -> None:
    with pytest.raises(Unreadable, match="timestamp"):
        told(delivery(messages=[wrote(timestamp=timestamp)]))


# --- what Meta publishes ---------------------------------------------------------------------

TOLD = {
    "whatsapp_button_message": ["whatsapp.button", "whatsapp.stop_asked"],
    "whatsapp_contact_sharing_message": ["whatsapp.message"],
    "whatsapp_group_create_message": [],
    "whatsapp_group_remove_participants": [],
    "whatsapp_group_settings_update": [],
    "whatsapp_image_message": ["whatsapp.message"],
    "whatsapp_interactive_button_reply_message": ["whatsapp.button"],
    "whatsapp_interactive_list_reply_message": ["whatsapp.button"],
    "whatsapp_location_message": ["whatsapp.message"],
    "whatsapp_reaction_message": ["whatsapp.message"],
    "whatsapp_system_message": ["whatsapp.number_changed"],
    "whatsapp_text_message": ["whatsapp.message"],
    "whatsapp_text_message_from_click_to_whatsapp_ad": ["whatsapp.message"],
    "whatsapp_unsupported_message": ["whatsapp.message"],
}


def test_every_published_sample_is_told_or_known_to_mean_nothing() -> None:
    files = sorted((VENDORS / "samples" / "meta").glob("whatsapp_*.json"))
    if not files:
        pytest.skip("the vendors' samples are not beside this project")
    assert {file.stem: names(json.loads(file.read_bytes())["body"]) for file in files} == TOLD
    for file in files:
        topic = WEBHOOK.topic(request(), json.loads(file.read_bytes())["body"])
        assert (topic in WEBHOOK.triggers) is bool(TOLD[file.stem]), file.name
