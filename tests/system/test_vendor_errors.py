"""What vendors answer when they do not take something: as the error tree says, for each."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from deployments.demo.cast import BALM, GIFT_BOX, Person
from deployments.demo.stage import account_fields
from tests.running_hub import until
from tests.system.shop import Bought, Shop
from tests.system.watch import Watch

pytestmark = pytest.mark.durability

NO_SUCH_NUMBER = "+15005550001"
"""Twilio's sandbox refuses it, as Twilio's test credentials do."""


async def member(shop: Shop, watch: Watch) -> Person:
    [buyer] = shop.people(1)
    await shop.sign_up([buyer])
    await watch.worked_off()
    return buyer


async def fates(watch: Watch, bought: Bought) -> dict[str, tuple[str, int]]:
    """By connector: what became of an order's deliveries, and after how many attempts."""
    rows = await watch.rows(
        "select d.connector, d.state, d.attempts from deliveries d"
        " join inbox e on e.id = d.event_id"
        " where e.type = 'order.paid' and e.key = :key and d.state <> 'suppressed'",
        key=str(bought.id),
    )
    return {row.connector: (row.state, row.attempts) for row in rows}


async def test_a_vendor_that_asks_for_a_pause_gets_it_and_no_attempt_is_spent(
    shop: Shop, watch: Watch
) -> None:
    buyer = await member(shop, watch)
    orders = shop.orders([buyer] * 3, [BALM])
    body = '{"code": 20429, "message": "Too Many Requests", "status": 429}'
    before = await calls(watch, "twilio")
    await watch.fail("twilio", {"status": 429, "retry_after": "3", "body": body})
    started = time.monotonic()
    await shop.sell(orders[:1])
    await until(lambda: refused_once(watch, before), 10)
    await shop.sell(orders[1:])
    await asyncio.sleep(1)
    assert await calls(watch, "twilio") == before + 1, "nobody called before the pause was over"
    await watch.worked_off()
    assert time.monotonic() - started >= 3
    for one in orders:
        assert (await fates(watch, one))["twilio"] == ("sent", 1)
        assert (await watch.messages_about(one))["sms"] == 1
    assert await calls(watch, "twilio") == before + 1 + len(orders)


async def refused_once(watch: Watch, before: int) -> bool:
    return await calls(watch, "twilio") == before + 1


async def calls(watch: Watch, vendor: str) -> int:
    """How often a vendor was called."""
    reply = await watch.vendors.get(f"/{vendor}/_sandbox/records")
    return sum(Counter(reply.json()["calls"]).values())


async def test_a_500_is_sent_again_only_where_a_second_message_cannot_come_of_it(
    shop: Shop, watch: Watch
) -> None:
    buyer = await member(shop, watch)
    [bought] = shop.orders([buyer], [GIFT_BOX])
    since = datetime.now(UTC)
    for vendor in ("twilio", "klaviyo", "hubspot"):
        await watch.fail(vendor, {"status": 500})
    await watch.fail("sheets", {"status": 500, "when": "after", "path": ":append"})
    await shop.sell([bought])
    await watch.worked_off()
    assert await fates(watch, bought) == {
        "twilio": ("unknown", 1),
        "klaviyo": ("sent", 2),
        "hubspot": ("sent", 2),
        "sheets": ("sent", 2),
        "slack": ("sent", 1),
    }
    assert await watch.messages_about(bought) == {"event": 1, "row": 1, "chat": 1}
    told = await until(lambda: watch.events("loyalty.delivery.unknown", since), 20)
    assert [one["payload"]["connection"] for one in told] == ["twilio/main"]
    assert buyer.phone(shop.day) not in str(told)


async def test_a_lost_answer_costs_no_second_message(shop: Shop, watch: Watch) -> None:
    """The work was done and the answer never came, at every vendor at once."""
    buyer = await member(shop, watch)
    [newcomer] = shop.people(1)
    [bought] = shop.orders([buyer], [GIFT_BOX])
    silent = {"status": 0, "when": "after"}
    for vendor in ("twilio", "slack", "klaviyo", "hubspot"):
        await watch.fail(vendor, silent)
    await watch.fail("sheets", {**silent, "path": ":append"})
    await watch.fail("smtp", {**silent, "path": "DATA"})
    await shop.sell([bought])
    await watch.worked_off()
    assert await fates(watch, bought) == {
        "twilio": ("unknown", 1),
        "slack": ("unknown", 1),
        "klaviyo": ("sent", 2),
        "hubspot": ("sent", 2),
        "sheets": ("sent", 2),
    }
    assert await watch.messages_about(bought) == {"sms": 1, "chat": 1, "event": 1, "row": 1}

    await shop.sign_up([newcomer])
    await watch.worked_off()
    [welcome] = await watch.rows(
        "select state from deliveries where connector = 'smtp' and target = :to",
        to=newcomer.email(shop.day),
    )
    assert welcome.state == "unknown"
    assert await watch.wrong_messages() == []


async def test_refused_credentials_hold_one_connection_until_they_are_renewed(
    shop: Shop, watch: Watch
) -> None:
    buyer = await member(shop, watch)
    since = datetime.now(UTC)
    orders = shop.orders([buyer] * 5, [BALM])
    await save_credentials(watch, "twilio", auth_token="revoked-by-somebody")
    await shop.sell(orders)
    await until(lambda: held(watch, len(orders)), 15)
    await until(lambda: others_sent(watch, len(orders)), 15)
    for one in orders:
        assert (await fates(watch, one))["twilio"] == ("held", 0)
    assert await states(watch) == {"twilio": "refused"}
    await until(lambda: shown(watch), 15)

    told = await until(lambda: watch.events("loyalty.connection.refused", since), 20)
    await until(lambda: told_in_chat(watch, "twilio/main refuses the hub's credentials"), 30)
    assert [one["payload"]["connection"] for one in told] == ["twilio/main"]

    await save_credentials(watch, "twilio")
    await watch.worked_off(20)
    assert [(await fates(watch, one))["twilio"] for one in orders] == [("sent", 1)] * len(orders)
    assert await states(watch) == {}
    assert len(await watch.events("loyalty.connection.refused", since)) == 1
    assert await watch.wrong_messages() == []


async def test_credentials_that_are_saved_again_as_they_were_are_tried_again(
    shop: Shop, watch: Watch
) -> None:
    """The right was missing at the vendor, and was given there: the credentials are the same."""
    buyer = await member(shop, watch)
    [bought] = shop.orders([buyer], [BALM])
    await watch.fail("hubspot", {"status": 401, "times": 1})
    await shop.sell([bought])
    await until(lambda: refused(watch, "hubspot"), 15)
    await save_credentials(watch, "hubspot")
    await watch.worked_off(20)
    assert (await fates(watch, bought))["hubspot"] == ("sent", 1)


async def test_a_message_that_can_never_be_sent_is_told_to_the_team_in_chat(
    shop: Shop, watch: Watch
) -> None:
    since = datetime.now(UTC)
    [buyer] = shop.people(1)
    await shop.sign_up([buyer], phone=NO_SUCH_NUMBER)
    await watch.worked_off()
    [bought] = shop.orders([buyer], [BALM])
    bought.body["customer"]["phone"] = NO_SUCH_NUMBER
    await shop.sell([bought])
    await watch.worked_off()
    assert (await fates(watch, bought))["twilio"] == ("dead", 1)
    [told] = await until(lambda: watch.events("loyalty.delivery.dead", since), 20)
    assert told["resource"]["prefect.resource.id"] == "loyalty.connection.twilio.main"
    assert NO_SUCH_NUMBER not in str(told)
    line = await until(lambda: told_in_chat(watch, "A delivery through twilio/main is dead"), 30)
    assert len(line) == 1
    assert NO_SUCH_NUMBER not in line[0]


async def save_credentials(watch: Watch, vendor: str, **changed: str) -> None:
    """Saves a connection's block in Prefect, as its UI does."""
    reply = await watch.api.get(
        f"/block_types/slug/{vendor}-credentials/block_documents/name/main",
        params={"include_secrets": True},
    )
    reply.raise_for_status()
    data = account_fields(vendor, watch.hub.settings) | changed
    before = await fingerprint(watch, vendor)
    reply = await watch.api.patch(
        f"/block_documents/{reply.json()['id']}",
        json={"data": data, "merge_existing_data": True},
    )
    reply.raise_for_status()

    async def taken_over() -> bool:
        return await fingerprint(watch, vendor) != before

    await until(taken_over, 15)


async def fingerprint(watch: Watch, vendor: str) -> str:
    rows = await watch.rows(
        "select fingerprint from connections where connector = :vendor", vendor=vendor
    )
    return str(rows[0].fingerprint)


async def states(watch: Watch) -> dict[str, str]:
    """The connections that are not as they should be."""
    rows = await watch.rows("select connector, state from connections where state <> 'active'")
    return {row.connector: row.state for row in rows}


async def refused(watch: Watch, vendor: str) -> bool:
    return await states(watch) == {vendor: "refused"}


async def held(watch: Watch, count: int) -> bool:
    rows = await watch.rows("select count(*) as n from deliveries where state = 'held'")
    return bool(rows[0].n == count)


async def others_sent(watch: Watch, orders: int) -> bool:
    """Whether what goes through other connections is out, for each of the last orders."""
    rows = await watch.rows(
        "select state from deliveries where connector <> 'twilio' and event_id in"
        " (select id from inbox where type = 'order.paid' order by id desc limit :n)",
        n=orders,
    )
    return bool(rows) and {row.state for row in rows} == {"sent"}


async def shown(watch: Watch) -> bool:
    """Whether people see that deliveries wait: in the metrics and on the home page."""
    base = watch.hub.settings.base_url
    metrics = (await watch.vendors.get(f"{base}/metrics")).text
    page = (await watch.vendors.get(f"{base}/")).text
    line = 'hub_deliveries{connection="twilio/main",state="held"} 5.0'
    return line in metrics and "refused" in page and "held" in page


async def told_in_chat(watch: Watch, text: str) -> list[Any]:
    return [one["text"] for one in await watch.records("slack") if text in one["text"]]
