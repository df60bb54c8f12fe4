"""Smile.io against its sandbox: what the conformance suite cannot know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from connectors.kit.action import Action, Job
from connectors.kit.capabilities import CrmContact, PointsChange
from connectors.kit.errors import (
    AuthError,
    ConnectorBug,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
)
from connectors.kit.poll import Page
from connectors.kit.sandbox import Fault
from connectors.kit.webhook import BadSignature, InboundRequest, Source
from connectors.smile.account import SmileAccount
from connectors.smile.actions import (
    ADJUST_POINTS,
    PURCHASE_REWARD,
    UPSERT_CUSTOMER,
    RewardPurchase,
    find_points,
)
from connectors.smile.client import SmileClient
from connectors.smile.polling import changed_since
from connectors.smile.sandbox import PRODUCT, SANDBOX_ACCOUNT, SmileSandbox
from connectors.smile.triggers import WEBHOOK, verify
from loyalty.events import EventType
from tests.connectors.serving import served

SOURCE = Source("smile", "main")
EMAIL = "mila.brandt@shop.example"


@pytest_asyncio.fixture(scope="module")
async def served_sandbox() -> AsyncIterator[tuple[SmileSandbox, str]]:
    """One server for all tests here: starting and stopping costs more than most of them."""
    sandbox = SmileSandbox()
    async with served(sandbox) as url:
        yield sandbox, url


@pytest.fixture
def sandbox(served_sandbox: tuple[SmileSandbox, str]) -> SmileSandbox:
    sandbox = served_sandbox[0]
    SmileSandbox.__init__(sandbox)
    return sandbox


def account(url: str, **changes: Any) -> SmileAccount:
    return SmileAccount.model_validate({**SANDBOX_ACCOUNT, "base_url": url, **changes})


@pytest_asyncio.fixture
async def client(
    sandbox: SmileSandbox, served_sandbox: tuple[SmileSandbox, str]
) -> AsyncIterator[SmileClient]:
    found = SmileClient(account(served_sandbox[1]))
    yield found
    await found.aclose()


def points(number: int = 120, whom: dict[str, str] | None = None) -> PointsChange:
    given = {"points": number, "reason": "An order", **(whom or {"customer_id": "7001"})}
    return PointsChange.model_validate(given)


async def look(client: SmileClient, cursor: str = "", now: datetime | None = None) -> list[Page]:
    when = now or datetime.now(UTC)
    return [page async for page in changed_since(client, SOURCE, cursor=cursor, now=when)]


# --- points ----------------------------------------------------------------------------------


async def test_points_reach_who_is_known_by_email_only(
    client: SmileClient, sandbox: SmileSandbox
) -> None:
    sent = await ADJUST_POINTS.run(client, Job("k-1", points(whom={"email": EMAIL})))
    (made,) = sandbox.records
    assert (sent.vendor_id, made["customer_id"]) == (str(made["id"]), 7001)
    assert (made["points_change"], made["description"]) == (120, "An order")
    assert sandbox.customers[7001]["points_balance"] == 620


@pytest.mark.parametrize(
    ("whom", "error"),
    [
        ({"email": "nobody@shop.example"}, NotFound),
        ({"phone": "+15005550123"}, NotFound),
        ({"external_id": "m-1"}, NotFound),
        ({"customer_id": "gid://shop/7001"}, InvalidRequest),
        ({"customer_id": "7" * 30}, InvalidRequest),
        ({"customer_id": "7999"}, NotFound),
    ],
)
async def test_somebody_unknown_gets_nothing(
    client: SmileClient, sandbox: SmileSandbox, whom: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await ADJUST_POINTS.run(client, Job("k-1", points(whom=whom)))
    assert not sandbox.records


async def test_more_than_there_are_cannot_be_taken(client: SmileClient) -> None:
    with pytest.raises(InvalidRequest):
        await ADJUST_POINTS.run(client, Job("k-1", points(-501)))


async def test_a_lost_transaction_is_found_on_a_later_page(
    client: SmileClient, sandbox: SmileSandbox
) -> None:
    for key in ("other-1", "other-2"):
        await ADJUST_POINTS.run(client, Job(key, points(5)))
    sandbox.faults = [Fault(status=500, when="after")]
    with pytest.raises(OutcomeUnknown):
        await ADJUST_POINTS.run(client, Job("k-1", points()))
    found = await find_points(client, Job("k-1", points()))
    assert found is not None
    assert found.vendor_id == str(sandbox.transactions[-1]["id"])
    assert await find_points(client, Job("k-2", points())) is None


# --- customers and rewards -------------------------------------------------------------------


async def test_a_record_keeps_the_names_it_has(client: SmileClient, sandbox: SmileSandbox) -> None:
    contact = CrmContact(
        email="Mila.Brandt@shop.example",
        first_name="Mila",
        properties={"balance": Decimal("12.50")},
    )
    sent = await UPSERT_CUSTOMER.run(client, Job("k-1", contact))
    assert sent.vendor_id == "7001"
    (made,) = sandbox.records
    assert made["distinct_id"] == EMAIL
    assert made["properties"] == {"balance": "12.50"}
    assert "last_name" not in made


async def test_a_reward_costs_its_points(client: SmileClient, sandbox: SmileSandbox) -> None:
    purchase = RewardPurchase(email=EMAIL, product=PRODUCT, points=250)
    issued = await PURCHASE_REWARD.run(client, Job("k-1", purchase))
    assert issued.code.startswith("5off-")  # type: ignore[attr-defined]
    assert sandbox.customers[7001]["points_balance"] == 250


@pytest.mark.parametrize(
    ("action", "given", "body"),
    [
        (PURCHASE_REWARD, RewardPurchase(customer_id="7001", product=1), '{"points_purchase": {}}'),
        (ADJUST_POINTS, points(), '{"points_transaction": {"id": "no number"}}'),
        (ADJUST_POINTS, points(), "[]"),
        (UPSERT_CUSTOMER, CrmContact(email=EMAIL), '{"customer_identity": {"id": 1}}'),
    ],
)
async def test_an_answer_of_another_shape_is_a_bug(
    client: SmileClient, sandbox: SmileSandbox, action: Action, given: Any, body: str
) -> None:
    sandbox.faults = [Fault(status=200, body=body)]
    with pytest.raises(ConnectorBug):
        await action.run(client, Job("k-1", given))


async def test_the_budget_of_a_second_is_kept_by_an_error(
    served_sandbox: tuple[SmileSandbox, str], client: SmileClient, sandbox: SmileSandbox
) -> None:
    SmileSandbox.__init__(sandbox, calls=2)
    await client.check()
    await client.check()
    with pytest.raises(RateLimited):
        await client.check()


async def test_a_key_of_nobody_is_refused(served_sandbox: tuple[SmileSandbox, str]) -> None:
    stranger = SmileClient(account(served_sandbox[1], api_key="not-the-key"))
    with pytest.raises(AuthError):
        await stranger.check()
    await stranger.aclose()


# --- the poll --------------------------------------------------------------------------------


async def test_who_joins_is_created_and_who_changes_is_updated(
    client: SmileClient, sandbox: SmileSandbox
) -> None:
    sandbox.stage()
    events = [event for page in await look(client) for event in page.events]
    assert [(event.type, event.key.split(":")[0]) for event in events] == [
        (EventType.CUSTOMER_UPDATED, "7001"),
        (EventType.CUSTOMER_CREATED, "7002"),
    ]
    assert events[0].data.last_name == "Brandt-Weber"
    assert events[1].data.tags == ("smile:member",)
    assert str(events[1].data.birthday) == "1990-05-17"


@pytest.mark.parametrize(("states", "count"), [("member,disabled", 0), ("candidate", 1)])
async def test_candidates_are_told_of_only_where_asked_for(
    sandbox: SmileSandbox, served_sandbox: tuple[SmileSandbox, str], states: str, count: int
) -> None:
    sandbox.stage()
    del sandbox.customers[7001]
    sandbox.customers[7002]["state"] = "candidate"
    found = SmileClient(account(served_sandbox[1], told_states=states))
    events = [event for page in await look(found) for event in page.events]
    await found.aclose()
    assert len(events) == count


async def test_an_unreadable_customer_stops_nobody_else(
    client: SmileClient, sandbox: SmileSandbox
) -> None:
    sandbox.stage()
    sandbox.customers[7003] = {**sandbox.customers[7002], "id": [], "first_name": {}}
    sandbox.customers[7004] = {**sandbox.customers[7002], "id": 7004, "date_of_birth": "05-17"}
    pages = await look(client)
    assert sum(len(page.events) for page in pages) == 3
    (reason,) = [text for page in pages for text in page.unreadable]
    assert "id" in reason
    assert "jonas" not in reason


async def test_the_cursor_moves_after_the_last_page_and_never_past_now(
    client: SmileClient, sandbox: SmileSandbox
) -> None:
    sandbox.stage()
    now = datetime.now(UTC)
    ahead = (now + timedelta(hours=1)).isoformat()
    sandbox.customers[7001]["updated_at"] = ahead
    before = (now - timedelta(days=1)).isoformat()
    pages = await look(client, before, now)
    assert {page.cursor for page in pages[:-1]} == {before}
    assert pages[-1].cursor == now.isoformat()


async def test_a_look_that_finds_nothing_keeps_its_place(client: SmileClient) -> None:
    now = datetime.now(UTC)
    first = (await look(client, "", now))[-1]
    second = (await look(client, first.cursor, now))[-1]
    assert second.cursor == first.cursor == (now - timedelta(days=3)).isoformat()


# --- the webhook -----------------------------------------------------------------------------


def test_without_a_token_every_webhook_is_refused() -> None:
    request = InboundRequest("POST", "", {}, b"{}", datetime.now(UTC), {"token": ""})
    with pytest.raises(BadSignature):
        verify(request, account("https://api.smile.example", hook_token=""))


def test_the_ping_of_the_set_up_is_no_trigger() -> None:
    request = InboundRequest("POST", "", {}, b"", datetime.now(UTC))
    assert WEBHOOK.topic(request, {"topic": "ping", "data": {}}) not in WEBHOOK.triggers
    assert WEBHOOK.topic(request, ["ping"]) == ""


def test_the_address_to_register_carries_the_token() -> None:
    address = WEBHOOK.address("https://hub.example/hooks/smile/main", account("https://x.example"))
    assert address.endswith("?token=sandbox-smile-hook-token")
