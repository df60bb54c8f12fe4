"""QuickBooks Online: what is its own, beyond what the conformance suite asks of everybody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.kit.action import Job
from connectors.kit.capabilities import ReceiptLine, SalesReceipt, Whom
from connectors.kit.errors import (
    AuthError,
    Conflict,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)
from connectors.kit.oauth import MemoryTokens
from connectors.kit.poll import Page
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.webhook import BadSignature, InboundRequest, Source, Unreadable
from connectors.quickbooks.account import QuickbooksAccount
from connectors.quickbooks.actions import ACTIONS
from connectors.quickbooks.client import QuickbooksClient, _explain
from connectors.quickbooks.polling import changed_since
from connectors.quickbooks.receipts import find_customer, find_receipt, write_receipt
from connectors.quickbooks.sandbox import REALM, SANDBOX_ACCOUNT, QuickbooksSandbox, sale_of
from connectors.quickbooks.triggers import WEBHOOK, sign, verify
from tests.connectors.contract import complaints_about, contract, record_traffic

Serve = Callable[[VendorSandbox], Awaitable[str]]
SOURCE = Source("quickbooks", "main")
AT = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
NOW = datetime.now(UTC).replace(microsecond=0)
EMAIL = "mila.brandt@shop.example"
ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "connectors" / "quickbooks" / "samples"
PUBLISHED = ROOT.parent / "shared" / "vendors" / "samples" / "quickbooks"
ACCOUNT = QuickbooksAccount.model_validate(SANDBOX_ACCOUNT)


@asynccontextmanager
async def at_work(
    serve: Serve, sandbox: QuickbooksSandbox, tokens: Any = None, **fields: Any
) -> AsyncIterator[QuickbooksClient]:
    account = sandbox.account_at(await serve(sandbox)) | fields
    client = QuickbooksClient(QuickbooksAccount.model_validate(account), tokens)
    try:
        yield client
    finally:
        await client.aclose()


def sale(**fields: Any) -> SalesReceipt:
    lines = (ReceiptLine(title="Sencha", quantity=2, amount=Decimal("24.00"), sku="S-1"),)
    known = {"email": EMAIL, "number": "1001", "time": AT, "currency": "EUR", "lines": lines}
    known |= {"tax": Decimal("4.56"), "total": Decimal("28.56")}
    return SalesReceipt(**known | fields)


def job(given: Any, key: str = "shopify/main:order.paid:1001:books") -> Job:
    return Job(key, given)


# --- tokens ----------------------------------------------------------------------------------


async def test_a_refresh_token_is_used_once_and_the_next_one_kept(serve: Serve) -> None:
    sandbox, tokens = QuickbooksSandbox(), MemoryTokens()
    async with at_work(serve, sandbox, tokens) as client:
        assert "Aroma House" in await client.check()
        sandbox.token = "ended meanwhile"
        await client.check()
    assert sandbox.calls["POST /quickbooks/oauth2/v1/tokens/bearer"] == 2
    kept = await tokens.read()
    assert kept is not None
    assert kept["refresh"] == sandbox.refresh != SANDBOX_ACCOUNT["refresh_token"]
    async with at_work(serve, sandbox, tokens) as client:
        await client.check()
    assert sandbox.calls["POST /quickbooks/oauth2/v1/tokens/bearer"] == 2


async def test_a_refresh_token_that_was_used_elsewhere_pauses_the_connection(
    serve: Serve,
) -> None:
    sandbox = QuickbooksSandbox()
    sandbox.refresh = "somebody else has it"
    async with at_work(serve, sandbox) as client:
        with pytest.raises(AuthError):
            await client.check()


# --- receipts --------------------------------------------------------------------------------


async def test_a_receipt_is_golden(serve: Serve) -> None:
    sandbox = QuickbooksSandbox()
    extra = (ReceiptLine(title="Cup", quantity=3, amount=Decimal("10.00")),)
    given = sale(
        lines=sale().lines + extra,
        shipping=Decimal("4.90"),
        discount=Decimal("2.40"),
        total=Decimal("41.06"),
        name="Mila Brandt",
        time=datetime(2026, 11, 3, 2, 0, tzinfo=UTC),
    )
    async with at_work(serve, sandbox, zone="America/Los_Angeles", tax_code="TAX") as client:
        booked = await write_receipt(client, job(given))
    assert booked.other_total is None
    made = sandbox.books["SalesReceipt"][booked.vendor_id]
    assert made["DocNumber"] == "1001"
    assert made["TxnDate"] == "2026-11-02"
    assert made["CustomerRef"] == {"value": "7001"}
    assert made["BillEmail"] == {"Address": EMAIL}
    assert made["TxnTaxDetail"] == {"TotalTax": 4.56}
    detail = {"ItemRef": {"value": "19"}, "TaxCodeRef": {"value": "TAX"}}
    kind = {"DetailType": "SalesItemLineDetail"}
    assert made["Line"] == [
        {"Amount": 24.0, "Description": "Sencha S-1", **kind,
         "SalesItemLineDetail": {**detail, "Qty": 2, "UnitPrice": 12.0}},
        {"Amount": 10.0, "Description": "3 x Cup", **kind, "SalesItemLineDetail": detail},
        {"Amount": 4.9, "Description": "Shipping", **kind,
         "SalesItemLineDetail": {**detail, "Qty": 1, "UnitPrice": 4.9}},
        {"Amount": 2.4, "DetailType": "DiscountLineDetail",
         "DiscountLineDetail": {"PercentBased": False}},
    ]  # fmt: skip


async def test_a_lost_receipt_is_found_and_a_resend_books_no_second(serve: Serve) -> None:
    sandbox = QuickbooksSandbox()
    async with at_work(serve, sandbox) as client:
        sandbox.faults[:] = [Fault(status=500, when="after", path="/salesreceipt")]
        with pytest.raises(OutcomeUnknown):
            await write_receipt(client, job(sale()))
        found = await find_receipt(client, job(sale()))
        assert found is not None
        assert (await write_receipt(client, job(sale()))).vendor_id == found.vendor_id
        assert await find_receipt(client, job(sale(), "another")) is None
    assert len(sandbox.books["SalesReceipt"]) == 1
    assert "order.paid" not in json.dumps(sandbox.books["SalesReceipt"])


async def test_what_quickbooks_reckons_otherwise_is_told(serve: Serve) -> None:
    class Automated(QuickbooksSandbox):
        def put(self, entity: str, record: Any, **more: Any) -> Any:
            other = {"TotalAmt": 28.99} if entity == "SalesReceipt" else {}
            return super().put(entity, {**record, **other}, **more)

    async with at_work(serve, Automated()) as client:
        booked = await write_receipt(client, job(sale()))
    assert booked.other_total == Decimal("28.99")


@pytest.mark.parametrize(
    ("fields", "account", "says"),
    [
        ({"total": Decimal("28.57")}, {}, "would not balance"),
        ({}, {"item_id": ""}, "item_id"),
        (
            {"tax": Decimal("0.1234567890123456789"), "total": Decimal("24.1234567890123456789")},
            {},
            "more digits",
        ),
    ],
)
async def test_what_would_spoil_the_accounts_is_not_booked(
    serve: Serve, fields: dict[str, Any], account: dict[str, str], says: str
) -> None:
    sandbox = QuickbooksSandbox()
    async with at_work(serve, sandbox, **account) as client:
        with pytest.raises(InvalidRequest, match=says):
            await write_receipt(client, job(sale(**fields)))
    assert not sandbox.books["SalesReceipt"]


async def test_a_stranger_and_an_ambiguous_address_get_no_customer(serve: Serve) -> None:
    sandbox = QuickbooksSandbox()
    twin = {"Id": "7003", "Active": True, "PrimaryEmailAddr": {"Address": EMAIL}}
    sandbox.put("Customer", twin)
    number = "A-VERY-LONG-ORDER-NUMBER-4711"
    async with at_work(serve, sandbox) as client:
        for email in (EMAIL, "o'hara@shop.example"):
            booked = await write_receipt(client, job(sale(email=email, number=number), email))
            made = sandbox.books["SalesReceipt"][booked.vendor_id]
            assert "CustomerRef" not in made
            assert made["BillEmail"]["Address"] == email
            assert made["DocNumber"] == number[-21:]
            assert await find_receipt(client, job(sale(number=number), email)) == booked


async def test_a_customer_is_found_by_number_or_address(serve: Serve) -> None:
    sandbox = QuickbooksSandbox()
    sandbox.put("Customer", {"Id": "7009", "Active": False, "DisplayName": "Gone"})
    quote = {"Id": "7010", "PrimaryEmailAddr": {"Address": "o'hara@shop.example"}}
    sandbox.put("Customer", quote)
    async with at_work(serve, sandbox) as client:
        for whom in (Whom(customer_id="7001"), Whom(email=EMAIL.upper())):
            found = await find_customer(client, job(whom))
            assert (found.vendor_id, found.name) == ("7001", "Mila Brandt")
            assert found.balance == Decimal("12.5")
        assert (await find_customer(client, job(Whom(email="o'hara@shop.example")))).vendor_id
        for whom in (
            Whom(customer_id="7009"),
            Whom(customer_id="gid://1"),
            Whom(email="x' or '1' = '1"),
            Whom(phone="+15005550123"),
        ):
            with pytest.raises(NotFound):
                await find_customer(client, job(whom))


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "error"),
    [
        ("6240", "ValidationFault", Conflict),
        ("6140", "ValidationFault", Conflict),
        ("5010", "ValidationFault", Conflict),
        ("610", "ValidationFault", NotFound),
        ("2020", "ValidationFault", InvalidRequest),
        ("3200", "AUTHENTICATION", AuthError),
    ],
)
def test_faults_are_told_by_their_codes(code: str, kind: str, error: type[Exception]) -> None:
    detail = {"Message": "No", "Detail": "mila.brandt@shop.example", "code": code}
    body = json.dumps({"Fault": {"Error": [detail], "type": kind}}).encode()
    found = _explain(400, {}, body, True)
    assert type(found) is error
    assert code in str(found)
    assert EMAIL not in str(found)


def test_a_pause_is_a_minute_and_odd_bodies_are_no_faults() -> None:
    found = _explain(429, {}, b"", True)
    assert isinstance(found, RateLimited)
    assert found.retry_after == timedelta(seconds=60)
    for odd in (b"<html>", b"[]", b'{"Fault": []}', b'{"Fault": {"Error": []}}'):
        assert _explain(400, {}, odd, True) is None


# --- the poll --------------------------------------------------------------------------------


async def polled(client: QuickbooksClient, cursor: str = "") -> list[Page]:
    return [page async for page in changed_since(client, SOURCE, cursor=cursor, now=NOW)]


def told(pages: list[Page]) -> list[tuple[str, str]]:
    return [(one.type.value, one.key.split(":")[0]) for page in pages for one in page.events]


async def test_a_sale_in_the_books_is_an_order_to_the_cent(serve: Serve) -> None:
    sandbox = QuickbooksSandbox()
    sandbox.put("SalesReceipt", sale_of("201", "7002"), at=NOW - timedelta(hours=1))
    async with at_work(serve, sandbox) as client:
        pages = await polled(client)
    (event,) = [one for page in pages for one in page.events]
    order = event.data
    assert (order.total, order.tax, order.shipping) == (
        Decimal("31.06"), Decimal("4.56"), Decimal("4.90"),
    )  # fmt: skip
    assert order.discount == Decimal("2.40")
    assert [(one.title, one.quantity, one.net) for one in order.lines] == [
        ("Sencha", 2, Decimal("24.00"))
    ]
    goods = sum(one.net for one in order.lines)
    assert goods + order.shipping + order.tax - order.discount == order.total
    assert (order.customer.id, order.customer.email) == ("7002", "nora.weber@shop.example")


async def test_the_hubs_own_receipts_are_no_news(serve: Serve) -> None:
    """Otherwise each order would earn points twice: at the shop, and in the books."""
    sandbox = QuickbooksSandbox()
    async with at_work(serve, sandbox) as client:
        await write_receipt(client, job(sale()))
        assert told(await polled(client)) == []


async def test_what_is_old_is_not_new_because_somebody_touched_it(serve: Serve) -> None:
    """Bookkeepers sort last year's receipts: they must earn nothing a second year."""
    sandbox = QuickbooksSandbox()
    old = NOW - timedelta(days=400)
    sandbox.put("SalesReceipt", sale_of("77", "7001"), at=old)
    for entity, number in (("SalesReceipt", "77"), ("Customer", "7001")):
        there = sandbox.books[entity][number]
        sandbox.put(entity, there, at=NOW - timedelta(minutes=30))
    async with at_work(serve, sandbox) as client:
        pages = await polled(client)
    assert told(pages) == [("customer.updated", "7001"), ("order.edited", "77")]


async def test_sales_that_the_shop_tells_are_left_to_it(serve: Serve) -> None:
    sandbox = QuickbooksSandbox()
    sandbox.stage()
    async with at_work(serve, sandbox, tells_sales=False) as client:
        assert told(await polled(client)) == [("customer.created", "7002")]


async def test_what_cannot_be_read_stops_nobody_and_the_cursor_goes_on(serve: Serve) -> None:
    sandbox = QuickbooksSandbox()
    at = NOW - timedelta(hours=1)
    sandbox.put("SalesReceipt", {**sale_of("301", "7001"), "TotalAmt": -1}, at=at)
    odd = {**sale_of("302", "7001"), "CurrencyRef": {"value": "??"}}
    sandbox.put("SalesReceipt", odd, at=at + timedelta(minutes=1))
    plain = {**sale_of("303", "7001"), "CurrencyRef": None}
    sandbox.put("SalesReceipt", plain, at=at + timedelta(minutes=2))
    sandbox.put("Customer", {"Id": "7011", "Job": True}, at=at)
    async with at_work(serve, sandbox) as client:
        pages = await polled(client)
        bad = [reason for page in pages for reason in page.unreadable]
        assert [reason.partition(":")[0] for reason in bad] == ["301", "302"]
        assert told(pages) == [("order.paid", "303")]
        people, _, sales = pages[-1].cursor.partition("|")
        assert datetime.fromisoformat(people) == at
        assert datetime.fromisoformat(sales) == at + timedelta(minutes=2)
        assert told(await polled(client, pages[-1].cursor)) == [("order.paid", "303")]


async def test_many_changes_are_read_page_by_page(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.quickbooks.client.PAGE_SIZE", 2)
    sandbox = QuickbooksSandbox()
    for number in range(5):
        record = {"Id": f"80{number}", "GivenName": "Ada"}
        sandbox.put("Customer", record, at=NOW - timedelta(minutes=60 - number))
    async with at_work(serve, sandbox) as client:
        pages = await polled(client)
    assert [key for _, key in told(pages)] == [f"80{number}" for number in range(5)]
    assert [len(page.events) for page in pages] == [2, 2, 1, 0]


# --- webhooks --------------------------------------------------------------------------------


def delivery(payload: Any) -> InboundRequest:
    body = json.dumps(payload).encode()
    plain = InboundRequest("POST", "https://hub.example/hooks/quickbooks/main", {}, body, AT)
    return InboundRequest("POST", plain.url, sign(plain, ACCOUNT), body, AT)


def topic(payload: Any) -> str:
    request = delivery(payload)
    return WEBHOOK.topic(request, WEBHOOK.decode(request.body))


def cloud(kind: str, number: str = "150", time: str = "2026-11-02T10:15:00.179851517Z") -> Any:
    return {"type": kind, "intuitentityid": number, "intuitaccountid": REALM, "time": time}


def legacy(*entities: tuple[str, str, str], realm: str = REALM) -> Any:
    changed = [
        {"name": name, "id": number, "operation": done, "lastUpdated": "2026-11-02T02:15:00-0800"}
        for name, number, done in entities
    ]
    return {"eventNotifications": [{"realmId": realm, "dataChangeEvent": {"entities": changed}}]}


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        ([cloud("qbo.salesreceipt.created.v1")], "SalesReceipt"),
        ([cloud("qbo.customer.merged.v1"), cloud("qbo.salesreceipt.voided.v1")], "SalesReceipt"),
        ([cloud("qbo.customer.created.v1"), cloud("qbo.account.created.v1")], "Customer"),
        ([cloud("qbo.salesreceipt.created.v1"), cloud("qbo.salesreceipt.deleted.v1")],
         "SalesReceipt.deleted"),
        ([cloud("qbo.account.created.v1")], ""),
        (legacy(("Customer", "1", "Create")), "Customer"),
        (legacy(("Customer", "1", "Create"), ("SalesReceipt", "2", "Void")), "SalesReceipt"),
        (legacy(("SalesReceipt", "2", "Delete")), "SalesReceipt.deleted"),
        (legacy(("Account", "1", "Create")), ""),
        ([], ""), ({}, ""), ([None, 7], ""), ({"eventNotifications": [None]}, ""),
        ({"eventNotifications": [{"dataChangeEvent": {"entities": [7]}}]}, ""),
    ],
)  # fmt: skip
def test_both_formats_ring_for_what_matters_most(payload: Any, found: str) -> None:
    assert topic(payload) == found


def gone(payload: Any) -> list[Any]:
    request = delivery(payload)
    verify(request, ACCOUNT)
    decoded = WEBHOOK.decode(request.body)
    return list(WEBHOOK.triggers["SalesReceipt.deleted"].parse(decoded, request, SOURCE))


def test_a_deletion_is_the_same_fact_in_either_format() -> None:
    new = gone([cloud("qbo.salesreceipt.deleted.v1"), cloud("qbo.salesreceipt.deleted.v1")])
    old = gone(legacy(("SalesReceipt", "150", "Delete"), ("SalesReceipt", "151", "Update")))
    assert [one.business_key for one in new] == [one.business_key for one in old]
    assert len(new) == 1
    assert new[0].data.order_id == "150"
    assert old[0].time == datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
    with pytest.raises(Unreadable, match="time"):
        gone([cloud("qbo.salesreceipt.deleted.v1", time="yesterday")])


def test_another_companys_numbers_are_refused() -> None:
    verify(delivery(legacy(("SalesReceipt", "150", "Delete"))), ACCOUNT)
    for payload in (
        legacy(("SalesReceipt", "150", "Delete"), realm="1185883450"),
        [{**cloud("qbo.salesreceipt.deleted.v1"), "intuitaccountid": "310687"}],
        [cloud("qbo.customer.created.v1"),
         {**cloud("qbo.salesreceipt.deleted.v1"), "intuitaccountid": None}],
    ):  # fmt: skip
        with pytest.raises(BadSignature, match="another company"):
            verify(delivery(payload), ACCOUNT)


def test_without_a_verifier_token_nothing_is_heard() -> None:
    silent = ACCOUNT.model_copy(update={"verifier_token": None})
    with pytest.raises(BadSignature, match="no webhook secret"):
        verify(delivery([]), silent)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("cloudevents_account_created", ""),
        ("cloudevents_customer_merged", "Customer"),
        ("cloudevents_salesreceipt_updated", "SalesReceipt"),
        ("customer_create_legacy", "Customer"),
        ("legacy_account_create", ""),
    ],
)
def test_the_published_samples_ring_as_they_should(name: str, found: str) -> None:
    file = PUBLISHED / f"{name}.json"
    if not file.is_file():
        pytest.skip("the vendors' samples are not beside this project")
    body = json.loads(file.read_text("utf-8"))["body"]
    assert topic(body) == found
    with pytest.raises(BadSignature, match="another company"):
        verify(delivery(body), ACCOUNT)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="IANA"):
        QuickbooksAccount.model_validate({**SANDBOX_ACCOUNT, "zone": "Mars/Olympus"})


# --- the contract ----------------------------------------------------------------------------


async def test_all_traffic_but_the_tokens_fits_the_contract(serve: Serve) -> None:
    spec = contract("specs/quickbooks/openapi.json")
    sandbox = QuickbooksSandbox()
    sandbox.stage()
    traffic = record_traffic(sandbox)
    async with at_work(serve, sandbox) as client:
        await client.check()
        await polled(client)
        for action in ACTIONS:
            given = sandbox.example(action)
            await action.run(client, job(action.input.model_validate(given.model_dump())))
            if action.find is not None:
                await action.find(client, job(given))
    asked = [one for one in traffic if not one.path.startswith("/oauth2/")]
    assert len(asked) >= 6
    assert [text for one in asked for text in complaints_about(spec, one)] == []
