"""BigCommerce: signatures, orders and refunds, attributes, coupons, credit, published facts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.bigcommerce.account import BigCommerceAccount
from connectors.bigcommerce.client import BigCommerceClient
from connectors.bigcommerce.manifest import MANIFEST
from connectors.bigcommerce.orders import order_events
from connectors.bigcommerce.payloads import OrderPayload
from connectors.bigcommerce.sandbox import (
    SANDBOX_ACCOUNT,
    BigCommerceSandbox,
    line_of,
    order_of,
)
from connectors.bigcommerce.triggers import SIGNATURE, STAMP, WEBHOOK, _signed, verify
from connectors.kit.action import Job
from connectors.kit.capabilities import (
    CouponIssue,
    CustomerChange,
    StoreCreditEnd,
    StoreCreditGrant,
)
from connectors.kit.errors import Conflict, InvalidRequest, NotFound, RateLimited
from connectors.kit.payload import read
from connectors.kit.poll import Page
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.webhook import BadSignature, InboundRequest, NoticeKind, Source, decode_json
from loyalty.events import Event, EventType, Order
from tests.connectors.contract import VENDORS, complaints_about, contract, record_traffic

Serve = Callable[[VendorSandbox], Awaitable[str]]
HERE = Source("bigcommerce", "main")
NOW = datetime.now(UTC).replace(microsecond=0)
ORDERED = NOW - timedelta(hours=3)


def account(base_url: str = "https://store.example", **fields: Any) -> BigCommerceAccount:
    return BigCommerceAccount.model_validate({**SANDBOX_ACCOUNT, "base_url": base_url, **fields})


async def run(name: str, client: BigCommerceClient, given: Any, key: str = "job-1") -> Any:
    return await MANIFEST.action(name).run(client, Job(key, given))


def told(
    order: dict[str, Any], *lines: dict[str, Any], refunds: Sequence[dict[str, Any]] = ()
) -> list[Event]:
    found = read(OrderPayload, order)
    products = list(lines) or [line_of(45010)]
    return list(order_events(found, HERE, products=products, coupons=(), refunds=refunds))


def placed(**changes: Any) -> dict[str, Any]:
    return order_of(4501, 7001, ORDERED, ORDERED, **changes)


# --- signatures ------------------------------------------------------------------------------


def hook(body: bytes, one: BigCommerceAccount) -> InboundRequest:
    bare = InboundRequest("POST", "https://hub.example", {}, body, NOW)
    return replace(bare, headers=dict(WEBHOOK.sign(bare, one)))


BODY = b'{"scope": "store/order/created", "producer": "stores/sandbox1", "data": {"id": 1}}'


def test_the_published_vector_is_signed_the_same_way() -> None:
    (vector,) = contract("vectors/bigcommerce.json")["vectors"]
    content = _signed(vector["webhook_id"], vector["webhook_timestamp"], vector["body"].encode())
    key = base64.b64decode(vector["secret_base64"])
    for changed, same in ((content, True), (content + b" ", False)):
        made = base64.b64encode(hmac.digest(key, changed, hashlib.sha256)).decode()
        assert (f"v1,{made}" == vector["expected_header"]) is same


def test_one_of_several_signatures_is_enough() -> None:
    one = account()
    good = hook(BODY, one)
    several = f"v1,AAAA {good.headers[SIGNATURE]}"
    verify(replace(good, headers={**good.headers, SIGNATURE: several}), one)
    with pytest.raises(BadSignature, match="does not match"):
        verify(replace(good, headers={**good.headers, SIGNATURE: "v1,AAAA v1,BBBB"}), one)


def test_the_secret_before_a_rotation_still_counts() -> None:
    old = account(client_secret="an-older-secret")
    rotated = account(previous_client_secret="an-older-secret")
    verify(hook(BODY, old), rotated)
    with pytest.raises(BadSignature):
        verify(hook(BODY, old), account())


@pytest.mark.parametrize(
    ("minutes", "setting", "taken"), [(4, 5, True), (6, 5, False), (20, 30, True)]
)
def test_the_age_is_a_setting(minutes: int, setting: int, taken: bool) -> None:
    one = account(webhook_minutes=setting)
    late = replace(hook(BODY, one), received_at=NOW + timedelta(minutes=minutes))
    if taken:
        verify(late, one)
    else:
        with pytest.raises(BadSignature, match="away from now"):
            verify(late, one)


@pytest.mark.parametrize("stamp", ["", "soon", "1e9", "9" * 30, "²"])
def test_a_time_that_is_none_is_refused(stamp: str) -> None:
    one = account()
    good = hook(BODY, one)
    with pytest.raises(BadSignature):
        verify(replace(good, headers={**good.headers, STAMP: stamp}), one)


def test_another_store_of_the_same_app_is_refused() -> None:
    one = account()
    with pytest.raises(BadSignature, match="'stores/other'"):
        verify(hook(BODY.replace(b"sandbox1", b"other"), one), one)


def test_an_uninstalled_app_is_a_notice() -> None:
    trigger = WEBHOOK.triggers["store/app/uninstalled"]
    assert trigger.notice is not None
    payload = {"scope": "store/app/uninstalled", "producer": "stores/sandbox1"}
    found = trigger.notice(payload, hook(BODY, account()))
    assert found is not None
    assert found.kind is NoticeKind.REVOKED


PUBLISHED = sorted(path.name for path in (VENDORS / "samples" / "bigcommerce").glob("*.json"))


@pytest.mark.skipif(not PUBLISHED, reason="the published payloads are not beside this project")
@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_payload_rings_or_is_ignored(name: str) -> None:
    body = json.dumps(contract(f"samples/bigcommerce/{name}")["body"]).encode()
    scope = WEBHOOK.topic(hook(body, account()), decode_json(body))
    trigger = WEBHOOK.triggers.get(scope)
    rings = scope.startswith(("store/order/", "store/customer/"))
    assert (trigger is not None and trigger.rings) is rings


# --- orders ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "payment", "is_told"),
    [
        (11, "captured", True), (2, "paid", True), (10, "", True), (11, "", True),
        (14, "partially refunded", True), (4, "refunded", True),
        (1, "", False), (7, "", False), (0, "captured", False), (11, "authorized", False),
        (11, "capture pending", False), (12, "held for review", False), (11, "void", False),
    ],
)  # fmt: skip
def test_an_order_counts_when_its_money_is_there(status: int, payment: str, is_told: bool) -> None:
    assert bool(told(placed(status_id=status, payment_status=payment))) is is_told


@pytest.mark.parametrize("status", [5, 6])
def test_what_is_cancelled_or_declined_is_called_off(status: int) -> None:
    assert [event.type for event in told(placed(status_id=status))] == [EventType.ORDER_CANCELLED]


def order_in(*events: Event) -> Order:
    order: Order = events[0].data
    return order


def adds_up(order: Order) -> Decimal:
    lines = sum((line.net for line in order.lines), Decimal(0))
    return lines - order.discount + order.shipping + order.tax


def test_an_order_adds_up_with_discounts_on_the_lines_and_beside_them() -> None:
    off = [{"id": "coupon", "amount": "4.5000", "code": "MILA"}, {"id": "x", "amount": 1}]
    lines = (line_of(1, applied_discounts=off, total_tax="3.7000"), line_of(2))
    order = order_in(
        *told(
            placed(subtotal_ex_tax="48.0000", shipping_cost_ex_tax="5.0000",
                   handling_cost_ex_tax="1.0000", total_ex_tax="46.5000", total_tax="3.7000",
                   total_inc_tax="50.2000", gift_certificate_amount="10.0000"),
            *lines,
        )
    )  # fmt: skip
    assert [line.net for line in order.lines] == [Decimal("18.50"), Decimal("24.00")]
    assert (order.discount, order.shipping) == (Decimal("2.00"), Decimal("6.00"))
    assert adds_up(order) == order.total == Decimal("50.20")
    assert [(one.kind, one.amount) for one in order.tenders] == [
        ("gift_card", Decimal("10.00")), ("other", Decimal("40.20")),
    ]  # fmt: skip


def test_four_decimals_are_rounded_to_the_currency() -> None:
    order = order_in(*told(placed(total_inc_tax="24.0049", default_currency_code="jpy")))
    assert (order.total, order.currency) == (Decimal(24), "JPY")


def test_a_trial_and_a_sold_gift_certificate_are_marked() -> None:
    gift = line_of(3, type="giftcertificate")
    order = order_in(*told(placed(payment_method="Test Payment Gateway"), gift))
    assert order.is_test
    assert order.lines[0].is_gift_card


def test_a_guest_is_known_by_the_address() -> None:
    (event,) = told(placed(customer_id=0))
    assert event.data.customer.id is None
    assert event.subject == "contact:nora@shop.example"
    assert told(placed(customer_id=0, billing_address=None))[0].data.customer is None


def refund(**changes: Any) -> dict[str, Any]:
    plain = {"id": 9, "order_id": 4501, "created": NOW.isoformat(), "total_amount": Decimal(17),
             "items": [{"item_type": "PRODUCT", "item_id": 45010, "quantity": 1},
                       {"item_type": "SHIPPING", "item_id": 4, "requested_amount": 5}],
             "payments": [{"amount": Decimal(17)}]}  # fmt: skip
    return {**plain, **changes}


def test_pieces_given_back_take_back_their_share_of_the_line() -> None:
    line = line_of(45010, applied_discounts=[{"amount": "4.0000"}])
    given = told(placed(), line, refunds=[refund()])[-1].data
    assert (given.amount, given.shipping) == (Decimal("17.00"), Decimal("5.00"))
    assert [(one.line_id, one.quantity, one.amount) for one in given.lines] == [
        ("45010", 1, Decimal("10.00"))
    ]


def test_what_the_provider_declined_was_not_given_back() -> None:
    partly = refund(payments=[{"amount": 7, "is_declined": True}, {"amount": 10}])
    assert told(placed(), refunds=[partly])[-1].data.amount == Decimal(10)
    wholly = refund(payments=[{"amount": 17, "is_declined": True}])
    assert [event.type for event in told(placed(), refunds=[wholly])] == [EventType.ORDER_PAID]


# --- at work ---------------------------------------------------------------------------------


@pytest.fixture
def sandbox() -> BigCommerceSandbox:
    return BigCommerceSandbox()


@pytest.fixture
async def client(serve: Serve, sandbox: BigCommerceSandbox) -> AsyncIterator[BigCommerceClient]:
    one = BigCommerceClient(account(await serve(sandbox)))
    yield one
    await one.aclose()


async def held(client: BigCommerceClient) -> dict[str, str]:
    names = {number: name for name, number in (await client.attributes()).items()}
    values = await client.attribute_values("7001")
    return {names[one["attribute_id"]]: one["attribute_value"] for one in values}


async def test_tags_and_attributes_are_written_cleared_and_kept(
    client: BigCommerceClient, sandbox: BigCommerceSandbox
) -> None:
    who = {"email": "mila.brandt@shop.example"}
    first = CustomerChange(**who, add_tags=("gold", "vip"), fields={"points": 120, "new": True})
    assert (await run("update_customer", client, first)).vendor_id == "7001"
    assert await held(client) == {"points": "120", "new": "yes", "loyalty_tags": "gold, vip"}
    second = CustomerChange(
        phone="+15005550123", add_tags=("Gold", "platinum"), remove_tags=("VIP",),
        fields={"points": None},
    )  # fmt: skip
    await run("update_customer", client, second)
    assert await held(client) == {"new": "yes", "loyalty_tags": "gold, platinum"}
    await run("update_customer", client, CustomerChange(**who, remove_tags=("gold", "platinum")))
    assert await held(client) == {"new": "yes"}


async def test_more_than_ten_values_go_in_parts(
    client: BigCommerceClient, sandbox: BigCommerceSandbox
) -> None:
    many = {f"field {n}": n for n in range(1, 24)}
    await run("update_customer", client, CustomerChange(customer_id="7001", fields=many))
    assert sandbox.calls["PUT /bigcommerce/v3/customers/attribute-values"] == 3
    assert len(await held(client)) == 23


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"customer_id": "7001", "add_tags": ("a,b",)}, InvalidRequest),
        ({"customer_id": "7001", "fields": {"x": "y" * 256}}, InvalidRequest),
        ({"customer_id": "abc", "add_tags": ("a",)}, InvalidRequest),
        ({"customer_id": "99", "fields": {"x": "y"}}, InvalidRequest),
        ({"email": "no@shop.example", "add_tags": ("a",)}, NotFound),
        ({"external_id": "m-1", "add_tags": ("a",)}, NotFound),
    ],
)
async def test_a_change_that_cannot_be_is_refused(
    client: BigCommerceClient, change: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await run("update_customer", client, CustomerChange(**change))


@pytest.mark.parametrize(("there", "left"), [(10.5, 5.5), (5, 0), (3, 0)])
async def test_store_credit_is_taken_back_as_far_as_there_is_any(
    sandbox: BigCommerceSandbox, client: BigCommerceClient, there: float, left: float
) -> None:
    sandbox.credit[7001] = there
    end = StoreCreditEnd(customer_id="7001", amount=Decimal(5), currency="EUR")
    await run("take_store_credit", client, end)
    assert sandbox.credit[7001] == left
    assert await run("take_store_credit", client, end)
    assert sandbox.credit[7001] == max(left - 5, 0)
    with pytest.raises(InvalidRequest, match="credit is in EUR"):
        await run("take_store_credit", client, end.model_copy(update={"currency": "USD"}))


async def test_store_credit_is_added_to_what_is_there(
    client: BigCommerceClient, sandbox: BigCommerceSandbox
) -> None:
    sandbox.credit[7001] = 0.1
    grant = StoreCreditGrant(customer_id="7001", amount=Decimal("0.20"), currency="EUR")
    await run("grant_store_credit", client, grant)
    assert sandbox.credit[7001] == 0.3
    for wrong in ({"currency": "USD"}, {"expires_at": NOW}):
        with pytest.raises(InvalidRequest):
            await run("grant_store_credit", client, grant.model_copy(update=wrong))
    with pytest.raises(NotFound):
        await run("grant_store_credit", client, grant.model_copy(update={"customer_id": "99"}))


def coupon(**changes: Any) -> CouponIssue:
    plain: dict[str, Any] = {"email": "m@shop.example", "code": "MILA-1", "kind": "amount",
                             "value": Decimal("5.50"), "currency": "EUR",
                             "starts_at": NOW}  # fmt: skip
    return CouponIssue(**{**plain, **changes})


async def test_a_coupon_is_sent_as_it_was_meant(
    client: BigCommerceClient, sandbox: BigCommerceSandbox
) -> None:
    ends = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)
    await run("issue_coupon", client, coupon(title="A gift", ends_at=ends, minimum=Decimal(20)))
    made = sandbox.coupons["MILA-1"]
    assert (made["name"], made["type"], made["amount"]) == (
        "A gift MILA-1", "per_total_discount", "5.50",
    )  # fmt: skip
    assert (made["expires"], made["min_purchase"]) == ("Thu, 24 Dec 2026 18:00:00 +0000", "20")
    assert (made["max_uses"], made["max_uses_per_customer"]) == (1, 1)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [("percent", "15", "percentage_discount"), ("free_shipping", "0", "free_shipping")],
)
async def test_each_kind_of_coupon_has_its_type(
    client: BigCommerceClient, sandbox: BigCommerceSandbox, kind: Any, value: str, expected: str
) -> None:
    await run("issue_coupon", client, coupon(kind=kind, value=Decimal(value), currency=None))
    assert sandbox.coupons["MILA-1"]["type"] == expected


async def test_a_code_that_is_taken_is_a_conflict_and_is_found(client: BigCommerceClient) -> None:
    action = MANIFEST.action("issue_coupon")
    assert action.find is not None
    assert await action.find(client, Job("j", coupon())) is None
    made = await run("issue_coupon", client, coupon())
    with pytest.raises(Conflict, match="duplicate"):
        await run("issue_coupon", client, coupon())
    assert await action.find(client, Job("j", coupon())) == made
    with pytest.raises(InvalidRequest, match="in EUR, not USD"):
        await run("issue_coupon", client, coupon(currency="USD"))


async def test_a_pause_is_as_long_as_its_own_header_says(serve: Serve) -> None:
    one = BigCommerceClient(account(await serve(BigCommerceSandbox(calls=1))))
    await one.check()
    with pytest.raises(RateLimited) as caught:
        await one.check()
    await one.aclose()
    assert caught.value.retry_after is not None
    assert timedelta(seconds=20) < caught.value.retry_after <= timedelta(seconds=31)


@pytest.mark.parametrize(
    "body", ['{"title": "No, ann@shop.example", "errors": {"a": "b"}}', "[]", "x"]
)
async def test_a_refusal_says_why_and_names_nobody(
    client: BigCommerceClient, sandbox: BigCommerceSandbox, body: str
) -> None:
    sandbox.faults = [Fault(status=422, body=body)]
    with pytest.raises(InvalidRequest) as caught:
        await client.check()
    assert "ann@shop" not in str(caught.value)
    if body.startswith("{"):
        assert "No, a…@shop.example; b" in str(caught.value)


# --- polling ---------------------------------------------------------------------------------


async def polled(client: BigCommerceClient, cursor: str = "") -> list[Page]:
    assert MANIFEST.poll is not None
    return [
        page async for page in MANIFEST.poll.changed_since(client, HERE, cursor=cursor, now=NOW)
    ]


def keys(pages: list[Page]) -> set[str]:
    return {event.business_key for page in pages for event in page.events}


async def test_orders_that_change_while_they_are_read_are_not_missed(
    client: BigCommerceClient, sandbox: BigCommerceSandbox
) -> None:
    """Between two pages the first order changes, so that all others move up a place."""
    for n in range(230):
        when = ORDERED + timedelta(seconds=n)
        sandbox.place(order_of(n, 7001, when, when))
    seen: set[str] = set()
    async for page in client.changed_orders(ORDERED):
        if not seen:
            sandbox.place(order_of(0, 7001, ORDERED, NOW))
        seen |= {str(one["id"]) for one in page}
    assert seen == {str(n) for n in range(230)}


async def test_many_orders_of_the_same_second_come_to_an_end(
    client: BigCommerceClient, sandbox: BigCommerceSandbox
) -> None:
    for n in range(250):
        sandbox.place(order_of(n, 7001, ORDERED, ORDERED))
    seen = [one["id"] async for page in client.changed_orders(ORDERED) for one in page]
    assert set(seen) == set(range(250))


async def test_an_unreadable_order_does_not_stop_the_others(
    client: BigCommerceClient, sandbox: BigCommerceSandbox
) -> None:
    sandbox.place(order_of(1, 7001, ORDERED, ORDERED, total_inc_tax="much"))
    sandbox.place(order_of(2, 7001, ORDERED, ORDERED, default_currency_code="XXQ"))
    sandbox.place(order_of(3, 7001, ORDERED, ORDERED, coupon_discount="1.0000"))
    sandbox.used[3] = [{"id": 1, "code": "MILA-1"}]
    pages = await polled(client)
    assert keys(pages) == {"bigcommerce/main:order.paid:3"}
    assert [one.split(":")[0] for page in pages for one in page.unreadable] == ["1", "2"]
    (event,) = [event for page in pages for event in page.events]
    assert event.data.codes == ("MILA-1",)


async def test_the_cursor_moves_only_when_all_was_told(
    client: BigCommerceClient, sandbox: BigCommerceSandbox
) -> None:
    sandbox.stage()
    pages = await polled(client, "2026-01-01T00:00:00+00:00")
    assert {page.cursor for page in pages[:-1]} == {"2026-01-01T00:00:00+00:00"}
    assert datetime.fromisoformat(pages[-1].cursor) <= NOW
    assert keys(await polled(client, pages[-1].cursor)) <= keys(pages)


# --- the published facts ---------------------------------------------------------------------


async def test_the_calls_fit_the_published_facts(serve: Serve, sandbox: BigCommerceSandbox) -> None:
    spec = contract("contracts/bigcommerce.json")
    exchanges = record_traffic(sandbox)
    one = BigCommerceClient(account(await serve(sandbox)))
    sandbox.stage()
    await polled(one)
    await run("issue_coupon", one, coupon())
    await run("update_customer", one, CustomerChange(customer_id="7001", fields={"tier": "Gold"}))
    grant = StoreCreditGrant(customer_id="7001", amount=Decimal(5), currency="EUR")
    await run("grant_store_credit", one, grant)
    made = await one.create_hook("store/order/created", "https://hub.example/hooks/x")
    await one.hooks()
    await one.delete_hook(str(made["id"]))
    await one.check()
    await one.aclose()
    unknown = "/v3/orders/payment_actions/refunds"
    wrong = {
        text
        for exchange in exchanges
        if exchange.path != unknown
        for text in complaints_about(spec, exchange, base=exchange.path[:3])
    }
    assert sorted(wrong) == []
    assert len(exchanges) > 12


def test_an_empty_previous_secret_signs_nothing() -> None:
    one = account().model_copy(update={"previous_client_secret": SecretStr("")})
    forged = account().model_copy(update={"client_secret": SecretStr("\0")})
    with pytest.raises(BadSignature):
        verify(hook(BODY, forged), one)
