"""The flow behind the form: preview, import, send, and what an inactive campaign does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from prefect.logging import disable_run_logger

from connectors.shopify.sandbox import ShopifySandbox
from flows import invite_customers as module
from flows import progress_bar
from flows.invite_customers import invite_customers
from flows.runtime import Hub, install
from loyalty.campaigns import CampaignState
from loyalty.store import campaigns, rulebook
from rules.shipped import shipped_rules
from tests.flows.booking.desk import FLAT, NOON
from tests.flows.campaigns.crowd import SHOP, told
from tests.flows.sending.office import Office

Told = list[dict[str, Any]]


@pytest.fixture
def artifacts(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What the run would leave in Prefect."""
    found: Told = []

    async def keep(*args: Any, **fields: Any) -> None:
        found.append({"args": args, **fields})

    for name in ("acreate_markdown_artifact", "acreate_table_artifact"):
        monkeypatch.setattr(module, name, keep)
    for name in ("acreate_progress_artifact", "aupdate_progress_artifact"):
        monkeypatch.setattr(progress_bar, name, keep)
    return found


@pytest_asyncio.fixture
async def hub(office: Office, shop: ShopifySandbox) -> AsyncIterator[Hub]:
    """The worker's runtime, with rules and a programme in force."""
    shop.resources["customers"] = [told(number) for number in range(3)]
    rules = shipped_rules()
    async with office.database.begin() as connection:
        await rulebook.activate(
            connection, rules.version, rules.documents(), author="t", reason="", now=NOON
        )
        await rulebook.save_programme(connection, FLAT, now=NOON)
    found = office.hub()
    await office.beat(found)
    install(found)
    with disable_run_logger():
        yield found
    install(None)


async def _states(office: Office) -> list[str]:
    return [row.state for row in await office.rows("select state from invitations")]


async def test_a_campaign_from_its_first_preview_to_its_switch(
    hub: Hub, office: Office, shop: ShopifySandbox, artifacts: Told
) -> None:
    with pytest.raises(ValueError, match="how many points"):
        await invite_customers.fn("Spring")
    await invite_customers.fn("Spring", shop=SHOP, points=50)
    assert "0 can be invited of 0" in artifacts[-1]["markdown"]
    await invite_customers.fn("Spring", "import")
    assert await _states(office) == [], "a draft invites nobody"
    await invite_customers.fn("Spring")
    assert "3 can be invited of 3" in artifacts[-1]["markdown"]
    assert "would be sent at" in artifacts[-1]["markdown"]
    await invite_customers.fn("Spring", "send")
    assert await _states(office) == ["invited"] * 3
    shop.resources["customers"].append(told(3))
    await invite_customers.fn("Spring", "import", points=5)
    rows = await office.rows("select amount from invitations order by amount")
    assert [row.amount for row in rows] == [5, 50, 50, 50], "who is new is invited at once"


async def test_an_inactive_campaign_lets_new_customers_wait(
    hub: Hub, office: Office, shop: ShopifySandbox, artifacts: Told
) -> None:
    await invite_customers.fn("Spring", "import", shop=SHOP, points=50)
    await invite_customers.fn("Spring", "send")
    async with office.database.begin() as connection:
        await campaigns.switch(connection, "Spring", CampaignState.INACTIVE, by="kim", now=NOON)
    shop.resources["customers"].append(told(3))
    await invite_customers.fn("Spring", "import")
    assert sorted(await _states(office)) == ["invited"] * 3 + ["waiting"]
    with pytest.raises(ValueError, match="inactive"):
        await invite_customers.fn("Spring", "send")


async def test_a_text_that_is_missing_stops_the_campaign_and_no_message(
    hub: Hub, office: Office, artifacts: Told
) -> None:
    await invite_customers.fn("Spring", "import", shop=SHOP, points=50, template="nothing")
    with pytest.raises(ValueError, match="nothing"):
        await invite_customers.fn("Spring", "send")
    assert await _states(office) == []
    (row,) = await office.rows("select state from campaigns")
    assert row.state == "draft"
