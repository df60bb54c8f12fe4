"""Airtable: rows in tens, signed pings, payloads by their numbers, and tables asked instead."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors.airtable.account import AirtableAccount
from connectors.airtable.client import AirtableClient, _explain
from connectors.airtable.manifest import MANIFEST
from connectors.airtable.payloads import person_of
from connectors.airtable.polling import Place
from connectors.airtable.records import RecordCreate, RecordUpdate
from connectors.airtable.sandbox import (
    FORMS,
    ME,
    MILA,
    PEOPLE,
    SANDBOX_ACCOUNT,
    AirtableSandbox,
)
from connectors.airtable.subscriptions import SUBSCRIPTIONS
from connectors.airtable.triggers import WEBHOOK, sign, topic, verify
from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CrmContact, RowUpsert
from connectors.kit.errors import (
    ConnectorBug,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ScopeError,
)
from connectors.kit.paging import PagingError
from connectors.kit.poll import Page
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.subscriptions import Wanted, ensure
from connectors.kit.webhook import BadSignature, InboundRequest, Source
from loyalty.events import EventType
from tests.connectors.contract import VENDORS

Serve = Callable[[VendorSandbox], Awaitable[str]]
Base = tuple[AirtableSandbox, AirtableClient]
HERE = Source("airtable", "main")
HOOK = "https://hub.example/hooks/airtable/main"
EVERYTHING = {"options": {"filters": {"dataTypes": ["tableData"]}}}


def account(base_url: str = "https://base.example", **fields: Any) -> AirtableAccount:
    known = {**SANDBOX_ACCOUNT, "base_url": base_url, **fields}
    return AirtableAccount.model_validate(known)


@pytest.fixture
async def base(serve: Serve) -> AsyncIterator[Base]:
    sandbox = AirtableSandbox()
    client = AirtableClient(account(await serve(sandbox)))
    yield sandbox, client
    await client.aclose()


async def batch(name: str, client: AirtableClient, *given: Any) -> Any:
    action = MANIFEST.action(name)
    assert action.run_batch is not None
    return await action.run_batch(client, [Job(f"job-{n}", one) for n, one in enumerate(given)])


def calls(sandbox: AirtableSandbox, method: str = "PATCH") -> int:
    return sum(times for call, times in sandbox.calls.items() if call.startswith(method))


def row(key: str, table: str = "", **values: Any) -> RowUpsert:
    return RowUpsert(key_column="member", key=key, values=values, table=table)


# --- writing ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "expected"), [(0, 0), (1, 1), (10, 1), (25, 3)])
async def test_rows_go_in_tens(count: int, expected: int, base: Base) -> None:
    outcomes = await batch("upsert_row", base[1], *(row(f"m-{n}", points=n) for n in range(count)))
    assert len({outcome.vendor_id for outcome in outcomes}) == count
    assert calls(base[0]) == expected


async def test_tables_and_columns_share_no_call(base: Base) -> None:
    other = RowUpsert(key_column="code", key="m-1", values={})
    outcomes = await batch("upsert_row", base[1], row("m-1"), other, row("m-1", PEOPLE), row("m-2"))
    assert len({outcome.vendor_id for outcome in outcomes}) == 4
    assert calls(base[0]) == 3


async def test_a_bad_row_leaves_the_others(base: Base) -> None:
    good, bad, digits, last = await batch(
        "upsert_row",
        base[1],
        row("m-1", points=Decimal("1.50")),
        row("m-2", points="many"),
        row("m-3", points=Decimal("0.1234567890123456789")),
        row("m-4", points=Decimal(4)),
    )
    assert isinstance(bad, InvalidRequest)
    assert bad.vendor_code == "INVALID_VALUE_FOR_COLUMN"
    assert isinstance(digits, InvalidRequest)
    assert "points" in str(digits)
    table = base[0].tables["Members"]
    assert [table[one.vendor_id]["fields"]["points"] for one in (good, last)] == [1.5, 4]


async def test_the_jobs_of_one_row_become_one_record(base: Base) -> None:
    first, second = await batch(
        "upsert_row", base[1], row("m-1", points=1, tier="Gold"), row("m-1", points=2, note=None)
    )
    assert first == second
    (kept,) = base[0].tables["Members"].values()
    assert kept["fields"] == {"member": "m-1", "points": 2, "tier": "Gold"}


async def test_one_spoilt_job_of_a_row_is_refused_alone(base: Base) -> None:
    good, bad = await batch("upsert_row", base[1], row("m-1", points=1), row("m-1", points="many"))
    assert isinstance(good, Sent)
    assert isinstance(bad, InvalidRequest)


async def test_a_record_is_created_once_for_each_job(base: Base) -> None:
    given = [RecordCreate(fields={"What": "Gold"}) for _ in range(3)]
    first = await batch("create_record", base[1], *given)
    again = await batch("create_record", base[1], *given)
    assert [one.vendor_id for one in first] == [one.vendor_id for one in again]
    assert len(base[0].tables["Members"]) == 3


async def test_an_update_keeps_what_it_does_not_name_and_clears_what_is_none(base: Base) -> None:
    change = RecordUpdate(record_id=MILA, fields={"points": 7, "First name": None}, table=PEOPLE)
    gone = RecordUpdate(record_id="recNobody00000001", fields={"points": 7}, table=PEOPLE)
    done, refused = await batch("update_record", base[1], change, gone)
    assert done.vendor_id == MILA
    assert isinstance(refused, InvalidRequest)
    assert base[0].tables[PEOPLE][MILA]["fields"] == {
        "Email": "mila.brandt@shop.example",
        "points": 7,
    }


async def test_a_person_is_written_by_the_address_in_the_named_columns(base: Base) -> None:
    known, new = await batch(
        "upsert_contact",
        base[1],
        CrmContact(email=" Mila.Brandt@shop.example", phone="+49301", properties={"tier": "Gold"}),
        CrmContact(email="new@shop.example", last_name="New"),
    )
    people = base[0].tables[PEOPLE]
    assert known.vendor_id == MILA
    assert (people[MILA]["fields"]["Phone"], people[MILA]["fields"]["First name"]) == (
        "+49301", "Mila",
    )  # fmt: skip
    assert people[new.vendor_id]["fields"] == {"Email": "new@shop.example", "Last name": "New"}


async def test_without_a_table_of_people_nobody_is_written(serve: Serve) -> None:
    client = AirtableClient(account(await serve(AirtableSandbox()), people_table=""))
    (outcome,) = await batch("upsert_contact", client, CrmContact(email="a@shop.example"))
    await client.aclose()
    assert isinstance(outcome, InvalidRequest)


async def test_an_answer_for_other_records_is_no_answer(base: Base) -> None:
    base[0].faults[:] = [Fault(status=200, body='{"records": []}')]
    with pytest.raises(OutcomeUnknown):
        await batch("upsert_row", base[1], row("m-1"))


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "wait"), [({}, 30), ({"Retry-After": "7"}, 30), ({"Retry-After": "90"}, 90)]
)
def test_a_pause_is_half_a_minute_at_least(header: dict[str, str], wait: int) -> None:
    error = _explain(429, header, b'{"errors": [{"error": "RATE_LIMIT_REACHED"}]}', True)
    assert isinstance(error, RateLimited)
    assert error.retry_after == timedelta(seconds=wait)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"type": "PUBLIC_API_BILLING_LIMIT_EXCEEDED", "message": "no"}, QuotaExceeded),
        (403, {"type": "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND", "message": "no"}, ScopeError),
        (404, "NOT_FOUND", NotFound),
        (422, {"type": "UNKNOWN_FIELD_NAME", "message": "mila@shop.example"}, InvalidRequest),
    ],
)
def test_each_word_says_what_happens_next(status: int, error: Any, kind: type) -> None:
    found = _explain(status, {}, json.dumps({"error": error}).encode(), True)
    assert type(found) is kind
    assert "mila@" not in str(found)


# --- pings -----------------------------------------------------------------------------------


def ping(body: bytes, headers: dict[str, str] | None = None) -> InboundRequest:
    return InboundRequest("POST", HOOK, headers or {}, body, datetime.now(UTC))


def test_the_key_is_the_decoded_secret() -> None:
    """The same as `openssl dgst -sha256 -hmac key` says of this sentence."""
    of_key = account(mac_secret="a2V5")
    body = b"The quick brown fox jumps over the lazy dog"
    known = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    assert sign(ping(body), of_key) == {"x-airtable-content-mac": f"hmac-sha256={known}"}
    verify(ping(body, {"x-airtable-content-mac": f"hmac-sha256={known}"}), of_key)
    with pytest.raises(BadSignature):
        verify(ping(body, {"x-airtable-content-mac": known}), of_key)


@pytest.mark.parametrize("secret", ["", "not base64!", "===="])
def test_a_secret_that_is_no_key_proves_nothing(secret: str) -> None:
    broken = account().model_copy(update={"mac_secret": SecretStr(secret)})
    with pytest.raises(BadSignature):
        verify(ping(b"{}", {"x-airtable-content-mac": "hmac-sha256=00"}), broken)
    with pytest.raises(BadSignature):
        verify(ping(b"{}", {"x-airtable-content-mac": "x"}), account(mac_secret=""))


def test_the_published_ping_rings() -> None:
    file = VENDORS / "samples" / "airtable" / "notification_ping.json"
    if not file.is_file():
        pytest.skip("the vendors' samples are not beside this project")
    body = json.loads(file.read_text("utf-8"))["body"]
    assert WEBHOOK.triggers[topic(ping(b""), body)].rings
    assert WEBHOOK.delivery_id(ping(b""), body) == f"{body['webhook']['id']}:{body['timestamp']}"


def test_what_names_no_webhook_is_ignored() -> None:
    bodies: list[Any] = [{}, [], {"base": {"id": "a"}}, {"base": {"id": "a"}, "webhook": {"id": 7}}]
    for body in bodies:
        assert topic(ping(b""), body) == ""


# --- what is told ----------------------------------------------------------------------------


async def look(client: AirtableClient, cursor: str, now: datetime | None = None) -> list[Page]:
    assert MANIFEST.poll is not None
    at = now or datetime.now(UTC)
    return [page async for page in MANIFEST.poll.changed_since(client, HERE, cursor=cursor, now=at)]


def keys(pages: list[Page]) -> list[tuple[EventType, str]]:
    return [(event.type, event.key) for page in pages for event in page.events]


async def test_payloads_are_read_from_the_number_on(base: Base) -> None:
    sandbox, client = base
    hook = sandbox.subscribe(HOOK, EVERYTHING)
    first = await look(client, "")
    assert keys(first) == []
    start = first[-1].cursor
    assert Place.of(start).webhook == hook["id"]
    for phone in ("+49301", "+49302", "+49303"):
        sandbox.put(PEOPLE, {"Phone": phone}, record_id=MILA)
    new = sandbox.put(PEOPLE, {"Email": "new@shop.example"})
    form = sandbox.put(FORMS, {"Email": "mila.brandt@shop.example"}, source="formSubmission")
    sandbox.put("Members", {"member": "m-9"})
    pages = await look(client, start)
    assert keys(pages) == [
        (EventType.CUSTOMER_CREATED, MILA),
        (EventType.CUSTOMER_UPDATED, f"{MILA}:1003"),
        (EventType.CUSTOMER_CREATED, MILA),
        (EventType.CUSTOMER_UPDATED, f"{MILA}:1004"),
        (EventType.CUSTOMER_CREATED, new["id"]),
        (EventType.ACTIVITY_REPORTED, f"activity:{form['id']}"),
    ]
    assert Place.of(pages[0].cursor).number == 3
    assert keys(await look(client, pages[0].cursor)) == keys(pages[1:])
    assert keys(await look(client, pages[-1].cursor)) == []


async def test_what_the_hub_wrote_is_not_told(base: Base) -> None:
    sandbox, client = base
    sandbox.subscribe(HOOK, EVERYTHING)
    start = (await look(client, ""))[-1].cursor
    await batch("upsert_contact", client, CrmContact(email="mila.brandt@shop.example", phone="+4"))
    sandbox.put(PEOPLE, {"Email": "b@shop.example"}, source="publicApi")
    sandbox.put(PEOPLE, {"Phone": "+5"}, record_id=MILA, by=ME)
    told = keys(await look(client, start))
    assert [key for kind, key in told if kind is EventType.CUSTOMER_UPDATED] == [f"{MILA}:1004"]


async def test_a_lost_webhook_loses_no_change(base: Base) -> None:
    sandbox, client = base
    lost = sandbox.subscribe(HOOK, EVERYTHING)
    start = (await look(client, ""))[-1].cursor
    del sandbox.webhooks[lost["id"]], sandbox.payloads[lost["id"]]
    sandbox.put(PEOPLE, {"Phone": "+49301"}, record_id=MILA)
    without = await look(client, start)
    assert (EventType.CUSTOMER_CREATED, MILA) in keys(without)
    assert Place.of(without[-1].cursor).webhook == ""
    new = sandbox.subscribe(HOOK, EVERYTHING)
    sandbox.put(PEOPLE, {"Email": "new@shop.example"})
    found = await look(client, without[-1].cursor)
    assert "new@shop.example" in [event.data.email for page in found for event in page.events]
    assert Place.of(found[-1].cursor).webhook == new["id"]
    assert Place.of(found[-1].cursor).number == 2


async def test_after_a_week_of_silence_the_tables_are_asked(base: Base) -> None:
    sandbox, client = base
    hook = sandbox.subscribe(HOOK, EVERYTHING)
    now = datetime.now(UTC)
    sandbox.put(PEOPLE, {"Phone": "+49301"}, record_id=MILA, at=now - timedelta(days=8))
    sandbox.payloads[hook["id"]].clear()
    old = str(Place(hook["id"], 1, (now - timedelta(days=9)).isoformat()))
    assert keys(await look(client, old, now)) == [
        (EventType.CUSTOMER_CREATED, MILA),
        (EventType.CUSTOMER_UPDATED, f"{MILA}:{now.isoformat()}"),
    ]


async def test_a_webhook_that_notes_a_part_is_not_relied_on(base: Base) -> None:
    part = {"options": {"filters": {"dataTypes": ["tableData"], "recordChangeScope": PEOPLE}}}
    base[0].subscribe(HOOK, part)
    assert Place.of((await look(base[1], ""))[-1].cursor).webhook == ""
    done = await ensure(
        SUBSCRIPTIONS, base[1], Wanted(HOOK, SUBSCRIPTIONS.topics), now=datetime.now(UTC)
    )
    assert (len(done.removed), len(done.created)) == (1, 1)
    assert done.secret is not None
    assert done.secret.get_secret_value() == SANDBOX_ACCOUNT["mac_secret"]


async def test_what_cannot_be_read_is_said_and_the_rest_is_told(base: Base) -> None:
    sandbox, client = base
    hook = sandbox.subscribe(HOOK, EVERYTHING)
    start = (await look(client, ""))[-1].cursor
    sandbox.payloads[hook["id"]] += [{"error": True, "code": "INVALID_FILTERS"}, {"timestamp": 7}]
    bad = sandbox.put(PEOPLE, {"Email": {"an": "object"}})
    sandbox.put(PEOPLE, {"Email": "c@shop.example"})
    gone = sandbox.put(PEOPLE, {"Email": "gone@shop.example"})
    del sandbox.tables[PEOPLE][gone["id"]]
    pages = await look(client, start)
    reasons = [reason for page in pages for reason in page.unreadable]
    assert len(reasons) == 3
    assert "INVALID_FILTERS" in reasons[0]
    assert reasons[2].startswith(f"record {bad['id']}: ")
    assert [event.data.email for page in pages for event in page.events] == ["c@shop.example"]


async def test_payloads_that_never_end_are_stopped(base: Base) -> None:
    sandbox, client = base
    sandbox.subscribe(HOOK, EVERYTHING)
    start = (await look(client, ""))[-1].cursor
    same = '{"payloads": [], "cursor": 1, "mightHaveMore": true}'
    sandbox.faults[:] = [Fault(status=200, body=same, path="/payloads", times=9)]
    with pytest.raises(PagingError):
        await look(client, start)
    sandbox.faults[:] = [Fault(status=200, body='{"payloads": []}', path="/payloads")]
    with pytest.raises(ConnectorBug):
        await look(client, start)


def test_a_cursor_of_nobody_is_the_beginning() -> None:
    assert Place.of("2026-11-20T10:00:00+00:00") == Place.of("") == Place()
    assert Place.of("ach1:0:x") == Place("ach1", 1, "x")


def test_columns_that_look_up_hold_lists() -> None:
    fields = {"Email": ["a@shop.example"], "Phone": 4930123, "First name": [], "Last name": "B"}
    record = {"id": "rec1", "createdTime": "2026-11-20T10:15:00.000Z", "fields": fields}
    found = person_of(record, account())
    assert (found.email, found.phone, found.first_name, found.last_name) == (
        "a@shop.example", "4930123", "", "B",
    )  # fmt: skip


@pytest.mark.parametrize(
    "wrong", [{"base_id": "app/../x"}, {"people_table": "People"}, {"activity_name": "A b"}]
)
def test_ids_have_their_own_shape(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        account(**wrong)
