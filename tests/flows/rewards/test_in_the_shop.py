"""A reward's whole life in a shop's stand-in, over HTTP: also where answers are lost in between."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from connectors.kit.registry import manifest
from connectors.kit.sandbox import Fault, VendorSandbox
from connectors.kit.webhook import InboundRequest, Source
from connectors.shopify.sandbox import ShopifySandbox
from connectors.shopify.stand_in import MILA as CUSTOMER
from connectors.shopify.stand_in import OLD_GRANT
from connectors.woocommerce.sandbox import WooCommerceSandbox
from flows.deliver import take
from flows.directory import Directory
from flows.jobs import job_of
from loyalty import reward_events
from loyalty.events import Event
from loyalty.store import deliveries
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from tests.connectors.serving import served
from tests.flows.booking.accounts import PLAIN
from tests.flows.rewards.shelf import RewardDesk, item, programme
from tests.flows.sending.office import Office

MILA: dict[str, Any] = {"id": "7001", "email": "mila.brandt@shop.example", "first_name": "Mila"}
SAMPLES = Path(__file__).parents[3] / "connectors"


@dataclass
class Shop:
    """A booking desk, a sender, and the shop that both know."""

    slug: str
    sandbox: VendorSandbox
    desk: RewardDesk
    office: Office
    member: UUID

    async def ask(self, id: str = "r1") -> None:
        await self.desk.ask(self.member, id=id)

    async def send(self) -> dict[str, int]:
        """Sends what is due through the real connector, then books what follows."""
        hub = self.office.hub()
        await self.office.make_due()
        sender = await self.office.send(hub, self.slug, await self.office.take_due(hub))
        await self.desk.work_off()
        return dict(sender.counts)

    def coupons(self) -> list[dict[str, Any]]:
        return [one for one in self.sandbox.records if one["kind"] == "coupon"]

    def order(self, code: str) -> list[Event]:
        """What the shop's own webhook of an order with the code becomes."""
        connector = self.slug.partition("/")[0]
        topic, sample, codes = _ORDERS[connector]
        body = json.loads((SAMPLES / connector / "samples" / sample).read_bytes())
        body[codes] = [{"code": code, "amount": "5.00", "type": "fixed_amount"}]
        raw = json.dumps(body).encode()
        webhook = manifest(connector).webhook
        assert webhook is not None
        request = InboundRequest("POST", "https://hub.example/", {}, raw, datetime.now(UTC), {})
        trigger = webhook.triggers[topic]
        return list(trigger.parse(webhook.decode(raw), request, Source(connector, "main")))


_ORDERS = {
    "shopify": ("orders/paid", "orders_paid.json", "discount_codes"),
    "woocommerce": ("order.updated", "order_updated.json", "coupon_lines"),
}
_SANDBOXES: dict[str, type[VendorSandbox]] = {
    "shopify": ShopifySandbox,
    "woocommerce": WooCommerceSandbox,
}


async def opened(database: Database, home: Path, connector: str) -> AsyncIterator[Shop]:
    slug = f"{connector}/main"
    sandbox, office = _SANDBOXES[connector](), Office(database, home)
    async with served(sandbox) as base_url:
        await office.connect(slug, sandbox.account_at(base_url))
        desk = RewardDesk(database, now=datetime.now(UTC))
        kinds = ("coupon", "gift_card", "store_credit")
        desk.programme = programme(routes={kind: [slug] for kind in kinds})
        desk.directory = Directory(
            {slug: StoredConnection(connector, "main", "active", "", b"x", "f")}
        )
        await desk.offer(item())
        yield Shop(slug, sandbox, desk, office, await desk.member(300, MILA))
        for hub in office.hubs:
            await hub.clients.aclose()


@pytest_asyncio.fixture(params=["shopify", "woocommerce"])
async def shop(
    request: pytest.FixtureRequest, database: Database, tmp_path: Path
) -> AsyncIterator[Shop]:
    async for found in opened(database, tmp_path, request.param):
        yield found


@pytest_asyncio.fixture
async def shopify(database: Database, tmp_path: Path) -> AsyncIterator[Shop]:
    async for found in opened(database, tmp_path, "shopify"):
        yield found


async def test_from_asking_to_an_order_with_the_code(shop: Shop) -> None:
    await shop.ask()
    assert await shop.send() == {"sent": 1}
    reward = await shop.desk.the_one()
    assert reward.state == "issued"
    [coupon] = shop.coupons()
    assert coupon["code"].upper() == reward.code
    orders = shop.order(reward.code.lower())
    assert [one.type.value for one in orders][:1] in (["order.paid"], ["order.edited"])
    await shop.desk.take(*orders)
    reward = await shop.desk.the_one()
    assert reward.state == "used"
    assert reward.used_on.startswith(f"{shop.slug}:")


async def test_a_void_ends_the_code_in_the_shop(shop: Shop) -> None:
    await shop.ask()
    await shop.send()
    reward = await shop.desk.the_one()
    now = shop.desk.now
    void = reward_events.voided(reward, by="anna", reason="", gives_back=True, now=now)
    await shop.desk.take(void, void)
    assert await shop.send() == {"sent": 1}
    ended = [
        one for one in shop.sandbox.records if one["kind"] in ("coupon_ended", "coupon_changed")
    ]
    assert len(ended) == 1
    if shop.slug == "woocommerce/main":
        assert ended[0]["date_expires"] < "2001"
    assert (await shop.desk.the_one()).state == "voided"
    assert await shop.desk.balance(MILA) == (300, 0)


@pytest.mark.parametrize(
    ("kind", "left"), [("gift_card", ""), ("store_credit", "5.00"), ("store_credit", "2.00")]
)
async def test_a_void_ends_cards_and_takes_what_is_left_of_credit(
    shopify: Shop, kind: str, left: str
) -> None:
    desk, known = shopify.desk, shopify.sandbox
    assert isinstance(known, ShopifySandbox)
    await desk.offer(item("other", kind=kind))
    await desk.ask(shopify.member, "other")
    await shopify.send()
    reward = await desk.the_one()
    if left:
        known.shop.spend(CUSTOMER, Decimal("5.00") - Decimal(left))
    void = reward_events.voided(reward, by="anna", reason="", gives_back=True, now=desk.now)
    await desk.take(void, void)
    assert await shopify.send() == {"sent": 1}
    kinds = [one["kind"] for one in known.records]
    assert kinds == [kind, "store_credit_taken" if left else "gift_card_ended"]
    if left:
        assert known.records[-1]["amount"] == Decimal(left)
        assert known.shop.nodes[OLD_GRANT]["remainingAmount"]["amount"] == "5.00"
    else:
        assert known.records[-1]["id"] == known.records[0]["id"]
    assert await desk.balance(MILA) == (300, 0)


async def test_a_card_whose_answer_was_lost_is_found_by_its_mark_and_ended(shopify: Shop) -> None:
    desk = shopify.desk
    await desk.offer(item("card", kind="gift_card"))
    await desk.ask(shopify.member, "card")
    shopify.sandbox.faults.append(Fault(status=500, when="after"))
    await shopify.send()
    reward = await desk.the_one()
    await desk.rows(
        "update deliveries set state = 'dead', owner = '', lease_until = null where id = :id "
        "returning 1",
        id=reward.delivery_id,
    )
    void = reward_events.voided(reward, by="anna", reason="", gives_back=True, now=desk.now)
    await desk.take(void)
    assert (await desk.the_one()).state == "voided"
    assert await shopify.send() == {"sent": 1}
    assert [one["kind"] for one in shopify.sandbox.records] == ["gift_card", "gift_card_ended"]


async def test_a_void_of_a_code_that_the_shop_has_lost_ends_all_the_same(shop: Shop) -> None:
    await shop.ask()
    await shop.send()
    reward = await shop.desk.the_one()
    known: Any = shop.sandbox
    (known.coupons if shop.slug.startswith("woo") else known.shop.discounts).clear()
    now = shop.desk.now
    await shop.desk.take(
        reward_events.voided(reward, by="anna", reason="", gives_back=False, now=now)
    )
    assert await shop.send() == {"sent": 1}


@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_answer_that_was_lost_makes_no_second_code(shop: Shop, when: Any) -> None:
    await shop.ask()
    shop.sandbox.faults.append(Fault(status=500, when=when, times=2))
    await shop.send()
    assert (await shop.desk.the_one()).state == "held"
    assert await shop.desk.balance(MILA) == (200, 100)
    for _ in range(3):
        await shop.send()
    assert (await shop.desk.the_one()).state == "issued"
    assert len(shop.coupons()) == 1
    assert await shop.desk.balance(MILA) == (200, 0)


async def test_a_worker_killed_after_the_call_and_before_its_note_spends_once(shop: Shop) -> None:
    await shop.office.publish(PLAIN)
    await shop.ask()
    dying = shop.office.hub("dying")
    [delivery] = await shop.office.take_due(dying)
    async with shop.desk.database.begin() as connection:
        await deliveries.begin(connection, [delivery.id], owner="dying", now=dying.clock())
    # The shop has made the code; the worker dies with the answer in its hands.
    await dying.clients.refresh()
    line = dying.clients.line(shop.slug)
    action = line.manifest.action("issue_coupon")
    await action.run(line.client, job_of(action, delivery))
    await shop.desk.rows("delete from workers returning name")

    survivor = shop.office.hub("survivor")
    await shop.office.beat(survivor)
    again, troubles = await take(survivor, 10)
    assert troubles == []
    await shop.office.send(survivor, shop.slug, again)
    await shop.desk.work_off()
    assert (await shop.desk.the_one()).state == "issued"
    assert len(shop.coupons()) == 1
    assert await shop.desk.balance(MILA) == (200, 0)


async def test_a_shop_that_refuses_gives_the_points_back(shopify: Shop) -> None:
    known: Any = shopify.sandbox
    known.shop.customers.clear()
    await shopify.desk.rows(
        "update identities set kind = 'was' where kind = 'customer' returning 1"
    )
    await shopify.ask()
    assert (await shopify.send())["dead"] == 1
    assert (await shopify.desk.the_one()).state == "failed"
    assert await shopify.desk.balance(MILA) == (300, 0)


async def test_a_connection_that_is_refused_keeps_the_points_held(shopify: Shop) -> None:
    await shopify.ask()
    shopify.sandbox.faults.append(Fault(status=401, times=1))
    assert await shopify.send() == {"held": 1}
    assert (await shopify.desk.the_one()).state == "held"
    assert await shopify.desk.balance(MILA) == (200, 100)
    assert shopify.desk.now - (await shopify.desk.the_one()).requested_at < timedelta(minutes=5)
