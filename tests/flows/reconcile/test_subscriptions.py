"""Subscriptions at real stand-ins: made once, renewed, moved, refused, deaf."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from connectors.kit.registry import manifest
from connectors.kit.sandbox import Fault
from connectors.salesforce.sandbox import SalesforceSandbox
from connectors.shopify.sandbox import ShopifySandbox
from flows.clients import account_of
from flows.runtime import Hub
from flows.subscribing import Looked, look, looked_after
from loyalty.settings import HubSettings
from tests.connectors.conftest import served
from tests.flows.reconcile.round import Round
from tests.flows.sending.office import Office

SHOP, SFMC = "shopify/main", "salesforce/main"
HERE = "https://hub.example"


class Desk:
    """A worker that looks after subscriptions, and the block that secrets go to."""

    def __init__(self, office: Office, hub: Hub) -> None:
        self.office, self.hub = office, hub
        self.block: list[tuple[str, str, str]] = []
        self.move(HERE)

    def move(self, url: str) -> None:
        """Gives the hub another public address."""
        self.hub.settings = HubSettings(home=self.office.home, public_url=url)

    async def keep(self, slug: str, field: str, secret: SecretStr) -> None:
        """What the flow writes into the block."""
        self.block.append((slug, field, secret.get_secret_value()))

    async def look(self, slug: str = SHOP) -> Looked:
        """One look."""
        await self.hub.clients.refresh()
        assert slug in looked_after(self.hub)
        found = await look(self.hub, slug, keep_secret=self.keep)
        assert found is not None
        return found

    async def addresses(self, slug: str = SHOP) -> list[str]:
        """Where the vendor sends to, one address per subscription."""
        lifecycle = manifest(slug.partition("/")[0]).subscriptions
        assert lifecycle is not None
        found = await lifecycle.listed(self.hub.clients.line(slug).client)
        return [one.address for one in found]


@pytest.fixture
async def desk(office: Office, shop: ShopifySandbox) -> Desk:
    return Desk(office, office.hub())


async def test_what_is_missing_is_made_once(desk: Desk) -> None:
    first = await desk.look()
    assert first.made == first.topics > 3
    assert (first.problem, first.troubles) == ("", ())
    second = await desk.look()
    assert (second.made, second.removed) == (0, 0)
    assert await desk.addresses() == [f"{HERE}/hooks/{SHOP}"] * first.topics
    [row] = await desk.office.rows("select * from subscriptions")
    assert (row.address, row.problem, row.owner) == (f"{HERE}/hooks/{SHOP}", "", "")
    assert row.ensured_at is not None


async def test_two_workers_at_once_make_one_of_each(desk: Desk, office: Office) -> None:
    other = Desk(office, office.hub("other"))
    for one in (desk, other):
        await one.hub.clients.refresh()
    looked = await asyncio.gather(
        *(look(one.hub, SHOP, keep_secret=one.keep) for one in (desk, other))
    )
    assert sum(one is None for one in looked) <= 1
    addresses = await desk.addresses()
    assert len(addresses) == (await desk.look()).topics


async def test_a_hub_that_moves_takes_its_subscriptions_along(desk: Desk) -> None:
    first = await desk.look()
    desk.move("https://new.example")
    moved = await desk.look()
    assert (moved.made, moved.removed) == (first.made, first.made)
    assert set(await desk.addresses()) == {f"https://new.example/hooks/{SHOP}"}


async def test_a_failing_vendor_is_told_once_and_shown_until_it_is_well(
    desk: Desk, shop: ShopifySandbox
) -> None:
    shop.faults.append(Fault(status=503, times=2))
    assert [one.kind for one in (await desk.look()).troubles] == ["unheard"]
    again = await desk.look()
    assert ("could not be looked after" in again.problem, again.troubles) == (True, ())
    await desk.hub.clients.refresh()
    assert desk.hub.clients.stored[SHOP].note == again.problem
    assert desk.hub.clients.stored[SHOP].state == "active"
    assert (await desk.look()).problem == ""
    await desk.hub.clients.refresh()
    assert desk.hub.clients.stored[SHOP].note == ""


async def test_refused_credentials_refuse_the_connection_once(
    desk: Desk, office: Office, shop: ShopifySandbox
) -> None:
    await desk.hub.clients.refresh()
    account = account_of(desk.hub.clients.stored[SHOP], desk.hub.vault).plain()
    await office.connect(SHOP, {**account, "access_token": "revoked-token"})
    found = await desk.look()
    assert [one.kind for one in found.troubles] == ["refused"]
    await desk.hub.clients.refresh()
    assert looked_after(desk.hub) == []


async def test_a_connection_that_fell_silent_is_told(desk: Desk, shop: ShopifySandbox) -> None:
    assert (await desk.look()).problem == ""
    (topic, payload), *_ = shop.stage()
    await Round(desk.office, desk.hub).tell(topic, payload, shop)
    heard = await desk.look()
    assert heard.heard_at is not None
    assert heard.problem == ""
    desk.hub.clock = lambda: datetime.now(UTC) + timedelta(days=4)
    silent = await desk.look()
    assert silent.problem.startswith("no webhook has come for 4 days")
    assert [one.kind for one in silent.troubles] == ["unheard"]


async def test_a_secret_that_the_vendor_makes_is_in_force_at_once_and_kept_in_the_block(
    desk: Desk, office: Office
) -> None:
    vendor = SalesforceSandbox()
    async with served(vendor) as base_url:
        account = vendor.account_at(base_url)
        account.pop("signature_key")
        await office.connect(SFMC, account)
        made = await desk.look(SFMC)
        assert (made.made, made.problem) == (1, "")
        [(slug, field, secret)] = desk.block
        assert (slug, field) == (SFMC, "signature_key")
        await desk.hub.clients.refresh()
        stored = account_of(desk.hub.clients.stored[SFMC], desk.hub.vault)
        assert stored.plain()["signature_key"] == secret
        again = await desk.look(SFMC)
        assert (again.made, again.removed, len(desk.block)) == (0, 0, 1)
        await office.connect(SFMC, account)
        anew = await desk.look(SFMC)
        assert (anew.made, anew.removed) == (1, 1), "a secret that nobody knows is made anew"
        assert len(desk.block) == 2
