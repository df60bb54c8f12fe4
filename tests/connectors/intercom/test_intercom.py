"""Intercom: what is its own, beyond what the conformance suite asks of everybody."""

from __future__ import annotations

import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse

from connectors.intercom.account import IntercomAccount
from connectors.intercom.actions import (
    change_contact,
    send_message,
    set_tag,
    track_event,
    upsert_contact,
)
from connectors.intercom.client import IntercomClient, _explain
from connectors.intercom.sandbox import MILA, SANDBOX_ACCOUNT, IntercomSandbox
from connectors.intercom.triggers import WEBHOOK, sign, verify
from connectors.kit.action import Job
from connectors.kit.capabilities import (
    CrmContact,
    CustomerChange,
    ListMembership,
    PushMessage,
    TrackedEvent,
)
from connectors.kit.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScopeError,
)
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.webhook import BadSignature, InboundRequest, Source, Unreadable
from loyalty.events import Channel, ConsentState

Serve = Callable[[VendorSandbox], Awaitable[str]]
NOW = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
EMAIL = "mila.brandt@shop.example"
ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "connectors" / "intercom" / "samples"
PING = ROOT.parent / "shared" / "vendors" / "samples" / "intercom" / "ping.json"
ACCOUNT = IntercomAccount.model_validate(SANDBOX_ACCOUNT)


@asynccontextmanager
async def at_work(
    serve: Serve, sandbox: IntercomSandbox, **fields: Any
) -> AsyncIterator[IntercomClient]:
    account = sandbox.account_at(await serve(sandbox)) | fields
    client = IntercomClient(IntercomAccount.model_validate(account))
    try:
        yield client
    finally:
        await client.aclose()


def job(given: Any) -> Job:
    return Job("shopify/main:order.paid:1001:thanks", given)


# --- contacts --------------------------------------------------------------------------------


async def test_somebody_new_becomes_a_user(serve: Serve) -> None:
    sandbox = IntercomSandbox()
    async with at_work(serve, sandbox) as client:
        given = CrmContact(
            email="ada@shop.example",
            first_name="Ada",
            properties={"member_id": "m-2", "tier": "Gold", "points": Decimal("120")},
        )
        done = await upsert_contact(client, job(given))
        assert await upsert_contact(client, job(given)) == done
    made = sandbox.contacts[done.vendor_id]
    assert (made["role"], made["external_id"], made["name"]) == ("user", "m-2", "Ada")
    assert made["custom_attributes"] == {"tier": "Gold", "points": 120}
    assert "unsubscribed_from_emails" not in made
    assert len(sandbox.contacts) == 2


async def test_an_external_id_of_somebody_elses_is_left_alone(serve: Serve) -> None:
    sandbox = IntercomSandbox()
    async with at_work(serve, sandbox) as client:
        given = CrmContact(email=EMAIL.upper(), properties={"member_id": "m-9"})
        assert (await upsert_contact(client, job(given))).vendor_id == MILA
    assert sandbox.contacts[MILA]["external_id"] == "m-1"
    assert sandbox.contacts[MILA]["name"] == "Mila"


async def test_of_contacts_with_one_address_the_oldest_user_counts(serve: Serve) -> None:
    sandbox = IntercomSandbox()
    sandbox.put("a" * 24, email=EMAIL, role="lead", created_at=1)
    sandbox.put("b" * 24, email=EMAIL, role="user", created_at=1_800_000_000)
    async with at_work(serve, sandbox) as client:
        done = await change_contact(client, job(CustomerChange(email=EMAIL, add_tags=("gold",))))
    assert done.vendor_id == MILA


async def test_a_lead_gets_no_external_id(serve: Serve) -> None:
    sandbox = IntercomSandbox()
    sandbox.put("a" * 24, email="lead@shop.example", role="lead")
    async with at_work(serve, sandbox) as client:
        given = CrmContact(email="lead@shop.example", properties={"member_id": "m-5"})
        assert (await upsert_contact(client, job(given))).vendor_id == "a" * 24
    assert sandbox.contacts["a" * 24]["external_id"] is None


async def test_a_contact_that_the_search_did_not_show_yet_is_changed(serve: Serve) -> None:
    """The search lags: what was made a second ago is refused as a double, and then found."""

    class Lagging(IntercomSandbox):
        blind = 1

        def _search(self, request: Any, given: Any) -> Any:
            if self.blind:
                self.blind -= 1
                return JSONResponse({"type": "list", "data": [], "total_count": 0})
            return super()._search(request, given)

    async with at_work(serve, Lagging()) as client:
        given = CrmContact(email=EMAIL, first_name="Mila-Marie")
        assert (await upsert_contact(client, job(given))).vendor_id == MILA
    blind = Lagging()
    blind.blind = 9
    async with at_work(serve, blind) as client:
        with pytest.raises(Conflict):
            await upsert_contact(client, job(given))


async def test_an_attribute_that_is_not_there_is_named(serve: Serve) -> None:
    async with at_work(serve, IntercomSandbox()) as client:
        given = CrmContact(email=EMAIL, properties={"shoe size": 39})
        with pytest.raises(InvalidRequest, match="'shoe size' does not exist") as caught:
            await upsert_contact(client, job(given))
        assert caught.value.vendor_code == "parameter_invalid"


@pytest.mark.parametrize(
    "whom",
    [{"customer_id": MILA}, {"external_id": "m-1"}, {"email": EMAIL}, {"phone": "+15005550123"}],
)
async def test_a_person_is_found_by_whatever_is_known(serve: Serve, whom: dict[str, str]) -> None:
    sandbox = IntercomSandbox()
    async with at_work(serve, sandbox) as client:
        change = CustomerChange(
            **whom, add_tags=("Gold",), remove_tags=("SILVER", "none"), fields={"tier": None}
        )
        assert (await change_contact(client, job(change))).vendor_id == MILA
    assert [sandbox.tags[number] for number in sandbox.worn[MILA]] == ["Gold"]
    assert sandbox.contacts[MILA]["custom_attributes"] == {"tier": None}


async def test_another_vendors_number_is_nobody(serve: Serve) -> None:
    async with at_work(serve, IntercomSandbox()) as client:
        for whom in ({"customer_id": "7001"}, {"customer_id": "f" * 24}, {"email": "x@y.example"}):
            with pytest.raises(NotFound):
                await change_contact(client, job(CustomerChange(**whom, add_tags=("gold",))))


async def test_a_list_is_a_tag(serve: Serve) -> None:
    sandbox = IntercomSandbox()
    async with at_work(serve, sandbox) as client:
        for is_member in (True, True, False, False):
            given = ListMembership(external_id="m-1", list="VIP", is_member=is_member)
            await set_tag(client, job(given))
    assert [one["is_worn"] for one in sandbox.records] == [True, True, False]
    assert sandbox.calls["POST /intercom/tags"] == 1


# --- events and messages ---------------------------------------------------------------------


def tracked(**fields: Any) -> TrackedEvent:
    return TrackedEvent(**{"name": "points-earned", "time": NOW, **fields})


async def test_an_event_of_a_member_is_one_call(serve: Serve) -> None:
    sandbox = IntercomSandbox()
    async with at_work(serve, sandbox) as client:
        many = {f"p{number}": number for number in range(12)}
        given = tracked(external_id="m-1", value=Decimal("28.56"), properties=many)
        await track_event(client, job(given))
        await track_event(client, job(given))
    (event,) = sandbox.records
    assert event["created_at"] == 1793614500
    assert list(event["metadata"].items())[:2] == [("value", "28.56"), ("p0", "0")]
    assert len(event["metadata"]) == 10
    assert set(sandbox.calls) == {"POST /intercom/events"}


async def test_a_member_whom_intercom_knows_by_address_only_has_the_event_too(
    serve: Serve,
) -> None:
    sandbox = IntercomSandbox()
    async with at_work(serve, sandbox) as client:
        await track_event(client, job(tracked(external_id="m-unknown", email=EMAIL)))
        with pytest.raises(NotFound):
            await track_event(client, job(tracked(external_id="m-unknown")))
        with pytest.raises(InvalidRequest, match="member id"):
            await track_event(client, job(tracked()))
    assert [one["contact"] for one in sandbox.records] == [MILA]


@pytest.mark.parametrize(
    ("admin_id", "role", "sender"), [("", "user", 991267459), ("77", "lead", 77)]
)
async def test_a_message_is_from_a_teammate_to_a_user_or_lead(
    serve: Serve, admin_id: str, role: str, sender: int
) -> None:
    sandbox = IntercomSandbox()
    sandbox.put(MILA, role=role)
    async with at_work(serve, sandbox, admin_id=admin_id) as client:
        await send_message(client, job(PushMessage(to=EMAIL, text="1 < 2 & more")))
        await send_message(client, job(PushMessage(to=MILA, text="Salt & pepper")))
    first, second = sandbox.records
    assert first["sender"] == {"type": "admin", "id": sender}
    assert first["to"] == {"type": role, "id": MILA}
    assert (first["body"], second["body"]) == ("1 &lt; 2 &amp; more", "Salt & pepper")


@pytest.mark.parametrize(
    "message",
    [
        PushMessage(to="+15005550123", text="Hello"),
        PushMessage(to=MILA, kind="reply", text="Hello", reply_token="x"),
        PushMessage(to=MILA, kind="template", template="welcome"),
    ],
)
async def test_what_intercom_cannot_send_is_refused(serve: Serve, message: PushMessage) -> None:
    async with at_work(serve, IntercomSandbox()) as client:
        with pytest.raises(InvalidRequest):
            await send_message(client, job(message))


async def test_a_lost_message_is_for_a_person_to_decide(serve: Serve) -> None:
    sandbox = IntercomSandbox()
    async with at_work(serve, sandbox) as client:
        sandbox.faults[:] = [Fault(status=500, when="after", path="/messages")]
        with pytest.raises(OutcomeUnknown):
            await send_message(client, job(PushMessage(to=MILA, text="Hello")))


# --- refusals --------------------------------------------------------------------------------


def test_a_pause_lasts_to_the_end_of_the_window() -> None:
    end = datetime.now(UTC) + timedelta(seconds=9)
    for reset, most in ((str(int(end.timestamp())), 9), ("1000000000", 1), ("99999999999", 300)):
        error = _explain(429, {"X-RateLimit-Reset": reset}, b"", True)
        assert isinstance(error, RateLimited)
        assert error.retry_after is not None
        assert timedelta(seconds=most - 3) < error.retry_after <= timedelta(seconds=most)
    assert _explain(429, {"X-RateLimit-Reset": "soon"}, b"", True) is None


async def test_refusals_are_told_in_intercoms_words(serve: Serve) -> None:
    sandbox = IntercomSandbox()
    async with at_work(serve, sandbox) as client:
        errors = [{"code": "api_plan_restricted", "message": "Active subscription needed."}]
        body = json.dumps({"type": "error.list", "errors": errors})
        sandbox.faults[:] = [Fault(status=403, body=body, path="/messages")]
        with pytest.raises(ScopeError, match="Active subscription"):
            await send_message(client, job(PushMessage(to=MILA, text="Hello")))
        sandbox.faults[:] = [Fault(status=410, body=body.replace("api_plan", "contact_merged"))]
        with pytest.raises(NotFound):
            await send_message(client, job(PushMessage(to=MILA, text="Hello")))
    for odd in (b"<html>", b"[]", b'{"errors": {}}', b'{"errors": ["x"]}'):
        assert _explain(422, {}, odd, True) is None


# --- webhooks --------------------------------------------------------------------------------


def delivery(body: bytes) -> InboundRequest:
    plain = InboundRequest("POST", "https://hub.example/hooks/intercom/main", {}, body, NOW)
    return InboundRequest("POST", plain.url, sign(plain, ACCOUNT), body, NOW)


def payload_of(topic: str, **item: Any) -> dict[str, Any]:
    found = json.loads((SAMPLES / f"{topic.replace('.', '_')}.json").read_text("utf-8"))
    found["data"]["item"] |= item
    return dict(found)


def told(payload: dict[str, Any]) -> list[Any]:
    request = delivery(json.dumps(payload).encode())
    verify(request, ACCOUNT)
    decoded = WEBHOOK.decode(request.body)
    trigger = WEBHOOK.triggers[WEBHOOK.topic(request, decoded)]
    return list(trigger.parse(decoded, request, Source("intercom", "main")))


def test_the_signature_is_sha1_in_hex_with_its_name() -> None:
    key = SANDBOX_ACCOUNT["client_secret"].encode()
    mac = hmac.new(key, b"{}", "sha1").hexdigest()
    assert delivery(b"{}").headers == {"x-hub-signature": f"sha1={mac}"}
    bare = InboundRequest("POST", "https://x", {"x-hub-signature": mac}, b"{}", NOW)
    with pytest.raises(BadSignature, match="does not match"):
        verify(bare, ACCOUNT)


def test_another_workspace_of_the_same_app_is_refused() -> None:
    mine = ACCOUNT.model_copy(update={"workspace_id": "aroma1"})
    body = json.dumps(payload_of("contact.user.created")).encode()
    verify(delivery(body), mine)
    with pytest.raises(BadSignature, match="another workspace"):
        verify(delivery(body.replace(b"aroma1", b"other2")), mine)
    verify(delivery(b"no JSON"), mine)


def test_the_published_ping_is_acknowledged_and_ignored() -> None:
    if not PING.is_file():
        pytest.skip("the vendors' samples are not beside this project")
    request = delivery(json.dumps(json.loads(PING.read_text("utf-8"))["body"]).encode())
    verify(request, ACCOUNT)
    assert WEBHOOK.topic(request, WEBHOOK.decode(request.body)) not in WEBHOOK.triggers


def test_a_lead_who_signed_up_is_the_same_new_user() -> None:
    (created,), (signed_up,) = (
        told(payload_of(topic)) for topic in ("contact.user.created", "contact.lead.signed_up")
    )
    assert created.business_key == signed_up.business_key
    assert created.time == datetime.fromtimestamp(1762078510, UTC)
    assert signed_up.data.created_at == datetime(2025, 11, 2, 10, 15, 10, tzinfo=UTC)
    assert (created.data.first_name, created.data.last_name) == ("Mila", "Brandt")


def test_only_leaving_says_something_of_consent() -> None:
    (event,) = told(payload_of("contact.user.updated"))
    assert event.data.consents == {}
    (event,) = told(payload_of("contact.user.updated", unsubscribed_from_emails=True))
    assert event.data.consents == {Channel.EMAIL: ConsentState.WITHDRAWN}


def test_who_unsubscribed_is_known_by_their_address() -> None:
    (event,) = told(payload_of("contact.unsubscribed"))
    assert (event.type.value, event.data.address) == ("message.unsubscribed", EMAIL)
    assert told(payload_of("contact.unsubscribed", email=None)) == []


def test_a_tag_is_an_activity_by_its_name() -> None:
    (event,) = told(payload_of("contact.user.tag.created"))
    assert (event.data.name, event.data.ref) == ("contact.tagged", "review written")
    assert event.data.customer.id == MILA
    (event,) = told(payload_of("contact.user.tag.deleted", tag={"id": 7, "name": None}))
    assert (event.data.name, event.data.ref) == ("contact.untagged", "7")
    assert told(payload_of("contact.user.tag.created", tag={})) == []


def test_a_conversation_is_of_the_contact_who_began_it() -> None:
    (event,) = told(payload_of("conversation.user.created"))
    assert (event.data.name, event.data.ref) == ("conversation.started", "215470900001")
    assert (event.data.customer.id, event.data.customer.email) == (MILA, EMAIL)
    assert "points" not in event.data.model_dump_json()


@pytest.mark.parametrize(
    ("contacts", "author", "person"),
    [
        (None, {"type": "lead", "id": "l-1", "email": ""}, "l-1"),
        ({"contacts": [{"id": "c-2"}]}, {"type": "admin", "id": "9"}, "c-2"),
        ({"contacts": []}, {"type": "admin", "id": "9"}, None),
        (None, None, None),
    ],
)
def test_a_teammate_is_no_customer(contacts: Any, author: Any, person: str | None) -> None:
    source = {"author": author} if author else None
    events = told(payload_of("conversation.user.created", contacts=contacts, source=source))
    assert [event.data.customer.id for event in events] == ([person] if person else [])


def test_a_topic_that_holds_something_else_is_refused() -> None:
    payload = payload_of("contact.user.created")
    for topic in ("contact.user.tag.created", "conversation.user.created"):
        with pytest.raises(Unreadable, match="holds no"):
            told({**payload, "topic": topic})
