"""Zoho CRM: its refusals by record, its doorbells, its channels, and what is published of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CrmContact, CustomerChange
from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ScopeError,
)
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.subscriptions import Wanted, ensure
from connectors.kit.webhook import BadSignature, InboundRequest, Source
from connectors.zoho.account import ZohoAccount
from connectors.zoho.client import ZohoClient, refusal
from connectors.zoho.manifest import MANIFEST
from connectors.zoho.people import Lead
from connectors.zoho.polling import contact_events, deal_events, lead_events
from connectors.zoho.sandbox import SANDBOX_ACCOUNT, ZohoSandbox
from connectors.zoho.subscriptions import SUBSCRIPTIONS
from connectors.zoho.triggers import WEBHOOK, topic, verify
from loyalty.events import Channel, ConsentState, EventType
from tests.connectors.contract import Exchange, complaints_about, contract, record_traffic

Serve = Callable[[VendorSandbox], Awaitable[str]]
HERE = Source("zoho", "main")
NOW = datetime.now(UTC).replace(microsecond=0)
WHEN, LATER = "2026-11-20T10:15:00+01:00", "2026-11-20T10:20:00+01:00"
HOOK = "https://hub.example/hooks/zoho/main"


def account(base_url: str = "https://crm.example", **fields: Any) -> ZohoAccount:
    known = {**SANDBOX_ACCOUNT, "base_url": base_url, "accounts_url": base_url}
    return ZohoAccount.model_validate({**known, **fields})


@pytest.fixture
async def crm(serve: Serve) -> AsyncIterator[tuple[ZohoSandbox, ZohoClient]]:
    sandbox = ZohoSandbox()
    client = ZohoClient(account(await serve(sandbox)))
    yield sandbox, client
    await client.aclose()


def calls(sandbox: ZohoSandbox, path: str) -> int:
    return sum(times for call, times in sandbox.calls.items() if call.endswith(path))


async def run(name: str, client: ZohoClient, given: Any, key: str = "job-1") -> Any:
    return await MANIFEST.action(name).run(client, Job(key, given))


async def run_batch(name: str, client: ZohoClient, *given: Any) -> Any:
    action = MANIFEST.action(name)
    assert action.run_batch is not None
    return await action.run_batch(client, [Job(f"job-{n}", one) for n, one in enumerate(given)])


# --- writing people --------------------------------------------------------------------------


async def test_a_known_person_keeps_the_last_name_and_a_new_one_gets_the_address(
    crm: tuple[ZohoSandbox, ZohoClient],
) -> None:
    sandbox, client = crm
    known, new = await run_batch(
        "upsert_contact",
        client,
        CrmContact(email="mila.brandt@shop.example", properties={"points": 120}),
        CrmContact(email="new@shop.example"),
    )
    people = sandbox.modules["Contacts"]
    assert known.vendor_id == "7001"
    assert (people["7001"]["Last_Name"], people["7001"]["points"]) == ("Brandt", 120)
    assert people[new.vendor_id]["Last_Name"] == "new@shop.example"


async def test_a_refused_record_leaves_the_others(crm: tuple[ZohoSandbox, ZohoClient]) -> None:
    good, bad, fraction = await run_batch(
        "upsert_contact",
        crm[1],
        CrmContact(email="a@shop.example", last_name="A", properties={"points": Decimal("1.50")}),
        CrmContact(email="b@shop.example", last_name="B", properties={"points": "many"}),
        CrmContact(email="c@shop.example", properties={"points": Decimal("0.1234567890123456789")}),
    )
    assert isinstance(good, Sent)
    assert isinstance(bad, InvalidRequest)
    assert "points" in str(bad)
    assert isinstance(fraction, InvalidRequest)
    assert crm[0].modules["Contacts"][good.vendor_id]["points"] == 1.5


async def test_a_batch_that_is_refused_as_a_whole_is_asked_one_by_one(
    crm: tuple[ZohoSandbox, ZohoClient],
) -> None:
    bad = [
        CrmContact(email=f"{n}@shop.example", last_name="B", properties={"points": "many"})
        for n in range(3)
    ]
    outcomes = await run_batch("upsert_contact", crm[1], *bad)
    assert [type(one) for one in outcomes] == [InvalidRequest] * 3


async def test_the_jobs_of_one_address_become_one_record(
    crm: tuple[ZohoSandbox, ZohoClient],
) -> None:
    sandbox, client = crm
    first, second, third = await run_batch(
        "upsert_lead",
        client,
        Lead(email="x@shop.example", last_name="X", properties={"points": 1, "tier": "Gold"}),
        Lead(email="X@shop.example", company="Tea", properties={"points": 2}),
        Lead(email="y@shop.example", last_name="Y"),
    )
    assert first.vendor_id == second.vendor_id != third.vendor_id
    (lead,) = [one for one in sandbox.records if one["kind"] == "leads" and one.get("tier")]
    assert (lead["points"], lead["Company"], lead["Last_Name"]) == (2, "Tea", "X")
    assert calls(sandbox, "/crm/v8/Leads/upsert") == 1


async def test_one_spoilt_job_of_an_address_is_refused_alone(
    crm: tuple[ZohoSandbox, ZohoClient],
) -> None:
    good, bad = await run_batch(
        "upsert_contact",
        crm[1],
        CrmContact(email="x@shop.example", last_name="X", properties={"points": 1}),
        CrmContact(email="x@shop.example", properties={"points": "many"}),
    )
    assert isinstance(good, Sent)
    assert isinstance(bad, InvalidRequest)


@pytest.mark.parametrize(
    "whom",
    [
        {"customer_id": "7001"},
        {"email": "mila.brandt@shop.example"},
        {"phone": "+15005550123"},
        {"external_id": "m-1"},
        {"email": "old@shop.example", "external_id": "m-1"},
    ],
    ids=["id", "e-mail", "telephone", "member id", "the next where one is unknown"],
)
async def test_a_contact_is_found_by_what_is_known(
    whom: dict[str, str], crm: tuple[ZohoSandbox, ZohoClient]
) -> None:
    change = CustomerChange(**whom, add_tags=("gold",), fields={"points": 120, "tier": None})
    assert (await run("update_customer", crm[1], change)).vendor_id == "7001"
    mila = crm[0].modules["Contacts"]["7001"]
    assert (mila["points"], mila["tier"], mila["Tag"]) == (120, None, [{"name": "gold"}])
    await run("update_customer", crm[1], CustomerChange(**whom, remove_tags=("gold",)))
    assert crm[0].modules["Contacts"]["7001"]["Tag"] == []


async def test_nobody_and_two_of_a_kind_are_refused(crm: tuple[ZohoSandbox, ZohoClient]) -> None:
    sandbox, client = crm
    change = CustomerChange(email="nobody@shop.example", fields={"points": 1})
    with pytest.raises(NotFound):
        await run("update_customer", client, change)
    with pytest.raises(NotFound):
        await run("update_customer", client, CustomerChange(customer_id="99", fields={"points": 1}))
    with pytest.raises(InvalidRequest):
        await run("update_customer", client, CustomerChange(customer_id="../1", fields={"p": 1}))
    sandbox.put("Contacts", {"Email": "mila.brandt@shop.example", "Last_Name": "Twin"})
    twin = CustomerChange(email="mila.brandt@shop.example", fields={"points": 1})
    with pytest.raises(Conflict):
        await run("update_customer", client, twin)


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("OAUTH_SCOPE_MISMATCH", ScopeError),
        ("NO_PERMISSION", ScopeError),
        ("INVALID_TOKEN", AuthError),
        ("TOO_MANY_REQUESTS", RateLimited),
        ("LIMIT_EXCEEDED", QuotaExceeded),
        ("DUPLICATE_DATA", Conflict),
        ("INTERNAL_ERROR", OutcomeUnknown),
        ("INVALID_DATA", InvalidRequest),
        ("RECORD_LOCKED", InvalidRequest),
    ],
)
def test_each_code_says_what_happens_next(code: str, kind: type[ConnectorError]) -> None:
    found = refusal({"code": code, "message": "to mila.brandt@shop.example"}, status=400)
    assert type(found) is kind
    assert found.vendor_code == code
    assert "mila.brandt" not in str(found)


async def test_a_missing_scope_does_not_renew_the_token(
    crm: tuple[ZohoSandbox, ZohoClient],
) -> None:
    sandbox, client = crm
    await client.check()
    body = '{"code": "OAUTH_SCOPE_MISMATCH", "message": "no", "details": {}, "status": "error"}'
    sandbox.faults[:] = [Fault(status=401, body=body, path="/Contacts", times=9)]
    with pytest.raises(ScopeError):
        await client.check()
    assert calls(sandbox, "/oauth/v2/token") == 1


async def test_a_token_that_ended_is_renewed_once(crm: tuple[ZohoSandbox, ZohoClient]) -> None:
    sandbox, client = crm
    await client.check()
    sandbox.token = "another"
    await client.check()
    assert calls(sandbox, "/oauth/v2/token") == 2


async def test_a_reply_for_other_records_is_no_answer(
    crm: tuple[ZohoSandbox, ZohoClient],
) -> None:
    crm[0].faults[:] = [Fault(status=200, body='{"data": []}', path="/upsert")]
    with pytest.raises(OutcomeUnknown):
        await run("upsert_contact", crm[1], CrmContact(email="a@shop.example", last_name="A"))
    crm[0].faults[:] = [Fault(status=200, body='{"data": [{"status": "success"}]}', path="/upsert")]
    with pytest.raises(ConnectorBug):
        await run("upsert_contact", crm[1], CrmContact(email="a@shop.example", last_name="A"))


# --- notifications ---------------------------------------------------------------------------


def notification(body: dict[str, Any], query: dict[str, str] | None = None) -> InboundRequest:
    return InboundRequest("POST", HOOK, {}, json.dumps(body).encode(), NOW, query or {})


def test_the_token_proves_it_in_the_address_or_in_the_body() -> None:
    token = SANDBOX_ACCOUNT["hook_token"]
    verify(notification({"module": "Deals"}, {"token": token}), account())
    verify(notification({"module": "Deals", "token": token}), account())
    for body in ({"token": "another-token-of-16"}, {"token": 7}, {}):
        with pytest.raises(BadSignature):
            verify(notification(body), account())
    with pytest.raises(BadSignature):
        verify(replace(notification({}), body=b"["), account())


def test_the_module_is_the_topic_in_either_spelling() -> None:
    request = notification({})
    assert topic(request, {"module": "Deals"}) == "Deals"
    assert topic(request, {"module": {"api_name": "Deals", "id": "1"}}) == "Deals"
    assert topic(request, {"module": 7}) == topic(request, []) == ""
    assert WEBHOOK.delivery_id(request, {"channel_id": 1, "operation": "insert", "ids": ["9"]}) == (
        "1:insert:9"
    )


def test_a_token_longer_than_zoho_keeps_is_refused() -> None:
    with pytest.raises(ValidationError, match="at most 50"):
        account(hook_token="x" * 51)


# --- what is told ----------------------------------------------------------------------------

PERSON = {"id": "9", "Email": "a@shop.example", "Last_Name": "A", "Created_Time": WHEN,
          "Modified_Time": WHEN, "Email_Opt_Out": True, "Mobile": None, "Phone": "+49301234",
          "Mailing_Country": "Germany", "Date_of_Birth": "1990-02-03", "Tag": None}  # fmt: skip


def test_a_new_contact_is_created_and_a_changed_one_updated_too() -> None:
    (made,) = contact_events(PERSON, HERE)
    assert (made.type, made.key) == (EventType.CUSTOMER_CREATED, "9")
    assert made.data.consents == {Channel.EMAIL: ConsentState.WITHDRAWN}
    assert (made.data.country, str(made.data.birthday)) == ("", "1990-02-03")
    assert made.data.phone == "+49301234"
    _, changed = contact_events({**PERSON, "Modified_Time": LATER}, HERE)
    assert changed.key == "9:2026-11-20T09:20:00+00:00"
    (silent,) = contact_events({**PERSON, "Email_Opt_Out": False}, HERE)
    assert silent.data.consents == {}


def test_a_lead_is_told_once_and_without_an_id() -> None:
    (event,) = lead_events({**PERSON, "Modified_Time": LATER}, HERE)
    assert (event.key, event.data.name, event.data.customer.id) == ("lead:9", "lead_created", None)
    assert list(lead_events({**PERSON, "Email": None, "Phone": ""}, HERE)) == []


def test_only_a_won_deal_of_a_contact_is_told() -> None:
    won = frozenset({"Gewonnen"})
    deal = {"id": "5", "Stage": "Gewonnen", "Contact_Name": {"id": "9"}, "Modified_Time": WHEN}
    (event,) = deal_events(deal, HERE, won)
    assert (event.key, event.data.name, event.data.customer.id) == ("deal:5", "deal_won", "9")
    assert list(deal_events({**deal, "Stage": "Closed Won"}, HERE, won)) == []
    assert list(deal_events({**deal, "Contact_Name": None}, HERE, won)) == []


async def test_an_unreadable_record_is_named_and_the_rest_is_told(
    crm: tuple[ZohoSandbox, ZohoClient],
) -> None:
    sandbox, client = crm
    at = datetime.now(UTC) - timedelta(hours=1)
    sandbox.put("Contacts", {"id": "8", "Email": "b@shop.example", "Created_Time": "soon"}, at=at)
    sandbox.put("Contacts", {"id": "9", "Email": "c@shop.example"}, at=at)
    assert MANIFEST.poll is not None
    pages = [page async for page in MANIFEST.poll.changed_since(client, HERE, cursor="", now=NOW)]
    (bad,) = [reason for page in pages for reason in page.unreadable]
    assert bad.startswith("Contacts 8: ")
    assert [event.key for page in pages for event in page.events] == ["9"]
    assert {page.cursor for page in pages[:-1]} == {""}
    assert pages[-1].cursor == NOW.isoformat()


# --- channels --------------------------------------------------------------------------------


async def test_a_channel_that_hears_too_little_is_made_anew(
    crm: tuple[ZohoSandbox, ZohoClient],
) -> None:
    sandbox, client = crm
    wanted = Wanted(HOOK, SUBSCRIPTIONS.topics)
    made = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
    number = made.created[0].id
    sandbox.channels[number]["events"] = sandbox.channels[number]["events"][:1]
    again = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
    assert [one.id for one in again.removed] == [number]
    assert len(again.created) == 1
    assert {channel["token"] for channel in sandbox.channels.values()} == {
        SANDBOX_ACCOUNT["hook_token"]
    }


# --- the published facts ---------------------------------------------------------------------

OWN_FIELDS = frozenset(
    {"Email", "Phone", "Mobile", "First_Name", "Last_Name", "Company", "Note_Title",
     "Note_Content", "Parent_Id", "points", "tier"}
)  # fmt: skip
"""Fields of the modules, which the facts leave to each organisation."""
OF_A_TAG = ("color_code", "created_time", "modified_time", "modified_by", "created_by", "id")
"""The facts list the answer's fields among those to send: a tag is added by its name alone."""


def _known(exchange: Exchange) -> Exchange:
    if not exchange.request:
        return exchange
    body = json.loads(exchange.request)
    if "data" in body:
        body["data"] = [
            {name: value for name, value in one.items() if name not in OWN_FIELDS}
            for one in body["data"]
        ]
    for tag in body.get("tags", ()):
        tag.update(dict.fromkeys(OF_A_TAG))
    for tag in body.get("tags", ()):
        tag["modified_by"] = tag["created_by"] = {"name": "", "id": ""}
    return replace(exchange, request=json.dumps(body).encode())


def _templates(operation: dict[str, Any]) -> int:
    return str(operation["path"]).count("{")


async def test_what_is_published_fits_the_traffic(serve: Serve) -> None:
    facts = contract("contracts/zohocrm.json")
    # The first that fits is taken: the ones with the most fixed text come first.
    facts = {**facts, "operations": sorted(facts["operations"], key=_templates)}
    sandbox = ZohoSandbox()
    exchanges = record_traffic(sandbox)
    client = ZohoClient(account(await serve(sandbox)))
    try:
        await client.check()
        for action in MANIFEST.actions:
            await action.run(client, Job("job", sandbox.example(action)))
        sandbox.stage()
        assert MANIFEST.poll is not None
        async for _ in MANIFEST.poll.changed_since(client, HERE, cursor="", now=NOW):
            pass
        await ensure(SUBSCRIPTIONS, client, Wanted(HOOK, SUBSCRIPTIONS.topics), now=NOW)
        made = await ensure(SUBSCRIPTIONS, client, Wanted(HOOK, ("Deals",)), now=NOW)
        assert SUBSCRIPTIONS.renew is not None
        await SUBSCRIPTIONS.renew(client, made.current[0])
    finally:
        await client.aclose()
    unpublished = ("/oauth/", "/remove_tags", "/Notes")
    called = [
        one
        for one in exchanges
        if one.path == "/crm/v8/Notes" or not any(part in one.path for part in unpublished)
    ]
    assert {one.method for one in called} == {"GET", "POST", "PUT", "DELETE"}
    assert {text for one in called for text in complaints_about(facts, _known(one))} == set()
