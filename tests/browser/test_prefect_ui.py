"""What operations see in the Prefect UI: deployments, forms, runs, tables, credentials, limits."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml
from playwright.async_api import Locator, Page, expect

from connectors.kit.registry import manifest
from connectors.twilio.account import TwilioAccount
from connectors.twilio.sandbox import SANDBOX_ACCOUNT
from tests.browser.conftest import Buy
from tests.running_hub import PROJECT, RunningHub, until

pytestmark = pytest.mark.browser

DEPLOYMENTS = yaml.safe_load((PROJECT / "prefect.yaml").read_text("utf-8"))["deployments"]
ONE_WAITS = r"<td>orders</td><td class=\"number\">1</td>\s*<td><span class=\"wait\">paused"


async def deployment(api: httpx.AsyncClient, name: str) -> dict[str, Any]:
    reply = await api.get(f"/deployments/name/{name}/{name}")
    found: dict[str, Any] = reply.raise_for_status().json()
    return found


@pytest_asyncio.fixture
async def orders_paused(api: httpx.AsyncClient, hub: RunningHub) -> AsyncIterator[None]:
    """The deployment `orders` is paused, as an automation would do it, and the hub knows."""
    path = f"/deployments/{(await deployment(api, 'orders'))['id']}"
    (await api.patch(path, json={"paused": True})).raise_for_status()
    await _home_says(hub, r"paused: resume")
    yield
    (await api.patch(path, json={"paused": False})).raise_for_status()


async def open_form(page: Page, name: str) -> None:
    """From the list to a deployment's run form, as a person goes there."""
    await page.goto("/v2/deployments?limit=100")
    await _link_to(page, name).click()
    await page.get_by_role("button", name="Run", exact=True).click()
    await page.get_by_role("menuitem", name="Custom run").click()
    await expect(page.get_by_role("heading", name="Parameters")).to_be_visible()


def _link_to(page: Page, name: str) -> Locator:
    """A deployment's link in the list; the second one of a row leads to its flow."""
    return page.get_by_role("row").get_by_role("link", name=name, exact=True).first


async def test_the_deployments_are_listed(page: Page) -> None:
    await page.goto("/")
    await page.get_by_role("link", name="Deployments", exact=True).click()
    await expect(page).to_have_url(re.compile("/v2/deployments"))
    await page.goto("/v2/deployments?limit=100")
    for one in DEPLOYMENTS:
        await expect(_link_to(page, one["name"])).to_be_visible()


async def test_a_deployment_says_what_it_does(page: Page, api: httpx.AsyncClient) -> None:
    found = await deployment(api, "orders")
    await page.goto(f"/v2/deployments/deployment/{found['id']}")
    await page.get_by_role("tab", name="Description").click()
    await expect(page.get_by_text("Books paid and edited orders and till payments")).to_be_visible()


@pytest.mark.parametrize("name", ["orders", "anniversaries", "replay", "alert"])
async def test_a_run_form_describes_its_fields(
    page: Page, api: httpx.AsyncClient, name: str
) -> None:
    found = await deployment(api, name)
    fields = found["parameter_openapi_schema"]["properties"]
    await page.goto(f"/v2/deployments/deployment/{found['id']}/run")
    for field, schema in fields.items():
        await expect(page.get_by_text(re.compile(rf"^{field}\b"))).to_be_visible()
        await expect(page.get_by_text(schema["description"], exact=True)).to_be_visible()


async def test_a_submitted_run_completes_and_its_table_tells_the_order(
    page: Page, api: httpx.AsyncClient, buy: Buy, orders_paused: None, hub: RunningHub
) -> None:
    order_id = await buy()
    await _home_says(hub, ONE_WAITS)
    await open_form(page, "orders")
    await page.get_by_label("Run Name").fill(f"by hand {order_id}")
    await page.get_by_role("button", name="Submit").click()

    async def completed() -> dict[str, Any] | None:
        wanted = {"flow_runs": {"name": {"any_": [f"by hand {order_id}"]}}}
        runs = (await api.post("/flow_runs/filter", json=wanted)).json()
        return runs[0] if runs and runs[0]["state_type"] == "COMPLETED" else None

    run = await until(completed, 30)
    # The page asks for the logs of a run that has ended once, and they are sent in the background.
    await until(lambda: logged(api, run["id"]), 20)
    await page.goto(f"/v2/runs/flow-run/{run['id']}")
    await expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
    await expect(page.get_by_text("orders: 1 event (1 done), +149 points")).to_be_visible()
    await page.get_by_role("tab", name="Artifacts").click()
    await page.get_by_role("link", name="orders-batch").first.click()
    await page.get_by_role("link", name=re.compile(r"^[0-9a-f]{8}$")).first.click()
    table = page.get_by_role("table")
    event = table.get_by_role("row").filter(has_text="order.paid from shopify/main")
    await expect(event).to_contain_text("done")
    await expect(event).to_contain_text("+149")
    rule = table.get_by_role("row").filter(has_text="rule points-per-currency")
    await expect(rule).to_contain_text("49.00 of goods has 49 full steps")
    crm = table.get_by_role("row").filter(has_text="crm through hubspot/main")
    await expect(crm).to_contain_text("sent")
    await expect(table).to_contain_text(f"shopify/main:order.paid:{order_id}")


async def logged(api: httpx.AsyncClient, run_id: str) -> bool:
    """Whether the run's line has arrived at Prefect."""
    wanted = {"logs": {"flow_run_id": {"any_": [run_id]}}, "limit": 50}
    lines = (await api.post("/logs/filter", json=wanted)).json()
    return any("orders: 1 event" in line["message"] for line in lines)


async def test_pausing_a_work_queue_holds_its_events_and_resuming_works_them_off(
    page: Page, buy: Buy, hub: RunningHub, api: httpx.AsyncClient
) -> None:
    await page.goto("/v2/work-pools/work-pool/hub/queue/orders")
    switch = page.get_by_role("switch").first
    await switch.click()
    await _home_says(hub, r"paused: resume")
    await buy()
    await _home_says(hub, ONE_WAITS)
    await switch.click()
    await _home_says(hub, "Nothing waits")


async def test_the_credentials_form_describes_its_fields_and_hides_secrets(page: Page) -> None:
    await page.goto("/v2/blocks/catalog/twilio-credentials/create")
    for field in TwilioAccount.model_fields.values():
        await expect(page.get_by_text(str(field.description), exact=True)).to_be_visible()
    await expect(page.locator("input[type=password]")).not_to_have_count(0)


async def test_stored_secrets_are_not_shown(page: Page, api: httpx.AsyncClient) -> None:
    wanted = {"block_types": {"slug": {"any_": ["twilio-credentials"]}}}
    (block,) = (await api.post("/block_documents/filter", json=wanted)).json()
    secret = str(SANDBOX_ACCOUNT["auth_token"])
    for address in (f"/v2/blocks/block/{block['id']}", f"/v2/blocks/block/{block['id']}/edit"):
        await page.goto(address)
        await expect(page.get_by_text("Twilio Credentials").first).to_be_visible()
        await page.wait_for_load_state("networkidle")
        values = [await one.input_value() for one in await page.locator("input, textarea").all()]
        assert secret not in await page.content()
        assert secret not in values


async def test_the_limits_in_force_are_listed(page: Page) -> None:
    limit = manifest("twilio").limit
    await page.goto("/v2/concurrency-limits")
    row = page.get_by_role("row").filter(has_text="limit:twilio:main")
    await expect(row).to_be_visible()
    await expect(row).to_contain_text(str(limit.burst))
    await expect(row.get_by_role("switch")).to_be_checked()


async def _home_says(hub: RunningHub, words: str) -> None:
    """The hub's home page says so within some seconds."""

    async def says() -> bool:
        async with httpx.AsyncClient() as client:
            return re.search(words, (await client.get(hub.settings.base_url)).text) is not None

    await until(says, 20)
