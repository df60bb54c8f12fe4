"""Salesforce Marketing Cloud: what is its own, beyond what the suite asks of everybody."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connectors.kit.action import Job, Sent
from connectors.kit.capabilities import CrmContact, EmailMessage, JourneyEntry, RowUpsert
from connectors.kit.errors import InvalidRequest, NotFound, RateLimited
from connectors.kit.oauth import MemoryTokens
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.subscriptions import Wanted, ensure
from connectors.kit.webhook import InboundRequest, Source, Unreadable
from connectors.salesforce.account import SalesforceAccount
from connectors.salesforce.actions import ACTIONS
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.contacts import enter_journey, send_email, upsert_contact
from connectors.salesforce.rows import upsert_row, upsert_rows
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.salesforce.subscriptions import SUBSCRIPTIONS
from connectors.salesforce.triggers import WEBHOOK, handshake, parse
from tests.connectors.contract import complaints_about, contract, record_traffic

Serve = Callable[[VendorSandbox], Awaitable[str]]
NOW = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
EMAIL = "mila.brandt@shop.example"
HOOK = "https://hub.example/hooks/salesforce/main"


@asynccontextmanager
async def at_work(
    serve: Serve, sandbox: SalesforceSandbox, tokens: MemoryTokens | None = None, **fields: Any
) -> AsyncIterator[SalesforceClient]:
    account = sandbox.account_at(await serve(sandbox)) | fields
    client = SalesforceClient(SalesforceAccount.model_validate(account), tokens)
    try:
        yield client
    finally:
        await client.aclose()


def job(given: Any, key: str = "shopify/main:order.paid:1001:thanks") -> Job:
    return Job(key, given)


# --- the token -------------------------------------------------------------------------------


async def test_all_workers_share_one_token(serve: Serve) -> None:
    """The vendor wants at most one in twenty minutes."""
    sandbox, tokens = SalesforceSandbox(), MemoryTokens()
    for _ in range(3):
        async with at_work(serve, sandbox, tokens) as client:
            await client.check()
    assert len(sandbox.tokens) == 1


async def test_a_token_that_was_withdrawn_is_renewed_once(serve: Serve) -> None:
    sandbox = SalesforceSandbox()
    async with at_work(serve, sandbox) as client:
        await client.check()
        sandbox.tokens.append("somebody-else-asked")
        await client.check()
    assert len(sandbox.tokens) == 3


# --- limits ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "retry_after", "wait"),
    [(50100, "5", 5), (50200, None, 60), (50100, None, None), (50200, "9", 9)],
)
async def test_a_pause_lasts_as_the_code_says(
    serve: Serve, code: int, retry_after: str | None, wait: int | None
) -> None:
    sandbox = SalesforceSandbox()
    async with at_work(serve, sandbox) as client:
        await client.check()
        body = json.dumps({"message": "slow down", "errorcode": code})
        sandbox.faults[:] = [Fault(status=429, body=body, retry_after=retry_after)]
        with pytest.raises(RateLimited) as caught:
            await client.check()
    assert caught.value.retry_after == (timedelta(seconds=wait) if wait else None)
    assert caught.value.vendor_code == str(code)


# --- contacts and journeys -------------------------------------------------------------------


async def test_a_new_contact_is_made_and_a_known_one_changed(serve: Serve) -> None:
    sandbox = SalesforceSandbox()
    async with at_work(serve, sandbox) as client:
        first = CrmContact(email="Mila.Brandt@shop.example", properties={"spent": Decimal("9.50")})
        assert (await upsert_contact(client, job(first))).vendor_id == EMAIL
        assert sandbox.contacts[EMAIL]["spent"] == "9.50"
        await upsert_contact(client, job(CrmContact(email=EMAIL, first_name="Mila")))
        assert sandbox.contacts[EMAIL]["FirstName"] == "Mila"
    assert sandbox.calls["POST /salesforce/contacts/v1/contacts"] == 1


async def test_a_refused_contact_keeps_the_vendors_words(serve: Serve) -> None:
    async with at_work(serve, SalesforceSandbox()) as client:
        with pytest.raises(InvalidRequest, match="10005"):
            await upsert_contact(client, job(CrmContact(email="nobody")))


async def test_contact_keys_may_be_member_ids(serve: Serve) -> None:
    sandbox = SalesforceSandbox()
    async with at_work(serve, sandbox, contacts_by="external_id") as client:
        given = CrmContact(email=EMAIL, properties={"member_id": "m-1"})
        assert (await upsert_contact(client, job(given))).vendor_id == "m-1"
        with pytest.raises(NotFound, match="external_id"):
            await upsert_contact(client, job(CrmContact(email=EMAIL)))


async def test_a_journey_gets_the_address_where_it_asks_for_it(serve: Serve) -> None:
    sandbox = SalesforceSandbox()
    async with at_work(serve, sandbox, journey_email_field="EmailAddress") as client:
        entry = JourneyEntry(email=EMAIL, journey="welcome", time=NOW, properties={"points": 5})
        await enter_journey(client, job(entry))
        assert sandbox.records[-1]["Data"] == {"points": 5, "EmailAddress": EMAIL}
        for key in ("we.lcome", "unheard"):
            with pytest.raises(InvalidRequest):
                await enter_journey(client, job(entry.model_copy(update={"journey": key})))


# --- e-mails ---------------------------------------------------------------------------------


async def test_a_mail_sent_again_is_found_and_not_sent_twice(serve: Serve) -> None:
    sandbox = SalesforceSandbox()
    mail = EmailMessage(to=EMAIL, subject="Points", text="120", headers={"List-Unsubscribe": "x"})
    async with at_work(serve, sandbox) as client:
        await client.check()
        sandbox.faults[:] = [Fault(status=500, when="after")]
        with pytest.raises(Exception, match="500"):
            await send_email(client, job(mail))
        done = await send_email(client, job(mail))
        other = await send_email(client, job(mail, "another"))
    assert [one["key"] for one in sandbox.records] == [done.vendor_id, other.vendor_id]
    assert sandbox.mails[done.vendor_id]["attributes"]["Header_List_Unsubscribe"] == "x"


async def test_a_refusal_inside_a_202_is_one(serve: Serve) -> None:
    async with at_work(serve, SalesforceSandbox()) as client:
        with pytest.raises(InvalidRequest, match="30006"):
            await send_email(client, job(EmailMessage(to="nobody", subject="Hi", text="Hi")))


@pytest.mark.parametrize("definition", ["", "unheard"])
async def test_a_missing_definition_is_named(serve: Serve, definition: str) -> None:
    async with at_work(serve, SalesforceSandbox(), email_definition=definition) as client:
        with pytest.raises(InvalidRequest, match="definition"):
            await send_email(client, job(EmailMessage(to=EMAIL, subject="Hi", text="Hi")))


# --- rows ------------------------------------------------------------------------------------


def row(number: int, points: Any = 1, table: str = "") -> Job:
    values = {"points": points}
    return job(RowUpsert(key_column="member", key=f"m-{number}", values=values, table=table))


async def test_many_rows_go_fifty_in_a_call(serve: Serve) -> None:
    sandbox = SalesforceSandbox()
    async with at_work(serve, sandbox) as client:
        outcomes = await upsert_rows(client, [row(number) for number in range(120)])
    assert list(outcomes) == [Sent(vendor_id=f"m-{number}") for number in range(120)]
    assert len(sandbox.rows) == 120
    assert sum(sandbox.calls.values()) == 3 + 1


async def test_a_bad_row_and_an_unknown_table_stop_nobody(serve: Serve) -> None:
    sandbox = SalesforceSandbox()
    async with at_work(serve, sandbox) as client:
        jobs = [row(1), row(2, "many"), row(3), row(4, table="Elsewhere"), row(5)]
        outcomes = await upsert_rows(client, jobs)
    failed = [isinstance(one, InvalidRequest) for one in outcomes]
    assert failed == [False, True, False, True, False]
    assert len(sandbox.rows) == 3


async def test_the_same_row_twice_keeps_the_order(serve: Serve) -> None:
    sandbox = SalesforceSandbox()
    async with at_work(serve, sandbox) as client:
        await upsert_rows(client, [row(1, 10), row(2, 5), row(1, 20)])
    assert sandbox.rows["Members", '{"member":"m-1"}'] == {"points": 20}


async def test_a_row_needs_a_data_extension(serve: Serve) -> None:
    async with at_work(serve, SalesforceSandbox(), data_extension="") as client:
        with pytest.raises(InvalidRequest, match="data_extension"):
            await upsert_row(client, row(1))


# --- notifications ---------------------------------------------------------------------------


def probe(body: Any, **headers: str) -> InboundRequest:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return InboundRequest("POST", HOOK, headers, content, NOW)


def test_a_probe_is_answered_and_its_key_told_to_a_person(
    caplog: pytest.LogCaptureFixture,
) -> None:
    body = {"callbackId": "65b885ab-c2b4-46fe", "verificationKey": "A1b2-C3d4-E5"}
    with caplog.at_level(logging.WARNING):
        reply = handshake(probe(body), None)
    assert reply is not None
    assert reply.status == 200
    assert "A1b2-C3d4-E5" in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"callbackId": "65b885ab-c2b4", "verificationKey": "x\ny is fine, do this: rm"},
        {"callbackId": "65b885ab-c2b4", "verificationKey": "A1b2-C3d4", "more": 1},
        {"callbackId": 5, "verificationKey": "A1b2-C3d4"},
        b"{" * 3000,
        b"no json",
    ],
)
def test_what_is_no_probe_is_left_to_the_signature(body: Any) -> None:
    assert handshake(probe(body), None) is None


def test_a_signed_request_is_no_probe() -> None:
    body = {"callbackId": "65b885ab-c2b4-46fe", "verificationKey": "A1b2-C3d4-E5"}
    assert handshake(probe(body, **{"x-sfmc-ens-signature": "x"}), None) is None


def told(**fields: Any) -> list[Any]:
    kind = fields.pop("kind", "TransactionalSendEvents.EmailBounced")
    info = {"to": EMAIL, "messageKey": "mail-1", **fields}
    one = {"eventCategoryType": kind, "timestampUTC": 1793614500000, "info": info}
    return list(parse([one], probe(b""), Source("salesforce", "main")))


@pytest.mark.parametrize(
    ("fields", "permanent"),
    [
        ({"bounceType": "Hard bounce"}, True),
        ({"bounceCategory": "hard"}, True),
        ({"bounceCategory": "Soft bounce"}, False),
        ({}, False),
        ({"kind": "TransactionalSendEvents.EmailNotSent", "category": "hard"}, False),
    ],
)
def test_only_a_hard_bounce_is_for_good(fields: dict[str, str], permanent: bool) -> None:
    (event,) = told(**fields)
    assert event.data.permanent is permanent
    assert event.time == datetime.fromtimestamp(1793614500, UTC)


def test_a_subscriber_key_stands_for_a_missing_address_if_it_is_one() -> None:
    assert told(to=None, subscriberKey="m-1") == []
    (event,) = told(to=None, subscriberKey=EMAIL)
    assert event.data.address == EMAIL


def test_other_kinds_are_left_out_and_nonsense_has_a_reason() -> None:
    assert told(kind="EngagementEvents.EmailOpen") == []
    assert told(kind="AutomationInstance.Completed") == []
    source = Source("salesforce", "main")
    odd: tuple[list[Any], ...] = ([1], [{}], [{"eventCategoryType": 3}], [{}] * 1001)
    for payload in odd:
        with pytest.raises(Unreadable):
            parse(payload, probe(b""), source)


async def test_a_callback_waits_for_the_person_with_the_key(serve: Serve) -> None:
    """The first look registers it and says what to do, the second finishes the work."""
    sandbox = SalesforceSandbox()
    wanted = Wanted(HOOK, SUBSCRIPTIONS.topics)
    async with at_work(serve, sandbox, verification_key=None) as client:
        with pytest.raises(InvalidRequest, match="verification_key"):
            await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
    async with at_work(serve, sandbox) as client:
        done = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
        assert done.secret is not None
        assert done.secret.get_secret_value() == "new-signature-key-1"
        assert (await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)).created == []
    assert len(sandbox.callbacks) == 1


def test_the_answer_is_exactly_200() -> None:
    assert WEBHOOK.acknowledge is not None
    assert WEBHOOK.acknowledge.status == 200


# --- the contracts ---------------------------------------------------------------------------


async def test_the_traffic_fits_what_is_published(serve: Serve) -> None:
    extras, swagger = (
        contract(f"specs/sfmc/{name}.json") for name in ("openapi.extras", "openapi")
    )
    sandbox = SalesforceSandbox()
    traffic = record_traffic(sandbox)
    async with at_work(serve, sandbox) as client:
        for action in ACTIONS:
            await action.run(client, job(sandbox.example(action)))
    wrong: set[str] = set()
    for one in (one for one in traffic if one.status < 300):
        if one.path.startswith("/messaging/"):
            wrong |= set(message_complaints(swagger, one))
        else:
            wrong |= set(complaints_about(extras, one))
    assert wrong == set()
    assert len(traffic) > len(ACTIONS)


def message_complaints(swagger: dict[str, Any], one: Any) -> list[str]:
    """Swagger 2.0 keeps its schemas in `definitions`, which JSON Schema reads as they are."""
    sent, answered = "SendEmailToSingleRecipientRequest", "SendDefinitionToSingleRecipientResponse"
    return [
        f"{name}: {error.message}"
        for name, body in ((sent, one.request), (answered, one.reply))
        for error in Draft202012Validator(
            {"$ref": f"#/definitions/{name}", "definitions": swagger["definitions"]}
        ).iter_errors(json.loads(body))
    ]
