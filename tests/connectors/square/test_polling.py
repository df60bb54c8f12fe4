"""What a look at Square tells, where the next goes on, and what subscriptions and contract say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from jsonschema import Draft202012Validator

from connectors.kit.action import Job
from connectors.kit.poll import Page
from connectors.kit.registry import manifest
from connectors.kit.sandbox import Fault
from connectors.kit.subscriptions import Wanted, ensure
from connectors.kit.webhook import Source
from connectors.square.polling import changed_since
from connectors.square.subscriptions import SUBSCRIPTIONS
from tests.connectors.contract import complaints_about, contract

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC)
SOURCE = Source("square", "main")
HERE = "https://hub.example/hooks/square/main"


def text(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


def payment(number: int, **changes: Any) -> dict[str, Any]:
    when = text(NOW - timedelta(minutes=number))
    return {
        "id": f"PAY{number}",
        "status": "COMPLETED",
        "location_id": "LHAFENSTRASSE",
        "amount_money": {"amount": 100 * number, "currency": "EUR"},
        "created_at": when,
        "updated_at": when,
        **changes,
    }


async def look(client: Any, cursor: str = "", now: datetime = NOW) -> list[Page]:
    return [page async for page in changed_since(client, SOURCE, cursor=cursor, now=now)]


def keys(pages: list[Page]) -> list[str]:
    return [event.key for page in pages for event in page.events]


async def test_all_pages_are_walked_and_the_cursor_moves_at_the_end(till: Any) -> None:
    till.sandbox.found["payments"] = [payment(number) for number in range(1, 8)]
    cursor = (NOW - timedelta(hours=1)).isoformat()
    pages = await look(till.open(), cursor)
    assert keys(pages) == [f"PAY{number}" for number in range(7, 0, -1)]
    assert {page.cursor for page in pages[:-1]} == {cursor}
    assert pages[-1].cursor == (NOW - timedelta(minutes=1)).isoformat()
    again = await look(till.open(), pages[-1].cursor)
    assert keys(again) == ["PAY3", "PAY2", "PAY1"]


async def test_a_record_that_cannot_be_read_does_not_stop_the_others(till: Any) -> None:
    till.sandbox.found["payments"] = [payment(1), payment(2, amount_money=None), payment(3)]
    pages = await look(till.open())
    assert keys(pages) == ["PAY3", "PAY1"]
    [reason] = [reason for page in pages for reason in page.unreadable]
    assert reason.startswith("PAY2: ")


async def test_orders_are_asked_for_only_where_the_account_wants_their_lines(till: Any) -> None:
    till.sandbox.stage()
    now = datetime.now(UTC)
    for wants, told in ((True, True), (False, False)):
        found = {event.type.value for page in await look(till.open(read_orders=wants), now=now)
                 for event in page.events}  # fmt: skip
        assert ("order.paid" in found) is told
        assert {"payment.completed", "order.refunded"} <= found


async def test_more_than_ten_locations_are_asked_for_in_parts(till: Any) -> None:
    client = till.open()
    till.traffic.clear()
    pages = [page async for page in client.orders([f"L{n}" for n in range(23)], NOW)]
    assert pages == [[], [], []]
    sizes = [len(json.loads(one.request)["location_ids"]) for one in till.traffic]
    assert sizes == [10, 10, 3]


async def test_what_the_hub_did_itself_is_not_told_back(till: Any) -> None:
    def event(number: int, **more: str) -> dict[str, Any]:
        fields = {"type": "ADJUST_POINTS", "source": "SQUARE", "loyalty_account_id": "LOYAL-7001"}
        return {"id": f"E{number}", **fields, "created_at": text(NOW), **more}

    till.sandbox.found["events"] = [
        event(1),
        event(2, source="LOYALTY_API", loyalty_account_id="LOYAL-1"),
        event(3, type="REDEEM_REWARD"),
        event(4, loyalty_account_id="LOYAL-GONE"),
    ]
    pages = await look(till.open())
    told = {event.key: event for page in pages for event in page.events}
    assert set(told) == {"E1", "E3", "E4"}
    assert told["E3"].data.name == "square.redeem_reward"
    assert told["E1"].data.customer.id == "7001"
    assert told["E1"].data.customer.phone == "+15005550123"
    assert told["E4"].data.customer is None
    asked = [one.path for one in till.traffic if "/v2/loyalty/accounts/" in one.path]
    assert len(asked) == 2, "each account is asked for once, and none of our own doing"


async def test_a_seller_without_a_loyalty_programme_is_polled_all_the_same(till: Any) -> None:
    till.sandbox.found["payments"] = [payment(1)]
    body = json.dumps({"errors": [{"code": "INSUFFICIENT_SCOPES", "detail": "No."}]})
    till.sandbox.faults.append(Fault(status=403, body=body, path="loyalty/events"))
    pages = await look(till.open())
    assert keys(pages) == ["PAY1"]
    [reason] = [reason for page in pages for reason in page.unreadable]
    assert reason.startswith("loyalty events: ")
    assert pages[-1].cursor == (NOW - timedelta(minutes=1)).isoformat()


# --- subscriptions ---------------------------------------------------------------------------


async def test_a_subscription_that_was_disabled_is_made_anew_with_its_new_key(till: Any) -> None:
    client = till.open()
    wanted = Wanted(HERE, SUBSCRIPTIONS.topics)
    first = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
    assert first.secret is not None
    [held] = till.sandbox.subscriptions.values()
    assert first.secret.get_secret_value() == held["signature_key"]
    held["enabled"] = False
    second = await ensure(SUBSCRIPTIONS, client, wanted, now=NOW)
    assert [one.id for one in second.removed] == [held["id"]]
    assert second.secret is not None
    assert second.secret != first.secret
    assert len(till.sandbox.subscriptions) == 1


# --- the published contract ------------------------------------------------------------------


async def test_the_traffic_fits_what_square_publishes(till: Any) -> None:
    """All but ListPaymentRefunds, which the stored contract lacks: its items fit the webhook's."""
    spec = contract("specs/square/openapi.json")
    events = contract("specs/square/openapi.events.json")
    sandbox, client = till.sandbox, till.open()
    for action in manifest("square").actions:
        await action.run(client, Job(action.name, sandbox.example(action)))
    sandbox.stage()
    await look(client, now=datetime.now(UTC))
    await ensure(SUBSCRIPTIONS, client, Wanted(HERE, SUBSCRIPTIONS.topics), now=NOW)
    await client.check()
    refunds = [one for one in till.traffic if one.path == "/v2/refunds"]
    others = [one for one in till.traffic if one.path != "/v2/refunds"]
    assert len({one.path for one in others}) >= 14
    assert [text for one in others for text in complaints_about(spec, one)] == []
    schema = {"$ref": "#/components/schemas/PaymentRefund", "components": events["components"]}
    validator = Draft202012Validator(schema)
    listed = [item for one in refunds for item in json.loads(one.reply).get("refunds", [])]
    assert listed
    assert [error.message for item in listed for error in validator.iter_errors(item)] == []
