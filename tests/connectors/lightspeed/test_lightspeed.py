"""Lightspeed: its doorbells, its sales, its rotating tokens, and the published contract."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from connectors.kit.action import Job
from connectors.kit.capabilities import CrmContact, ListMembership, PointsChange
from connectors.kit.errors import AuthError, Conflict, InvalidRequest, NotFound, RateLimited
from connectors.kit.oauth import MemoryTokens
from connectors.kit.poll import Page
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.webhook import BadSignature, InboundRequest, Source, Unreadable
from connectors.lightspeed.account import LightspeedAccount
from connectors.lightspeed.client import LightspeedClient
from connectors.lightspeed.loyalty import session_of
from connectors.lightspeed.manifest import MANIFEST
from connectors.lightspeed.sales import customer_events, sale_events
from connectors.lightspeed.sandbox import (
    PERSONAL_TOKEN,
    SANDBOX_ACCOUNT,
    LightspeedSandbox,
    sale_of,
)
from connectors.lightspeed.triggers import WEBHOOK, decode, topic, verify
from connectors.lightspeed.version import API
from loyalty.events import Channel, ConsentState, Event, EventType
from tests.connectors.contract import complaints_about, contract, record_traffic

Serve = Callable[[VendorSandbox], Awaitable[str]]
HERE = Source("lightspeed", "main")
NOW = datetime.now(UTC).replace(microsecond=0)
WHEN = "2026-11-20T10:15:00+00:00"


def account(base_url: str = "https://till.example", **fields: Any) -> LightspeedAccount:
    return LightspeedAccount.model_validate({**SANDBOX_ACCOUNT, "base_url": base_url, **fields})


async def run(name: str, client: LightspeedClient, given: Any, key: str = "job-1") -> Any:
    return await MANIFEST.action(name).run(client, Job(key, given))


def sold(**changes: Any) -> dict[str, Any]:
    """A sale as it comes out of the client, with Decimals."""
    line = {"id": "4501-1", "product_id": "p-1", "quantity": 2, "price": Decimal("10.08403"),
            "price_total": Decimal("20.16806"), "tax_total": Decimal("3.83194")}  # fmt: skip
    plain = {"id": "4501", "customer_id": "7001", "status": "CLOSED", "sale_date": WHEN,
             "updated_at": WHEN, "total_price": Decimal("20.17"), "total_tax": Decimal("3.83"),
             "line_items": [line], "payments": []}  # fmt: skip
    return {**plain, **changes}


def told(record: dict[str, Any]) -> list[Event]:
    return list(sale_events(record, HERE, "EUR"))


# --- sales -----------------------------------------------------------------------------------


def test_a_closed_sale_is_an_order_whose_lines_are_rounded_to_the_currency() -> None:
    (event,) = told(sold(payments=[{"name": "Gift Card", "amount": 24}]))
    order = event.data
    assert (event.type, event.key, order.total, order.tax) == (
        EventType.ORDER_PAID, "4501", Decimal("24.00"), Decimal("3.83"),
    )  # fmt: skip
    (line,) = order.lines
    assert (line.quantity, line.net, line.unit_price) == (2, Decimal("20.17"), Decimal("10.08"))
    assert [(one.kind, one.amount) for one in order.tenders] == [("gift_card", Decimal("24.00"))]
    assert event.subject == "lightspeed/main:customer:7001"


@pytest.mark.parametrize(
    ("status", "state", "is_told"),
    [
        ("CLOSED", "", True), ("LAYBY_CLOSED", "", True), ("ONACCOUNT_CLOSED", "", True),
        ("DISPATCHED_CLOSED", "", True), ("PICKED_UP_CLOSED", "closed", True),
        ("SAVED", "", False), ("LAYBY", "", False), ("ONACCOUNT", "pending", False),
        ("AWAITING_DISPATCH", "", False), ("CLOSED", "parked", False),
    ],
)  # fmt: skip
def test_only_what_is_closed_counts(status: str, state: str, is_told: bool) -> None:
    assert bool(told(sold(status=status, state=state))) is is_told


def test_a_later_change_is_told_as_an_edit_of_that_moment() -> None:
    later = "2026-11-20T10:20:00+00:00"
    paid, edited = told(sold(updated_at=later))
    assert (paid.key, edited.key) == ("4501", f"4501:{later}")
    assert edited.type is EventType.ORDER_EDITED


def _line(quantity: int, total: str) -> dict[str, Any]:
    return {"id": f"l{quantity}", "quantity": quantity, "price_total": Decimal(total),
            "tax_total": Decimal(0), "is_return": quantity < 0}  # fmt: skip


def test_a_return_takes_back_the_amount_from_the_sale_it_names() -> None:
    back = sold(id="4502", return_for="4501", total_price=Decimal("-10.08"),
                total_tax=Decimal("-1.92"), line_items=[_line(-1, "-10.08403")])  # fmt: skip
    (event,) = told(back)
    assert event.type is EventType.ORDER_REFUNDED
    assert (event.data.order_id, event.data.amount) == ("4501", Decimal("12.00"))


def test_an_exchange_is_both_sold_and_given_back() -> None:
    swap = sold(id="4503", return_for="4501", total_price=Decimal(5), total_tax=Decimal(0),
                line_items=[_line(-1, "-10.00"), _line(1, "15.00")])  # fmt: skip
    paid, refunded = told(swap)
    assert (paid.data.total, refunded.data.amount) == (Decimal(15), Decimal(10))
    assert [line.net for line in paid.data.lines] == [Decimal(15)]


def test_a_return_that_names_no_sale_is_left_to_a_person() -> None:
    with pytest.raises(Unreadable, match="by hand"):
        told(sold(total_price=Decimal(-10), line_items=[_line(-1, "-10.00")]))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, EventType.ORDER_CANCELLED),
        ({"return_for": "1", "payments": [{"name": "Cash", "amount": -5}]},
         EventType.REFUND_REVERSED),
        ({"return_for": "1"}, None),
    ],
)  # fmt: skip
def test_what_is_voided_is_called_off(changes: dict[str, Any], kind: EventType | None) -> None:
    assert [event.type for event in told(sold(status="VOIDED", **changes))] == (
        [kind] if kind else []
    )


def test_weighed_goods_count_as_one_piece() -> None:
    weighed = {**_line(1, "7.49"), "quantity": Decimal("0.305")}
    (event,) = told(sold(line_items=[weighed]))
    assert (event.data.lines[0].quantity, event.data.lines[0].net) == (1, Decimal("7.49"))


def test_only_an_objection_or_an_agreement_says_what_somebody_wants() -> None:
    plain = {"id": "7001", "updated_at": WHEN, "created_at": WHEN, "date_of_birth": "0000-00-00"}
    silent, spoken = (
        next(customer_events({**plain, **said}, HERE)).data
        for said in ({"do_not_email": False},
                     {"do_not_email": True, "enable_promotional_sms": True})
    )  # fmt: skip
    assert silent.consents == {}
    assert silent.birthday is None
    assert spoken.consents == {
        Channel.EMAIL: ConsentState.WITHDRAWN, Channel.SMS: ConsentState.GRANTED,
    }  # fmt: skip
    assert not list(customer_events({**plain, "deleted_at": WHEN}, HERE))


# --- doorbells -------------------------------------------------------------------------------


def _request(body: bytes, **more: Any) -> InboundRequest:
    query = {"token": str(SANDBOX_ACCOUNT["hook_token"])}
    return replace(InboundRequest("POST", "https://hub.example", {}, body, NOW, query), **more)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"payload": '{"id": "1", "invoice_number": "7"}'}, "sale.update"),
        ({"payload": '{"id": "1", "register_sale_products": []}'}, "sale.update"),
        ({"payload": '{"id": "1", "customer_code": "A"}'}, "customer.update"),
        ({"payload": '{"id": "1"}', "type": "product.update"}, "product.update"),
        ({"payload": "[]"}, ""),
    ],
)
def test_the_topic_is_known_without_being_told(form: dict[str, str], expected: str) -> None:
    body = urlencode(form).encode()
    assert topic(_request(body), decode(body)) == expected


@pytest.mark.parametrize("body", [b"", b"{}", b"type=sale.update", b"payload=%7B", b"payload=\xff"])
def test_a_body_of_another_vendor_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(Unreadable):
        decode(body)


def test_a_signature_is_asked_for_where_the_owner_says_so() -> None:
    strict = account(require_signature=True)
    body = b"payload=%7B%7D"
    verify(_request(body), account())
    with pytest.raises(BadSignature, match="missing"):
        verify(_request(body), strict)
    signed = _request(body, headers=dict(WEBHOOK.sign(_request(body), strict)))
    verify(signed, strict)
    with pytest.raises(BadSignature, match="does not match"):
        verify(replace(signed, body=body + b"1"), strict)
    with pytest.raises(BadSignature, match="token"):
        verify(replace(signed, query={}), strict)


# --- the account -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"client_secret": None},
        {"refresh_token": ""},
        {"client_secret": None, "personal_token": "p" * 20, "require_signature": True},
        {"hook_token": "short"},
        {"point_value": 0},
        {"domain_prefix": "a/b"},
        {"custom_fields": ["a", "b", "c", "d", "e"]},
    ],
)
def test_an_account_that_cannot_work_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        account(**fields)


def test_the_address_is_made_of_the_prefix() -> None:
    found = account(domain_prefix=" Aroma-House.retail.lightspeed.app", base_url="")
    assert found.api_url == "https://aroma-house.retail.lightspeed.app"


# --- at work ---------------------------------------------------------------------------------


@pytest.fixture
def sandbox() -> LightspeedSandbox:
    return LightspeedSandbox()


@pytest.fixture
async def client(serve: Serve, sandbox: LightspeedSandbox) -> AsyncIterator[LightspeedClient]:
    one = LightspeedClient(account(await serve(sandbox), point_value="0.01"))
    yield one
    await one.aclose()


async def test_the_refresh_token_is_rotated_and_the_new_one_kept(
    serve: Serve, sandbox: LightspeedSandbox
) -> None:
    url, tokens = await serve(sandbox), MemoryTokens()
    for expires in (False, True):
        one = LightspeedClient(account(url), tokens)
        if expires:
            sandbox.token = "withdrawn"
        assert await one.check() == "The store of 'Aroma House' answers."
        await one.aclose()
    assert sandbox.refresh == "sandbox-lightspeed-refresh-2"
    stranger = LightspeedClient(account(url))  # knows the first refresh token only
    with pytest.raises(AuthError, match="authorise the connection again"):
        await stranger.check()
    await stranger.aclose()


async def test_a_personal_token_needs_no_renewal(serve: Serve, sandbox: LightspeedSandbox) -> None:
    bare = {"client_secret": None, "refresh_token": None, "personal_token": PERSONAL_TOKEN}
    one = LightspeedClient(account(await serve(sandbox), **bare))
    assert "answers" in await one.check()
    await one.aclose()
    assert not sandbox.token


async def test_what_is_not_changed_of_a_customer_stays(
    client: LightspeedClient, sandbox: LightspeedSandbox
) -> None:
    """The stand-in forgets what is not sent, as the vendor may."""
    given = CrmContact(email="Mila.Brandt@shop.example", properties={"tier": "Gold", "note": "tea"})
    assert (await run("upsert_customer", client, given)).vendor_id == "7001"
    after = sandbox.resources["customers"]["7001"]
    assert (after["first_name"], after["mobile"]) == ("Mila", "+15005550123")
    assert after["do_not_email"] is True
    assert (after["custom_field_2"], after["note"]) == ("Gold", "tea")


async def test_somebody_new_is_created_once_and_joins_the_loyalty(
    client: LightspeedClient, sandbox: LightspeedSandbox
) -> None:
    given = CrmContact(email="new@shop.example", phone="+15005550199")
    first = await run("upsert_customer", client, given)
    second = await run("upsert_customer", client, given)
    assert first.vendor_id == second.vendor_id
    made = sandbox.resources["customers"][first.vendor_id]
    assert made["enable_loyalty"] is True
    assert "do_not_email" not in made


async def test_a_property_without_a_place_is_refused_before_anything_is_sent(
    client: LightspeedClient, sandbox: LightspeedSandbox
) -> None:
    given = CrmContact(email="mila.brandt@shop.example", properties={"shoe size": 40})
    with pytest.raises(InvalidRequest, match="'shoe size'"):
        await run("upsert_customer", client, given)
    assert not sandbox.calls


async def test_points_become_currency_and_a_repetition_books_nothing(
    client: LightspeedClient, sandbox: LightspeedSandbox
) -> None:
    given = PointsChange(phone="+15005550123", points=1250, reason="An order")
    first = await run("adjust_loyalty", client, given)
    second = await run("adjust_loyalty", client, given)
    assert first == second
    assert first.balance == 1250
    (booked,) = [one for one in sandbox.records if one["kind"] == "loyalty"]
    assert (booked["credit"], booked["customer_id"], booked["reason"]) == (12.5, "7001", "An order")
    less = await run("adjust_loyalty", client, PointsChange(external_id="m-1", points=-50), "job-2")
    assert less.balance == 1200


async def test_a_refused_adjustment_says_why(client: LightspeedClient) -> None:
    with pytest.raises(InvalidRequest, match="not enough loyalty"):
        await run("adjust_loyalty", client, PointsChange(customer_id="7001", points=-5))
    with pytest.raises(NotFound):
        await run("adjust_loyalty", client, PointsChange(customer_id="nobody", points=5))
    with pytest.raises(NotFound, match="no customer"):
        await run("adjust_loyalty", client, PointsChange(email="no@shop.example", points=5))


async def test_the_same_delivery_with_another_content_is_a_conflict(
    client: LightspeedClient,
) -> None:
    await run("adjust_loyalty", client, PointsChange(customer_id="7001", points=5))
    with pytest.raises(Conflict):
        await run("adjust_loyalty", client, PointsChange(customer_id="7001", points=6))


def test_a_session_is_a_random_uuid_to_look_at_and_the_same_each_time() -> None:
    first = session_of("shopify/main:order.paid:1")
    assert first == session_of("shopify/main:order.paid:1") != session_of("other")
    assert (first[14], first[19] in "89ab") == ("4", True)


@pytest.mark.parametrize("name", ["gold", "g-1"])
async def test_a_group_is_found_by_name_or_id(
    client: LightspeedClient, sandbox: LightspeedSandbox, name: str
) -> None:
    for joins in (True, False):
        given = ListMembership(email="mila.brandt@shop.example", list=name, is_member=joins)
        await run("set_group", client, given)
        there = sandbox.resources["customers"]["7001"]["customer_group_id"]
        assert there == ("g-1" if joins else None)
    with pytest.raises(NotFound, match="no customer group 'Silver'"):
        await run("set_group", client, ListMembership(customer_id="7001", list="Silver"))


async def test_a_pause_until_a_date_is_kept(
    client: LightspeedClient, sandbox: LightspeedSandbox
) -> None:
    later = (datetime.now(UTC) + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    sandbox.faults = [Fault(status=429, retry_after=later, path="/retailer")]
    with pytest.raises(RateLimited) as caught:
        await client.check()
    assert caught.value.retry_after is not None
    assert timedelta(seconds=60) < caught.value.retry_after <= timedelta(seconds=90)


# --- polling ---------------------------------------------------------------------------------


async def polled(client: LightspeedClient, cursor: str = "") -> list[Page]:
    assert MANIFEST.poll is not None
    return [
        page async for page in MANIFEST.poll.changed_since(client, HERE, cursor=cursor, now=NOW)
    ]


def keys(pages: list[Page]) -> list[str]:
    return [event.business_key for page in pages for event in page.events]


async def test_the_first_look_begins_three_days_back(
    client: LightspeedClient, sandbox: LightspeedSandbox
) -> None:
    """Two thousand sales of last year are not read again."""
    for one in range(2_000):
        sandbox.put("sales", sale_of(f"old-{one}", "7001", "1", "2025-01-01T10:00:00+00:00"),
                    at="2025-01-01T10:00:00+00:00")  # fmt: skip
    recent = (NOW - timedelta(hours=5)).isoformat()
    sandbox.put("sales", sale_of("fresh", "7001", "2", recent), at=recent)
    pages = await polled(client)
    assert "lightspeed/main:order.paid:fresh" in keys(pages)
    assert len(keys(pages)) < 120
    assert sum(sandbox.calls.values()) < 150


async def test_a_stop_after_any_page_loses_nothing(
    client: LightspeedClient, sandbox: LightspeedSandbox
) -> None:
    sandbox.stage()
    for one in range(5):
        when = (NOW - timedelta(minutes=50 - one)).isoformat()
        sandbox.put("sales", sale_of(f"s-{one}", "7001", str(one), when), at=when)
    pages = await polled(client)
    everything = keys(pages)
    for stopped, page in enumerate(pages):
        again = await polled(client, page.cursor)
        assert set(keys(pages[: stopped + 1]) + keys(again)) == set(everything)
    assert keys(await polled(client, pages[-1].cursor)) == []


async def test_an_unreadable_sale_does_not_stop_the_others(
    client: LightspeedClient, sandbox: LightspeedSandbox
) -> None:
    sandbox.put("sales", {**sale_of("bad", "7001", "1", WHEN), "total_price": "much"})
    sandbox.put("sales", sale_of("lost", "7001", "3", NOW.isoformat(), quantity=-1))
    sandbox.put("sales", sale_of("good", "7001", "2", NOW.isoformat()))
    pages = await polled(client)
    assert "lightspeed/main:order.paid:good" in keys(pages)
    reasons = [reason for page in pages for reason in page.unreadable]
    assert [reason.split(":")[0] for reason in reasons] == ["bad", "lost"]
    assert "by hand" in reasons[1]


# --- the published contract ------------------------------------------------------------------


async def test_the_calls_fit_the_published_contract(
    serve: Serve, sandbox: LightspeedSandbox
) -> None:
    spec = contract("specs/lightspeed/openapi.json")
    hooks = contract("specs/lightspeed/openapi.webhooks.json")
    exchanges = record_traffic(sandbox)
    one = LightspeedClient(account(await serve(sandbox)))
    sandbox.stage()
    await polled(one)
    await run("upsert_customer", one, CrmContact(email="mila.brandt@shop.example", first_name="M"))
    await run("upsert_customer", one, CrmContact(email="new@shop.example"))
    await run("set_group", one, ListMembership(customer_id="7001", list="Gold"))
    await one.create_webhook("sale.update", "https://hub.example/hooks/lightspeed/main?token=t")
    await one.webhooks()
    await one.aclose()
    checked, wrong = 0, []
    for exchange in exchanges:
        if "/webhooks" in exchange.path:
            old = exchange.path.replace(API, "/api/2.0")
            wrong += complaints_about(hooks, replace(exchange, path=old, status=200))
        elif exchange.path.startswith("/api/1.0"):
            wrong += complaints_about(hooks, exchange)
        else:
            wrong += complaints_about(spec, exchange, base=API)
        checked += 1
    assert sorted(set(wrong)) == []
    assert checked > 10
