"""OAuth: a refresh that is refused is a refused connection, once and alone."""

from __future__ import annotations

from connectors.lightspeed.sandbox import LightspeedSandbox
from connectors.shopify.sandbox import ShopifySandbox
from tests.connectors.conftest import served
from tests.flows.reconcile.round import Round
from tests.flows.sending.office import Office

TILL, SHOP = "lightspeed/main", "shopify/main"


async def test_a_refresh_that_is_refused_pauses_the_connection_alone(
    office: Office, round_: Round, shop: ShopifySandbox
) -> None:
    till = LightspeedSandbox()
    async with served(till) as base_url:
        good = till.account_at(base_url)
        await office.connect(TILL, {**good, "refresh_token": "sandbox-revoked-by-the-owner"})
        held = await office.plan(
            round_.hub, TILL, "change_points", [{"customer_id": "7001", "points": 5}], owner=""
        )
        found = await round_.go()
        assert found[TILL].trouble is not None
        assert (found[SHOP].problem, found[SHOP].trouble) == ("", None)
        states = await office.rows("select connector, state from connections order by connector")
        assert [tuple(row) for row in states] == [("lightspeed", "refused"), ("shopify", "active")]
        assert await office.take_due(round_.hub) == []
        assert list(await round_.later()) == [SHOP]

        await office.connect(TILL, good)
        renewed = (await round_.go())[TILL]
        assert (renewed.problem, renewed.trouble) == ("", None)
        assert [one.id for one in await office.take_due(round_.hub)] == [held[0].id]
