"""Pipedrive: names for its codes, marks for lost answers, doorbells, and what changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.kit.action import Job
from connectors.kit.capabilities import CrmContact, CustomerChange
from connectors.kit.errors import Conflict, InvalidRequest, NotFound, OutcomeUnknown, RateLimited
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.subscriptions import Wanted, ensure
from connectors.kit.webhook import BadSignature, InboundRequest, Source
from connectors.pipedrive.account import PipedriveAccount
from connectors.pipedrive.client import PipedriveClient, _explain
from connectors.pipedrive.fields import number
from connectors.pipedrive.manifest import MANIFEST
from connectors.pipedrive.polling import activity_events, deal_events, person_events
from connectors.pipedrive.records import ActivityAdd, DealOpen, NoteAdd
from connectors.pipedrive.sandbox import EMAIL, POINTS, SANDBOX_ACCOUNT, TIER, PipedriveSandbox
from connectors.pipedrive.subscriptions import SUBSCRIPTIONS
from connectors.pipedrive.triggers import WEBHOOK, sign, topic, verify
from loyalty.events import Channel, ConsentState, EventType
from tests.connectors.contract import VENDORS

Serve = Callable[[VendorSandbox], Awaitable[str]]
Crm = tuple[PipedriveSandbox, PipedriveClient]
HERE = Source("pipedrive", "main")
NOW = datetime.now(UTC).replace(microsecond=0)
WHEN, LATER = "2026-11-20T09:15:00Z", "2026-11-20T09:20:00Z"
HOOK = "https://hub.example/hooks/pipedrive/main"


def account(base_url: str = "https://crm.example", **fields: Any) -> PipedriveAccount:
    known = {**SANDBOX_ACCOUNT, "base_url": base_url, **fields}
    return PipedriveAccount.model_validate(known)


@pytest.fixture
async def crm(serve: Serve) -> AsyncIterator[Crm]:
    sandbox = PipedriveSandbox()
    client = PipedriveClient(account(await serve(sandbox)))
    yield sandbox, client
    await client.aclose()


async def run(name: str, client: PipedriveClient, given: Any, key: str = "job-1") -> Any:
    return await MANIFEST.action(name).run(client, Job(key, given))


async def find(name: str, client: PipedriveClient, given: Any, key: str) -> Any:
    action = MANIFEST.action(name)
    assert action.find is not None
    return await action.find(client, Job(key, given))


# --- persons ---------------------------------------------------------------------------------


async def test_a_new_person_has_a_name_an_address_and_fields_by_their_codes(crm: Crm) -> None:
    properties = {"Tier": "gold", "Points": Decimal("12.5"), "job_title": "Buyer"}
    contact = CrmContact(email="new@shop.example", phone="+4930", properties=properties)
    made = crm[0].resources["persons"][
        int((await run("upsert_contact", crm[1], contact)).vendor_id)
    ]
    assert (made["name"], made["job_title"]) == ("new@shop.example", "Buyer")
    assert made["custom_fields"] == {TIER: 12, POINTS: 12.5}
    assert [one["value"] for one in made["emails"]] == ["new@shop.example"]


async def test_a_known_person_keeps_the_other_numbers_and_the_name(crm: Crm) -> None:
    sandbox, client = crm
    done = await run("upsert_contact", client, CrmContact(email=EMAIL.upper(), phone="+4930"))
    mila = sandbox.resources["persons"][7001]
    assert done.vendor_id == "7001"
    assert mila["name"] == "Mila Brandt"
    assert [(one["value"], one["primary"]) for one in mila["phones"]] == [
        ("+4930", True),
        ("+15005550123", False),
    ]
    await run("upsert_contact", client, CrmContact(email=EMAIL, phone="+1 (500) 555-0123"))
    assert len(sandbox.resources["persons"][7001]["phones"]) == 2


async def test_nothing_to_write_writes_nothing(crm: Crm) -> None:
    assert (await run("upsert_contact", crm[1], CrmContact(email=EMAIL))).vendor_id == "7001"
    assert not crm[0].records


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"Shoe size": 42}, "Shoe size"),
        ({"Tier": "Platinum"}, "Platinum"),
        ({"Points": "many"}, "Points"),
        ({"marketing_status": "subscribed"}, "marketing_status"),
    ],
    ids=["field", "choice", "number", "consent"],
)
async def test_what_pipedrive_does_not_have_is_named(
    fields: dict[str, Any], says: str, crm: Crm
) -> None:
    with pytest.raises(InvalidRequest, match=says):
        await run("update_customer", crm[1], CustomerChange(email=EMAIL, fields=fields))
    assert not crm[0].records


async def test_a_field_made_meanwhile_is_found(crm: Crm) -> None:
    await crm[1].person_fields()
    crm[1]._fields = ()
    change = CustomerChange(email=EMAIL, add_tags=("Gold",), fields={"Points": 1, "Tier": None})
    await run("update_customer", crm[1], change)
    mila = crm[0].resources["persons"][7001]
    assert mila["label_ids"] == [2, 1]
    assert (mila["custom_fields"][POINTS], mila["custom_fields"][TIER]) == (1, None)


async def test_labels_go_by_name_and_an_unknown_one_is_refused(crm: Crm) -> None:
    change = CustomerChange(customer_id="7001", add_tags=("gold",), remove_tags=("SILVER",))
    await run("update_customer", crm[1], change)
    assert crm[0].resources["persons"][7001]["label_ids"] == [1]
    with pytest.raises(InvalidRequest, match="bronze"):
        await run("update_customer", crm[1], CustomerChange(email=EMAIL, add_tags=("bronze",)))


@pytest.mark.parametrize(
    "whom",
    [{"customer_id": "7001"}, {"phone": "+15005550123"}, {"external_id": "m-1"},
     {"email": "old@shop.example", "external_id": "m-1"}],
    ids=["id", "telephone", "member id", "the next where one is unknown"],
)  # fmt: skip
async def test_a_person_is_found_by_what_is_known(whom: dict[str, str], crm: Crm) -> None:
    change = CustomerChange(**whom, fields={"Points": 5})
    assert (await run("update_customer", crm[1], change)).vendor_id == "7001"


async def test_nobody_and_two_of_a_kind_are_refused(crm: Crm) -> None:
    sandbox, client = crm
    nobody = CustomerChange(email="nobody@shop.example", fields={"Points": 1})
    with pytest.raises(NotFound):
        await run("update_customer", client, nobody)
    with pytest.raises(InvalidRequest):
        await run(
            "update_customer", client, CustomerChange(customer_id="7/1", fields={"Points": 1})
        )
    sandbox.put("persons", {"name": "Twin", "emails": [{"value": EMAIL}]})
    with pytest.raises(Conflict):
        await run("update_customer", client, CustomerChange(email=EMAIL, fields={"Points": 1}))


def test_a_number_keeps_its_digits_or_is_refused() -> None:
    assert number(Decimal("480.50"), "value") == 480.5
    assert type(number(Decimal("480.00"), "value")) is int
    for wrong in (Decimal("0.1234567890123456789"), "7", True):
        with pytest.raises(InvalidRequest):
            number(wrong, "value")


# --- deals, activities, notes ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "given", "resource", "place"),
    [
        ("create_deal", DealOpen(email=EMAIL, title="Tea"), "deals", "title"),
        ("add_activity", ActivityAdd(email=EMAIL, subject="Call"), "activities", "note"),
        ("add_note", NoteAdd(email=EMAIL, text="<b>5 > 3</b>\nyes"), "notes", "content"),
    ],
    ids=["deal", "activity", "note"],
)
async def test_what_was_made_is_found_by_its_mark_alone(
    name: str, given: Any, resource: str, place: str, crm: Crm
) -> None:
    sandbox, client = crm
    sandbox.faults[:] = [Fault(status=500, when="after", path=f"/{resource}")]
    with pytest.raises(OutcomeUnknown):
        await run(name, client, given, "first")
    found = await find(name, client, given, "first")
    assert await find(name, client, given, "second") is None
    (record,) = sandbox.resources[resource].values()
    assert found.vendor_id == str(record["id"])
    assert "[hub " in record[place]
    assert "<b>" not in record[place]


# --- refusals --------------------------------------------------------------------------------


def test_a_deleted_record_is_not_found() -> None:
    for body in (b'{"success": false, "error": "Person is deleted"}', b"{}"):
        assert type(_explain(410, {}, body, True)) is NotFound


def test_whoever_is_locked_out_waits() -> None:
    error = _explain(403, {"Content-Type": "text/html; charset=UTF-8"}, b"error code: 1015", True)
    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(minutes=5)
    paused = _explain(429, {"X-RateLimit-Reset": "2"}, b"{}", True)
    assert isinstance(paused, RateLimited)
    assert paused.retry_after == timedelta(seconds=2)


async def test_a_refusal_says_pipedrives_own_words(crm: Crm) -> None:
    with pytest.raises(InvalidRequest, match="name is required"):
        await crm[1].write_person({})


# --- webhooks --------------------------------------------------------------------------------


def ringing(headers: dict[str, str]) -> InboundRequest:
    return InboundRequest("POST", HOOK, headers, b"{}", NOW)


def test_only_the_password_rings() -> None:
    genuine = dict(sign(ringing({}), account()))
    verify(ringing(genuine), account())
    for headers in ({}, {"authorization": "Basic bG95YWx0eS1odWI6"}, {"authorization": "Bearer x"}):
        with pytest.raises(BadSignature):
            verify(ringing(headers), account())


def test_either_version_of_the_body_rings() -> None:
    assert topic(ringing({}), {"meta": {"entity": "deal", "action": "change"}}) == "deal"
    assert topic(ringing({}), {"meta": {"object": "person"}, "event": "updated.person"}) == "person"
    assert topic(ringing({}), {"meta": {"entity": 7}}) == topic(ringing({}), []) == ""
    assert WEBHOOK.delivery_id(ringing({}), {"meta": {"id": "a", "attempt": 2}}) == "a:2"


def test_the_published_sample_rings() -> None:
    folder = VENDORS / "samples" / "pipedrive"
    if not folder.is_dir():
        pytest.skip("the vendors' samples are not beside this project")
    for file in sorted(folder.glob("*.json")):
        body = json.loads(file.read_text("utf-8"))["body"]
        assert WEBHOOK.triggers[topic(ringing({}), body)].rings
        (made,) = person_events(body["data"], HERE)
        assert made.type is EventType.CUSTOMER_CREATED


async def test_a_webhook_of_one_action_is_made_anew_for_all(crm: Crm) -> None:
    sandbox, client = crm
    wanted = Wanted(HOOK, SUBSCRIPTIONS.topics)
    first = (await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)).created[0]
    sandbox.webhooks[int(first.id)]["event_action"] = "create"
    again = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
    assert ([one.id for one in again.removed], len(again.created)) == ([first.id], 1)
    gone = again.created[0]
    sandbox.webhooks[int(gone.id)]["is_active"] = 0
    last = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
    assert [one.id for one in last.removed] == [gone.id]
    passwords = {one["http_auth_password"] for one in sandbox.webhooks.values()}
    assert passwords == {SANDBOX_ACCOUNT["hook_password"]}


# --- what is told ----------------------------------------------------------------------------

PERSON = {"id": 9, "name": "A. B.", "first_name": None, "last_name": None, "add_time": WHEN,
          "emails": [{"value": "b@shop.example"}, {"value": "a@shop.example", "primary": True}],
          "phones": [], "birthday": "1990-02-03", "update_time": WHEN}  # fmt: skip


def test_a_person_is_told_with_the_primary_address() -> None:
    (made,) = person_events(PERSON, HERE)
    assert (made.type, made.key, made.data.email) == (
        EventType.CUSTOMER_CREATED, "9", "a@shop.example",
    )  # fmt: skip
    assert (made.data.first_name, str(made.data.birthday), made.data.phone) == (
        "A. B.", "1990-02-03", None,
    )  # fmt: skip
    _, changed = person_events({**PERSON, "update_time": LATER}, HERE)
    assert changed.key == "9:2026-11-20T09:20:00+00:00"
    assert list(person_events({**PERSON, "is_deleted": True}, HERE)) == []


@pytest.mark.parametrize(
    ("status", "consents"),
    [
        ("subscribed", {Channel.EMAIL: ConsentState.GRANTED}),
        ("unsubscribed", {Channel.EMAIL: ConsentState.WITHDRAWN}),
        ("no_consent", {}),
        ("archived", {}),
        (None, {}),
    ],
)
def test_only_what_is_stated_is_a_consent(status: str | None, consents: dict[Any, Any]) -> None:
    (made,) = person_events({**PERSON, "marketing_status": status}, HERE)
    assert made.data.consents == consents


def test_a_won_deal_of_a_person_is_told_once() -> None:
    deal = {"id": 5, "status": "won", "person_id": 9, "won_time": WHEN, "update_time": LATER}
    (event,) = deal_events(deal, HERE)
    assert (event.key, event.data.name, event.data.ref, event.data.customer.id) == (
        "deal:5", "deal_won", "5", "9",
    )  # fmt: skip
    assert event.time.isoformat() == "2026-11-20T09:15:00+00:00"
    for other in ({"status": "open"}, {"person_id": None}, {"is_deleted": True}):
        assert list(deal_events({**deal, **other}, HERE)) == []


def test_a_done_activity_is_named_by_its_type() -> None:
    people = [{"person_id": 8, "primary": False}, {"person_id": 9, "primary": True}]
    done = {"id": 6, "type": "Video Call", "done": True, "participants": people}
    done["marked_as_done_time"] = "2026-11-20 09:15:00"
    (event,) = activity_events(done, HERE)
    assert (event.key, event.data.name, event.data.customer.id) == (
        "activity:6", "video_call_done", "9",
    )  # fmt: skip
    others: list[dict[str, Any]] = [{"done": False}, {"participants": []}, {"is_deleted": True}]
    for other in others:
        assert list(activity_events({**done, **other}, HERE)) == []


@pytest.mark.parametrize("reads", [True, False])
async def test_consent_is_asked_for_only_where_it_is_set(reads: bool, serve: Serve) -> None:
    sandbox = PipedriveSandbox()
    at = datetime.now(UTC) - timedelta(hours=1)
    sandbox.put("persons", {"id": 8, "add_time": "soon", "name": "B"}, at=at)
    sandbox.put("persons", {"id": 9, "name": "C"}, at=at)
    client = PipedriveClient(account(await serve(sandbox), reads_consent=reads))
    asked: list[dict[str, str]] = []
    look = client.changed

    def noted(resource: str, start: datetime, **narrowed: str) -> Any:
        asked.append(narrowed)
        return look(resource, start, **narrowed)

    client.changed = noted  # type: ignore[method-assign]
    assert MANIFEST.poll is not None
    pages = [page async for page in MANIFEST.poll.changed_since(client, HERE, cursor="", now=NOW)]
    await client.aclose()
    assert asked[0] == ({"include_fields": "marketing_status"} if reads else {})
    assert asked[1:] == [{"status": "won"}, {"done": "true"}]
    (bad,) = [reason for page in pages for reason in page.unreadable]
    assert bad.startswith("persons 8: ")
    assert [event.key for page in pages for event in page.events] == ["9"]
    assert {page.cursor for page in pages[:-1]} == {""}
    assert pages[-1].cursor == NOW.isoformat()
