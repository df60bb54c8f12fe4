"""Yotpo Loyalty against its sandbox: what the conformance suite cannot know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from pydantic import ValidationError

from connectors.kit.action import Job
from connectors.kit.capabilities import CrmContact, PointsChange, TrackedEvent
from connectors.kit.errors import (
    ConnectorBug,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Transient,
)
from connectors.kit.poll import Page
from connectors.kit.sandbox import Fault
from connectors.kit.webhook import BadSignature, InboundRequest, Source, Unreadable
from connectors.yotpo.account import YotpoAccount
from connectors.yotpo.actions import (
    ACTIONS,
    ADJUST_POINTS,
    RECORD_ACTION,
    REDEEM_POINTS,
    UPSERT_CUSTOMER,
    RewardRedemption,
    find_action,
    find_points,
)
from connectors.yotpo.client import RECENT, YotpoClient
from connectors.yotpo.polling import changed_since
from connectors.yotpo.sandbox import MILA, SANDBOX_ACCOUNT, YotpoSandbox
from connectors.yotpo.triggers import WEBHOOK, verify
from loyalty.events import Activity, Event, EventType, Redemption
from tests.connectors.contract import Exchange, complaints_about, contract, record_traffic
from tests.connectors.serving import served

SOURCE = Source("yotpo", "main")
AT = datetime(2026, 11, 2, 10, 15, tzinfo=UTC)
Served = tuple[YotpoSandbox, str, list[Exchange]]


@pytest_asyncio.fixture(scope="module")
async def served_sandbox() -> AsyncIterator[Served]:
    """One server for all tests here: starting and stopping costs more than most of them."""
    sandbox = YotpoSandbox()
    exchanges = record_traffic(sandbox)
    async with served(sandbox) as url:
        yield sandbox, url, exchanges


@pytest.fixture
def sandbox(served_sandbox: Served) -> YotpoSandbox:
    sandbox = served_sandbox[0]
    YotpoSandbox.__init__(sandbox)
    served_sandbox[2].clear()
    return sandbox


def account(url: str = "https://yotpo.example", **changes: Any) -> YotpoAccount:
    return YotpoAccount.model_validate({**SANDBOX_ACCOUNT, "base_url": url, **changes})


@pytest_asyncio.fixture
async def client(sandbox: YotpoSandbox, served_sandbox: Served) -> AsyncIterator[YotpoClient]:
    found = YotpoClient(account(served_sandbox[1]))
    yield found
    await found.aclose()


def points(number: int = 120, whom: dict[str, str] | None = None) -> PointsChange:
    given = {"points": number, "reason": "An order", **(whom or {"customer_id": "7001"})}
    return PointsChange.model_validate(given)


async def look(client: YotpoClient, cursor: str = "", now: datetime | None = None) -> list[Page]:
    when = now or datetime.now(UTC)
    return [page async for page in changed_since(client, SOURCE, cursor=cursor, now=when)]


def told(pages: list[Page]) -> list[Event]:
    return [event for page in pages for event in page.events]


# --- actions ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("whom", "sent"),
    [
        ({"customer_id": "7001", "email": "x@y.example"}, {"customer_id": "7001"}),
        ({"email": MILA}, {"customer_email": MILA}),
        ({"phone": "+15005550123"}, {"customer_email": MILA}),
    ],
)
async def test_points_name_the_customer_as_yotpo_knows_them(
    client: YotpoClient, sandbox: YotpoSandbox, whom: dict[str, str], sent: dict[str, str]
) -> None:
    held = await ADJUST_POINTS.run(client, Job("k-1", points(whom=whom)))
    (made,) = sandbox.records
    assert sent.items() <= made.items()
    assert made["apply_adjustment_to_points_earned"] is False
    assert held.balance == sandbox.customers[MILA]["points_balance"] == 620  # type: ignore[attr-defined]


@pytest.mark.parametrize(("number", "counts"), [(120, True), (-120, False)])
async def test_given_points_count_towards_tiers_where_it_is_set(
    sandbox: YotpoSandbox, served_sandbox: Served, number: int, counts: bool
) -> None:
    found = YotpoClient(account(served_sandbox[1], counts_as_earned=True))
    await ADJUST_POINTS.run(found, Job("k-1", points(number)))
    await found.aclose()
    assert sandbox.records[0]["apply_adjustment_to_points_earned"] is counts


@pytest.mark.parametrize(
    "whom", [{"email": "nobody@shop.example"}, {"external_id": "m-1"}, {"phone": "+15005550199"}]
)
async def test_somebody_unknown_gets_nothing(
    client: YotpoClient, sandbox: YotpoSandbox, whom: dict[str, str]
) -> None:
    with pytest.raises(NotFound):
        await ADJUST_POINTS.run(client, Job("k-1", points(whom=whom)))
    assert not sandbox.records


async def test_more_than_there_are_cannot_be_taken(client: YotpoClient) -> None:
    with pytest.raises(InvalidRequest):
        await ADJUST_POINTS.run(client, Job("k-1", points(-501)))


async def test_a_lost_adjustment_is_found_by_its_mark(
    client: YotpoClient, sandbox: YotpoSandbox
) -> None:
    sandbox.faults = [Fault(status=500, when="after")]
    with pytest.raises(OutcomeUnknown):
        await ADJUST_POINTS.run(client, Job("k-1", points()))
    found = await find_points(client, Job("k-1", points()))
    assert found is not None
    assert found.balance == 620
    assert await find_points(client, Job("k-2", points())) is None


async def test_a_busy_record_is_tried_again(client: YotpoClient, sandbox: YotpoSandbox) -> None:
    sandbox.faults = [Fault(status=423, body='{"error": "locked"}')]
    with pytest.raises(Transient):
        await ADJUST_POINTS.run(client, Job("k-1", points()))


async def test_a_record_keeps_what_is_not_known_and_no_consent_is_sent(
    client: YotpoClient, sandbox: YotpoSandbox
) -> None:
    properties = {"tags": "gold", "points": 120, "country_iso_code": ""}
    contact = CrmContact(email=MILA, first_name="Mila", properties=properties)
    sent = await UPSERT_CUSTOMER.run(client, Job("k-1", contact))
    assert sent.vendor_id == "7001"
    (made,) = sandbox.records
    del made["kind"]
    assert made == {"email": MILA, "first_name": "Mila", "tags": "gold"}


def event(**changes: Any) -> TrackedEvent:
    return TrackedEvent(**{"name": "Wrote a review", "time": AT, "email": MILA, **changes})


async def test_an_action_tells_when_it_was_done(client: YotpoClient, sandbox: YotpoSandbox) -> None:
    await RECORD_ACTION.run(client, Job("k-1", event(properties={"reward_points": 40})))
    (made,) = sandbox.records
    assert (made["type"], made["action_name"]) == ("CustomAction", "Wrote a review")
    assert (made["created_at"], made["reward_points"]) == ("2026-11-02T10:15:00+00:00", 40)
    assert await find_action(client, Job("k-1", event())) is not None
    assert await find_action(client, Job("k-1", event(email="nobody@shop.example"))) is None


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"email": "", "external_id": "m-1"}, NotFound),
        ({"properties": {"reward_points": 0}}, InvalidRequest),
        ({"properties": {"reward_points": "many"}}, InvalidRequest),
        ({"properties": {"reward_points": True}}, InvalidRequest),
    ],
)
async def test_an_action_that_cannot_be_sent_is_explained(
    client: YotpoClient, sandbox: YotpoSandbox, changes: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        await RECORD_ACTION.run(client, Job("k-1", event(**changes)))
    assert not sandbox.records


async def test_a_redemption_gives_its_code(client: YotpoClient, sandbox: YotpoSandbox) -> None:
    issued = await REDEEM_POINTS.run(client, Job("k-1", RewardRedemption(email=MILA, option=301)))
    assert issued.code == f"Y{issued.vendor_id}"  # type: ignore[attr-defined]
    assert sandbox.customers[MILA]["points_balance"] == 400


async def test_an_answer_of_another_shape_is_a_bug(
    client: YotpoClient, sandbox: YotpoSandbox
) -> None:
    sandbox.faults = [Fault(status=200, body="[1]")]
    with pytest.raises(ConnectorBug):
        await ADJUST_POINTS.run(client, Job("k-1", points()))
    sandbox.faults = [Fault(status=200, body='{"id": 1}')]
    with pytest.raises(ConnectorBug):
        await client.check()


async def test_an_empty_answer_to_a_write_is_one(
    client: YotpoClient, sandbox: YotpoSandbox
) -> None:
    sandbox.faults = [Fault(status=200)]
    held = await ADJUST_POINTS.run(client, Job("k-1", points()))
    assert held.balance is None  # type: ignore[attr-defined]


async def test_too_many_calls_are_an_error(client: YotpoClient, sandbox: YotpoSandbox) -> None:
    YotpoSandbox.__init__(sandbox, calls=1)
    await client.check()
    with pytest.raises(RateLimited):
        await client.check()


# --- the poll --------------------------------------------------------------------------------


async def test_points_and_redemptions_are_reported(
    client: YotpoClient, sandbox: YotpoSandbox
) -> None:
    sandbox.stage()
    events = told(await look(client))
    assert {event.type for event in events} == {EventType.ACTIVITY_REPORTED}
    names = [event.data.name for event in sorted(events, key=lambda one: one.time)]
    assert names == ["yotpo:points_awarded", "yotpo:points_redeemed"]
    assert all(event.data.customer.id == "7001" for event in events)
    assert MILA not in "".join(event.business_key for event in events)


async def test_redemptions_are_booked_where_it_is_set(
    sandbox: YotpoSandbox, served_sandbox: Served
) -> None:
    sandbox.stage()
    found = YotpoClient(account(served_sandbox[1], redemptions="booked"))
    events = told(await look(found))
    await found.aclose()
    kinds = {type(event.data): event for event in events}
    assert set(kinds) == {Activity, Redemption}
    booked = kinds[Redemption]
    assert (booked.type, booked.data.points) == (EventType.REWARD_REDEEMED, 100)
    assert booked.data.id == booked.key


async def test_what_the_hub_did_itself_is_no_news(
    client: YotpoClient, sandbox: YotpoSandbox
) -> None:
    await ADJUST_POINTS.run(client, Job("k-1", points()))
    await RECORD_ACTION.run(client, Job("k-2", event(time=datetime.now(UTC))))
    assert told(await look(client)) == []


async def test_only_what_is_approved_and_worth_something_counts(
    client: YotpoClient, sandbox: YotpoSandbox
) -> None:
    now = datetime.now(UTC)
    for status in ("Pending", "Declined", "approved"):
        sandbox.write_history(MILA, "Wrote a review", 25, now)["status"] = status
    sandbox.write_history(MILA, "Looked around", 0, now)
    assert len(told(await look(client))) == 1


async def test_equal_lines_without_an_id_are_two_facts(
    client: YotpoClient, sandbox: YotpoSandbox
) -> None:
    now = datetime.now(UTC)
    for _ in range(2):
        del sandbox.write_history(MILA, "Shared", 5, now)["id"]
    first = {event.key for event in told(await look(client))}
    assert len(first) == 2
    del sandbox.write_history(MILA, "Shared", 5, now)["id"]
    second = {event.key for event in told(await look(client))}
    assert first < second


async def test_a_line_that_cannot_be_read_stops_nothing(
    client: YotpoClient, sandbox: YotpoSandbox
) -> None:
    sandbox.stage()
    lines = sandbox.customers[MILA]["history_items"]
    lines += [{"action": "?", "points": 5, "date": "06/23/2026"}, "nonsense", {"points": "x"}]
    sandbox.customers["broken"] = {**sandbox.customers[MILA], "email": []}
    pages = await look(client)
    reasons = [text for page in pages for text in page.unreadable]
    assert (len(told(pages)), len(reasons)) == (2, 4)
    assert MILA not in "".join(reasons)


async def test_a_poll_that_is_cut_says_so(sandbox: YotpoSandbox, served_sandbox: Served) -> None:
    sandbox.stage()
    found = YotpoClient(account(served_sandbox[1], recent_customers=1))
    pages = await look(found)
    await found.aclose()
    asked = [one for one in sandbox.calls if one.endswith("/customers")]
    assert sum(sandbox.calls[one] for one in asked) == 1
    assert len(told(pages)) == 2
    assert "recent_customers" in pages[-1].unreadable[0]


async def test_the_next_look_begins_an_hour_before_the_last(
    client: YotpoClient, sandbox: YotpoSandbox
) -> None:
    now = datetime.now(UTC)
    sandbox.write_history(MILA, "Late", 5, now - timedelta(minutes=59))
    sandbox.write_history(MILA, "Too late", 5, now - timedelta(minutes=61))
    pages = await look(client, now.isoformat(), now)
    assert len(told(pages)) == 1
    assert {page.cursor for page in pages} == {now.isoformat()}


# --- the webhook -----------------------------------------------------------------------------


def request(**changes: Any) -> InboundRequest:
    headers = {"x-api-secret": SANDBOX_ACCOUNT["proof_header_value"]}
    given = {"headers": headers, "query": {"token": SANDBOX_ACCOUNT["hook_token"]}, **changes}
    return InboundRequest("POST", "", body=b"{}", received_at=AT, **given)


def test_the_header_is_required_where_it_is_set() -> None:
    verify(request(), account())
    with pytest.raises(BadSignature, match="x-api-secret"):
        verify(request(headers={}), account())
    bare = account(proof_header="", proof_header_value=None)
    verify(request(headers={}), bare)
    with pytest.raises(BadSignature, match="token"):
        verify(request(query={}), bare)


@pytest.mark.parametrize(
    "changes", [{"proof_header": ""}, {"proof_header_value": None}, {"guid": "two words"}]
)
def test_a_half_set_account_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        account(**changes)


@pytest.mark.parametrize("body", [b"[]", b"hello", b"\xff"])
def test_what_is_no_object_is_refused_with_a_reason(body: bytes) -> None:
    with pytest.raises(Unreadable):
        WEBHOOK.decode(body)


# --- the contract ----------------------------------------------------------------------------


async def test_every_call_but_the_list_of_recent_customers_fits_the_contract(
    client: YotpoClient, sandbox: YotpoSandbox, served_sandbox: Served
) -> None:
    spec = contract("specs/yotpo/openapi.json")
    for action in ACTIONS:
        await action.run(client, Job(action.name, sandbox.example(action)))
    await find_points(client, Job("k-1", points()))
    await client.check()
    sandbox.stage()
    await look(client)
    checked = [one for one in served_sandbox[2] if one.path != RECENT]
    assert len(checked) > len(ACTIONS)
    assert [text for one in checked for text in complaints_about(spec, one, base="/api/v2")] == []
