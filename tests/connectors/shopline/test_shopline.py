"""SHOPLINE against its sandbox: what the conformance suite cannot know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from connectors.kit.action import Job
from connectors.kit.capabilities import CouponIssue, CustomerChange, PointsChange
from connectors.kit.errors import (
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScopeError,
)
from connectors.kit.poll import Page
from connectors.kit.sandbox import Fault
from connectors.kit.subscriptions import Wanted, ensure
from connectors.kit.webhook import Source
from connectors.shopline.account import ShoplineAccount
from connectors.shopline.actions import ACTIONS, ADJUST_POINTS, ISSUE_COUPON, UPDATE_CUSTOMER
from connectors.shopline.client import ShoplineClient
from connectors.shopline.polling import changed_since
from connectors.shopline.rewards import find_coupon
from connectors.shopline.sandbox import SANDBOX_ACCOUNT, ShoplineSandbox
from connectors.shopline.subscriptions import SUBSCRIPTIONS, TOPICS
from connectors.shopline.version import ADMIN, GRAPHQL
from loyalty.events import EventType
from tests.connectors.contract import Exchange, complaints_about, contract, record_traffic
from tests.connectors.serving import served

SOURCE = Source("shopline", "main")
EMAIL = "mila.brandt@shop.example"
AT = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
Served = tuple[ShoplineSandbox, str, list[Exchange]]


@pytest_asyncio.fixture(scope="module")
async def served_sandbox() -> AsyncIterator[Served]:
    """One server for all tests here: starting and stopping costs more than most of them."""
    sandbox = ShoplineSandbox()
    exchanges = record_traffic(sandbox)
    async with served(sandbox) as url:
        yield sandbox, url, exchanges


@pytest.fixture
def sandbox(served_sandbox: Served) -> ShoplineSandbox:
    sandbox = served_sandbox[0]
    ShoplineSandbox.__init__(sandbox)
    served_sandbox[2].clear()
    return sandbox


def account(url: str, **changes: Any) -> ShoplineAccount:
    return ShoplineAccount.model_validate({**SANDBOX_ACCOUNT, "base_url": url, **changes})


@pytest_asyncio.fixture
async def client(sandbox: ShoplineSandbox, served_sandbox: Served) -> AsyncIterator[ShoplineClient]:
    found = ShoplineClient(account(served_sandbox[1]))
    yield found
    await found.aclose()


async def look(client: ShoplineClient, cursor: str = "", now: datetime | None = None) -> list[Page]:
    when = now or datetime.now(UTC)
    return [page async for page in changed_since(client, SOURCE, cursor=cursor, now=when)]


# --- customers -------------------------------------------------------------------------------


def change(**fields: Any) -> CustomerChange:
    return CustomerChange.model_validate({"customer_id": "7001", "add_tags": ("gold",), **fields})


@pytest.mark.parametrize(
    ("before", "given", "after"),
    [
        ("silver,newsletter", {"remove_tags": ("Silver",)}, "newsletter,gold"),
        ('["silver"]', {"fields": {"tier": "Gold"}}, "silver,gold,loyalty:tier=Gold"),
        ("loyalty:tier=Silver,x", {"fields": {"tier": "Gold"}}, "x,gold,loyalty:tier=Gold"),
        ("loyalty:tier=Silver", {"fields": {"tier": None}}, "gold"),
        ("", {"fields": {"ok": True, "n": Decimal("1.50")}}, "gold,loyalty:ok=true,loyalty:n=1.50"),
        ("a", {"add_tags": ("x, y",)}, "a,x  y"),
        ("other:tier=Silver", {}, "other:tier=Silver,gold"),
    ],
)
async def test_tags_are_changed_and_fields_replaced(
    client: ShoplineClient, sandbox: ShoplineSandbox, before: str, given: Any, after: str
) -> None:
    sandbox.customers["7001"]["tags"] = before
    await UPDATE_CUSTOMER.run(client, Job("k-1", change(**given)))
    assert sandbox.customers["7001"]["tags"] == after


async def test_what_is_so_already_is_not_written(
    client: ShoplineClient, sandbox: ShoplineSandbox
) -> None:
    sandbox.customers["7001"]["tags"] = "gold"
    await UPDATE_CUSTOMER.run(client, Job("k-1", change()))
    assert not sandbox.records


@pytest.mark.parametrize(
    ("whom", "error"),
    [
        ({"email": EMAIL}, None),
        ({"phone": "+15005550123"}, None),
        ({"email": "nobody@shop.example", "phone": "+15005550123"}, None),
        ({"phone": "+495005550123"}, NotFound),
        ({"email": "nobody@shop.example"}, NotFound),
        ({"external_id": "m-1"}, NotFound),
        ({"customer_id": "7999"}, NotFound),
        ({"customer_id": "../orders"}, InvalidRequest),
    ],
)
async def test_a_customer_is_found_or_nobody_is(
    client: ShoplineClient, sandbox: ShoplineSandbox, whom: Any, error: type[Exception] | None
) -> None:
    job = Job("k-1", CustomerChange.model_validate({"add_tags": ("gold",), **whom}))
    if error is None:
        assert (await UPDATE_CUSTOMER.run(client, job)).vendor_id == "7001"
        return
    with pytest.raises(error):
        await UPDATE_CUSTOMER.run(client, job)
    assert not sandbox.records


# --- coupons ---------------------------------------------------------------------------------


def coupon(**changes: Any) -> CouponIssue:
    given = {"customer_id": "7001", "code": "MILA-4711", "kind": "amount", "value": "10.00"}
    return CouponIssue.model_validate({**given, "currency": "EUR", "starts_at": AT, **changes})


@pytest.mark.parametrize(
    ("changes", "amounts", "expected"),
    [
        (
            {"minimum": "30.00", "ends_at": AT + timedelta(days=30)},
            "positive",
            {"value_type": "fixed_amount", "value": "10.00", "target_type": "line_item",
             "allocation_method": "across", "usage_limit": 1, "usage_per_customer": 1,
             "prerequisite_subtotal_range": {"greater_than_or_equal_to": "30.00"},
             "ends_at": "2026-12-02T10:15:00+00:00", "title": "MILA-4711"},
        ),
        ({}, "negative", {"value_type": "fixed_amount", "value": "-10.00"}),
        (
            {"kind": "percent", "value": "15", "uses": 3, "title": "Thanks"},
            "negative",
            {"value_type": "percentage", "value": "15", "usage_limit": 3, "title": "Thanks"},
        ),
        (
            {"kind": "free_shipping", "value": "0"},
            "positive",
            {"value_type": "percentage", "value": "100", "target_type": "shipping_line",
             "allocation_method": "each"},
        ),
    ],
)  # fmt: skip
async def test_a_coupon_is_a_rule_for_one_customer(
    sandbox: ShoplineSandbox, served_sandbox: Served, changes: Any, amounts: str, expected: Any
) -> None:
    found = ShoplineClient(account(served_sandbox[1], amounts=amounts))
    issued = await ISSUE_COUPON.run(found, Job("k-1", coupon(**changes)))
    await found.aclose()
    (made,) = sandbox.records
    assert (issued.vendor_id, made["code"]) == (made["id"], "MILA-4711")
    rule = made["rule"]
    assert expected.items() <= rule.items()
    assert rule["prerequisite_customer_ids"] == ["7001"]
    assert ("usage_per_customer" in rule) is (rule["usage_limit"] == 1)


async def test_a_code_that_is_taken_is_a_conflict(
    client: ShoplineClient, sandbox: ShoplineSandbox
) -> None:
    await ISSUE_COUPON.run(client, Job("k-1", coupon()))
    with pytest.raises(Conflict):
        await ISSUE_COUPON.run(client, Job("k-2", coupon(code="mila-4711")))
    assert len(sandbox.rules) == 1


@pytest.mark.parametrize(("status", "rules"), [(422, 0), (503, 0), (500, 1)])
async def test_a_refused_code_takes_its_rule_along(
    client: ShoplineClient, sandbox: ShoplineSandbox, status: int, rules: int
) -> None:
    sandbox.faults = [Fault(status=status, path="/discount_codes.json")]
    with pytest.raises(ConnectorError):
        await ISSUE_COUPON.run(client, Job("k-1", coupon()))
    assert len(sandbox.rules) == rules


async def test_a_lost_coupon_is_found_by_its_code(
    client: ShoplineClient, sandbox: ShoplineSandbox
) -> None:
    sandbox.faults = [Fault(status=500, when="after", path="/discount_codes.json")]
    with pytest.raises(OutcomeUnknown):
        await ISSUE_COUPON.run(client, Job("k-1", coupon()))
    found = await find_coupon(client, Job("k-1", coupon()))
    assert found is not None
    assert found.vendor_id == sandbox.codes["mila-4711"]["id"]


async def test_another_code_in_the_answer_is_not_this_one(
    client: ShoplineClient, sandbox: ShoplineSandbox
) -> None:
    sandbox.faults = [Fault(status=200, body='{"discount_code": {"id": "1", "code": "OTHER"}}')]
    assert await find_coupon(client, Job("k-1", coupon())) is None


# --- member points ---------------------------------------------------------------------------


def points(number: int = 120) -> PointsChange:
    return PointsChange(customer_id="7001", points=number, reason="x" * 200)


async def test_points_of_one_job_count_once(
    client: ShoplineClient, sandbox: ShoplineSandbox
) -> None:
    sandbox.faults = [Fault(status=500, when="after")]
    with pytest.raises(OutcomeUnknown):
        await ADJUST_POINTS.run(client, Job("k-1", points()))
    await ADJUST_POINTS.run(client, Job("k-1", points()))
    await ADJUST_POINTS.run(client, Job("k-2", points(-20)))
    assert sandbox.points["7001"] == 600
    first, second = sandbox.records
    assert (first["pointsUpdateType"], first["updatedValue"]) == ("INCREASE", "120")
    assert (second["pointsUpdateType"], second["updatedValue"]) == ("DECREASE", "20")
    assert (len(first["businessId"]), len(first["notesCustomers"])) == (64, 128)


ERRORS = '{{"data": {{"pointsUpdate": {{"userErrors": [{{"field": ["{}"], "message": "{}"}}]}}}}}}'


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (ERRORS.format("businessId", "businessId already exists"), None),
        (ERRORS.format("businessId", "is too long"), InvalidRequest),
        (ERRORS.format("input", "not enough points"), InvalidRequest),
        ('{"data": {"pointsUpdate": null}}', ConnectorBug),
        ('{"data": null}', ConnectorBug),
        ('{"errors": [{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}]}', ScopeError),
        ('{"errors": [{"message": "x", "extensions": {"code": "INTERNAL"}}]}', OutcomeUnknown),
        ('{"errors": "Too bad"}', InvalidRequest),
    ],
)
async def test_refusals_with_status_200_are_errors(
    client: ShoplineClient, sandbox: ShoplineSandbox, body: str, error: type[Exception] | None
) -> None:
    sandbox.faults = [Fault(status=200, body=body)]
    if error is None:
        await ADJUST_POINTS.run(client, Job("k-1", points()))
        return
    with pytest.raises(error):
        await ADJUST_POINTS.run(client, Job("k-1", points()))


async def test_more_points_than_there_are_cannot_be_taken(client: ShoplineClient) -> None:
    with pytest.raises(InvalidRequest, match="enough"):
        await ADJUST_POINTS.run(client, Job("k-1", points(-501)))


# --- the poll --------------------------------------------------------------------------------


async def test_everything_is_told_once_and_the_cursor_waits(
    client: ShoplineClient, sandbox: ShoplineSandbox
) -> None:
    sandbox.stage()
    now = datetime.now(UTC)
    before = (now - timedelta(days=1)).isoformat()
    pages = await look(client, before, now)
    kinds = sorted(event.type for page in pages for event in page.events)
    assert kinds.count(EventType.CUSTOMER_CREATED) == 1, "Mila has been there for long"
    assert kinds.count(EventType.ORDER_PAID) == 2
    assert kinds.count(EventType.ORDER_REFUNDED) == 1
    assert {page.cursor for page in pages[:-1]} == {before}
    assert before < pages[-1].cursor <= now.isoformat()


async def test_only_orders_that_say_so_are_asked_for_refunds(
    client: ShoplineClient, sandbox: ShoplineSandbox
) -> None:
    sandbox.stage()
    await look(client)
    asked = [path for path in sandbox.calls if path.endswith("refunds.json")]
    assert [path.split("/")[-2] for path in asked] == ["21057168"]


async def test_an_unreadable_record_stops_no_other(
    client: ShoplineClient, sandbox: ShoplineSandbox
) -> None:
    sandbox.stage()
    good, changed = sandbox.orders
    sandbox.orders = [{**good, "currency": "?"}, {**changed, "id": "21057170"}, changed]
    sandbox.refunds["21057168"].append({"id": "broken", "refund_line_items": "?"})
    sandbox.customers["7003"] = {**sandbox.customers["7002"], "id": None}
    pages = await look(client)
    reasons = [text for page in pages for text in page.unreadable]
    assert len(reasons) == 3
    assert EMAIL not in "".join(reasons)
    kinds = [event.type for page in pages for event in page.events]
    assert kinds.count(EventType.ORDER_REFUNDED) == 1


async def test_a_deleted_order_has_no_refunds(
    client: ShoplineClient, sandbox: ShoplineSandbox
) -> None:
    sandbox.stage()
    sandbox.faults = [Fault(status=404, path="/refunds.json")]
    kinds = [event.type for page in await look(client) for event in page.events]
    assert EventType.ORDER_REFUNDED not in kinds


async def test_too_many_calls_are_an_error(
    client: ShoplineClient, sandbox: ShoplineSandbox
) -> None:
    ShoplineSandbox.__init__(sandbox, calls=1)
    await client.check()
    with pytest.raises(RateLimited):
        await client.check()


# --- the contract ----------------------------------------------------------------------------


async def test_every_path_and_body_is_in_the_published_facts(
    client: ShoplineClient, sandbox: ShoplineSandbox, served_sandbox: Served
) -> None:
    spec = contract("contracts/shopline.json")
    for action in ACTIONS:
        await action.run(client, Job(action.name, sandbox.example(action)))
    for whom in ({"email": EMAIL}, {"phone": "+15005550123"}):
        await UPDATE_CUSTOMER.run(client, Job("k-1", change(customer_id="", **whom)))
    await client.check()
    wanted = Wanted("https://hub.example/hooks/shopline/main", TOPICS)
    await ensure(SUBSCRIPTIONS, client, wanted, now=AT)
    await SUBSCRIPTIONS.delete(client, next(str(one) for one in sandbox.webhooks))
    sandbox.faults = [Fault(status=422, path="/discount_codes.json")]
    with pytest.raises(InvalidRequest):
        await ISSUE_COUPON.run(client, Job("k-2", coupon(code="OTHER-1")))
    sandbox.stage()
    await look(client)
    checked = [one for one in served_sandbox[2] if one.path != GRAPHQL]
    assert len({(one.method, one.path) for one in checked}) > 12
    wrong = {
        text
        for one in checked
        for text in complaints_about(spec, one, base=ADMIN)
        if not text.startswith("query ")  # the facts name no query parameter of any call
    }
    assert wrong == set()
