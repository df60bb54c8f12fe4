"""What the hub writes to a Shopify shop, and what it makes of Shopify's own refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from connectors.kit.action import Job
from connectors.kit.capabilities import (
    CouponIssue,
    CustomerChange,
    GiftCardEnd,
    GiftCardIssue,
    StoreCreditEnd,
    StoreCreditGrant,
)
from connectors.kit.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScopeError,
)
from connectors.kit.sandbox import Fault
from connectors.kit.webhook import Source, Unreadable
from connectors.shopify.account import ShopifyAccount
from connectors.shopify.actions import (
    DISABLE_GIFT_CARD,
    GRANT_STORE_CREDIT,
    ISSUE_COUPON,
    ISSUE_GIFT_CARD,
    TAKE_STORE_CREDIT,
    UPDATE_CUSTOMER,
)
from connectors.shopify.client import ShopifyClient
from connectors.shopify.polling import changed_since
from connectors.shopify.sandbox import ShopifySandbox
from connectors.shopify.stand_in import MILA, OLD_CARD, OLD_GRANT
from tests.connectors.conftest import Serve
from tests.connectors.contract import Exchange, contract, graphql_complaints

AT = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
NOW = datetime.now(UTC)


@dataclass
class Shop:
    """A client and its stand-in."""

    sandbox: ShopifySandbox
    client: ShopifyClient

    def last(self, kind: str) -> dict[str, Any]:
        return next(one for one in reversed(self.sandbox.records) if one["kind"] == kind)


@pytest_asyncio.fixture
async def shop(serve: Serve) -> AsyncIterator[Shop]:
    sandbox = ShopifySandbox()
    fields = sandbox.account_at(await serve(sandbox))
    client = ShopifyClient(ShopifyAccount.model_validate(fields))
    yield Shop(sandbox, client)
    await client.aclose()


def coupon(**fields: Any) -> CouponIssue:
    given = {"email": "mila.brandt@shop.example", "code": "MILA-1", "starts_at": AT}
    return CouponIssue(**{**given, "value": Decimal(10), "currency": "EUR", **fields})


@pytest.mark.parametrize(
    ("fields", "gets"),
    [
        ({}, {"discountAmount": {"amount": "10", "appliesOnEachItem": False}}),
        ({"kind": "percent", "value": Decimal(15)}, {"percentage": 0.15}),
        ({"kind": "percent", "value": Decimal("12.5")}, {"percentage": 0.125}),
        ({"kind": "free_shipping", "value": Decimal(0)}, None),
    ],
    ids=["amount", "percent", "half a percent", "free shipping"],
)
async def test_a_coupon_is_for_one_customer_and_worth_this(
    shop: Shop, fields: dict[str, Any], gets: dict[str, Any] | None
) -> None:
    job = Job("key", coupon(minimum=Decimal("30.00"), **fields))
    issued = await ISSUE_COUPON.run(shop.client, job)
    discount = shop.last("coupon")["discount"]
    assert discount["context"] == {"customers": {"add": [MILA]}}
    assert discount.get("customerGets", {}).get("value") == gets
    assert discount["minimumRequirement"]["subtotal"]["greaterThanOrEqualToSubtotal"] == "30.00"
    assert (issued.model_dump()["code"], discount["usageLimit"]) == ("MILA-1", 1)


async def test_a_code_that_is_taken_is_a_conflict_and_can_be_found(shop: Shop) -> None:
    job = Job("key", coupon())
    first = await ISSUE_COUPON.run(shop.client, job)
    with pytest.raises(Conflict, match="must be unique"):
        await ISSUE_COUPON.run(shop.client, job)
    assert ISSUE_COUPON.find is not None
    assert await ISSUE_COUPON.find(shop.client, job) == first


async def test_after_a_lost_answer_the_gift_card_is_found_and_no_other(shop: Shop) -> None:
    card = GiftCardIssue(customer_id="7001", code="GIFT-0001", amount=Decimal(25), currency="EUR")
    job = Job("order 1", card)
    shop.sandbox.faults[:] = [Fault(status=500, when="after")]
    with pytest.raises(OutcomeUnknown):
        await ISSUE_GIFT_CARD.run(shop.client, job)
    assert ISSUE_GIFT_CARD.find is not None
    found = await ISSUE_GIFT_CARD.find(shop.client, job)
    assert found is not None
    assert found.vendor_id == shop.last("gift_card")["id"]
    assert found.model_dump()["code"] == "GIFT0001"
    assert await ISSUE_GIFT_CARD.find(shop.client, Job("order 2", card)) is None


@pytest.mark.parametrize("code", ["SHORT", "A" * 21], ids=["short", "long"])
async def test_a_gift_card_code_that_shopify_cannot_have_is_refused(shop: Shop, code: str) -> None:
    card = GiftCardIssue(customer_id="7001", code=code, amount=Decimal(25), currency="EUR")
    with pytest.raises(InvalidRequest, match="8 to 20"):
        await ISSUE_GIFT_CARD.run(shop.client, Job("key", card))


async def test_a_card_is_ended_once_and_one_that_is_gone_counts_as_ended(shop: Shop) -> None:
    end = GiftCardEnd(code="GIFT47000815", issued_id=OLD_CARD)
    for _ in range(2):
        assert (await DISABLE_GIFT_CARD.run(shop.client, Job("key", end))).vendor_id == OLD_CARD
    assert len([one for one in shop.sandbox.records if one["kind"] == "gift_card_ended"]) == 1
    gone = GiftCardEnd(code="GIFT47000816", issued_by="reward:never:issue")
    assert (await DISABLE_GIFT_CARD.run(shop.client, Job("key", gone))).vendor_id == ""


async def test_credit_of_an_unknown_grant_is_taken_whole_or_not_at_all(shop: Shop) -> None:
    end = StoreCreditEnd(customer_id="7001", amount=Decimal("5.00"), currency="EUR")
    await TAKE_STORE_CREDIT.run(shop.client, Job("key", end))
    assert shop.last("store_credit_taken")["amount"] == Decimal("5.00")
    with pytest.raises(InvalidRequest, match="Insufficient funds"):
        await TAKE_STORE_CREDIT.run(shop.client, Job("key", end))


async def test_a_grant_that_was_spent_leaves_nothing_to_take(shop: Shop) -> None:
    shop.sandbox.shop.spend(MILA, Decimal("5.00"))
    known = {"customer_id": "7001", "amount": Decimal("5.00"), "currency": "EUR"}
    end = StoreCreditEnd(**known, issued_id=OLD_GRANT)
    assert (await TAKE_STORE_CREDIT.run(shop.client, Job("key", end))).vendor_id == ""
    assert not shop.sandbox.records


async def test_store_credit_is_granted_exactly(shop: Shop) -> None:
    grant = StoreCreditGrant(phone="+15005550123", amount=Decimal("5.10"), currency="EUR")
    await GRANT_STORE_CREDIT.run(shop.client, Job("key", grant))
    credited = shop.last("store_credit")
    assert credited["creditAmount"] == {"amount": "5.10", "currencyCode": "EUR"}
    assert credited["customer"] == MILA


async def test_tags_and_metafields_become_what_they_should_be(shop: Shop) -> None:
    change = CustomerChange(
        customer_id="7001",
        add_tags=("gold",),
        remove_tags=("silver",),
        fields={"points": 120, "spend": Decimal("10.50"), "is vip": True, "tier": "Gold"},
    )
    await UPDATE_CUSTOMER.run(shop.client, Job("key", change))
    mila = shop.sandbox.shop.customers[MILA]
    assert mila["tags"] == {"gold"}
    assert {key: value for (_, key), value in mila["metafields"].items()} == {
        "points": "120", "spend": "10.50", "is_vip": "true", "tier": "Gold"
    }  # fmt: skip
    await UPDATE_CUSTOMER.run(
        shop.client, Job("key", CustomerChange(customer_id="7001", fields={"tier": None}))
    )
    assert ("loyalty", "tier") not in mila["metafields"]


async def test_somebody_the_shop_does_not_know_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound, match="no customer"):
        await ISSUE_COUPON.run(shop.client, Job("key", coupon(email="nobody@shop.example")))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("THROTTLED", RateLimited),
        ("ACCESS_DENIED", ScopeError),
        ("INTERNAL_SERVER_ERROR", OutcomeUnknown),
        ("undefinedField", InvalidRequest),
    ],
)
async def test_errors_with_status_200_are_errors(
    shop: Shop, code: str, kind: type[Exception]
) -> None:
    body = f'{{"errors": [{{"message": "no", "extensions": {{"code": "{code}"}}}}]}}'
    shop.sandbox.faults[:] = [Fault(status=200, body=body)]
    grant = StoreCreditGrant(customer_id="7001", amount=Decimal(5), currency="EUR")
    with pytest.raises(kind):
        await GRANT_STORE_CREDIT.run(shop.client, Job("key", grant))


# --- the poll --------------------------------------------------------------------------------


async def _walk(shop: Shop, cursor: str) -> list[Any]:
    source = Source("shopify", "main")
    return [one async for one in changed_since(shop.client, source, cursor=cursor, now=NOW)]


async def test_a_record_that_cannot_be_read_stops_no_other(shop: Shop) -> None:
    shop.sandbox.stage()
    shop.sandbox.resources["orders"][0]["currency"] = "euro, as it were"
    pages = await _walk(shop, "")
    assert [reason.partition(":")[0] for page in pages for reason in page.unreadable] == ["4501"]
    keys = {event.business_key for page in pages for event in page.events}
    assert "shopify/main:order.paid:4502" in keys


async def test_a_walk_that_breaks_off_loses_nothing(shop: Shop) -> None:
    """Until the orders are through, no page's cursor goes beyond where the walk began."""
    shop.sandbox.stage()
    start = (NOW - timedelta(days=1)).isoformat()
    pages = await _walk(shop, start)
    assert {page.cursor for page in pages[:-1]} == {pages[0].cursor}
    assert pages[0].cursor <= pages[-1].cursor
    whole = {event.business_key for page in pages for event in page.events}
    for stop in range(len(pages)):
        rest = await _walk(shop, pages[stop].cursor)
        told = {event.business_key for page in pages[: stop + 1] for event in page.events}
        told |= {event.business_key for page in rest for event in page.events}
        assert told == whole


# --- data protection -------------------------------------------------------------------------


@pytest.mark.parametrize("topic", ["customers/redact", "shop/redact", "app/uninstalled"])
def test_a_request_for_data_sent_again_as_another_topic_is_refused(shop: Shop, topic: str) -> None:
    """The topic is not signed: whoever has a genuine request can send it under any name."""
    from connectors.shopify.triggers import WEBHOOK

    body = {
        "shop_id": 1,
        "shop_domain": "aroma-house.myshopify.com",
        "customer": {"id": 7001},
        "data_request": {"id": 9},
    }
    request: Any = None
    with pytest.raises(Unreadable):
        WEBHOOK.triggers[topic].parse(body, request, Source("shopify", "main"))


# --- the contract bites ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "variables", "reply", "says"),
    [
        ("{ shop { nome } }", {}, {"shop": {"nome": "x"}}, "Cannot query field"),
        (
            "query($id: ID!) { customer(id: $id) { id } }",
            {},
            {"customer": None},
            "variables: ",
        ),
        ("{ shop { name } }", {}, {"shop": {}}, "reply: "),
        ("{ shop { name } }", {}, {"shop": {"name": "x"}}, ""),
    ],
    ids=["a field that is not there", "a variable that lacks", "a reply that lacks", "right"],
)
def test_graphql_that_the_schema_does_not_have_is_complained_about(
    query: str, variables: dict[str, Any], reply: dict[str, Any], says: str
) -> None:
    import orjson

    text = contract("specs/shopify/admin.2026-07.graphql")["graphql"]
    sent = orjson.dumps({"query": query, "variables": variables})
    exchange = Exchange("POST", "/x", "", {}, sent, 200, orjson.dumps({"data": reply}))
    found = graphql_complaints(text, exchange)
    assert any(says in one for one in found) if says else found == []
