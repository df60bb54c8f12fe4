"""The way of one order through the running hub: webhook, points, messages, a run with its table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
from sqlalchemy import text

from connectors.kit.registry import manifest
from connectors.shopify.sandbox import ShopifySandbox
from deployments.demo.cast import KIT, LINA, DemoDay
from deployments.demo.shopify_payloads import customer, order
from deployments.demo.stage import account_fields
from loyalty.store.database import Database
from tests.system.conftest import RunningHub, until


async def send(hub: RunningHub, topic: str, payload: dict[str, Any]) -> int:
    """One signed Shopify webhook, as the shop would send it."""
    account = manifest("shopify").account.model_validate(account_fields("shopify", hub.settings))
    hook = f"{hub.settings.base_url}/hooks/shopify/main"
    return await ShopifySandbox().deliver(hook, topic, payload, account=account)


async def test_an_order_becomes_points_messages_and_a_run(
    hub: RunningHub, books: Database, api: httpx.AsyncClient
) -> None:
    day = DemoDay.of(datetime.now(UTC))
    assert await send(hub, "customers/create", customer(day, LINA)) == 202
    paid = order(day, 7001, [(KIT, 1)], at=day.at("9:00"), buyer=LINA)
    for _ in range(3):
        assert await send(hub, "orders/paid", paid) == 202

    async def sent() -> Any:
        async with books.begin() as connection:
            rows = await connection.execute(
                text("""
                    select d.capability, d.state, e.run_id from deliveries d
                    join inbox e on e.id = d.event_id
                    where e.type = 'order.paid' and e.key = :key
                """),
                {"key": str(paid["id"])},
            )
            found = rows.all()
        is_done = found and all(row.state in ("sent", "suppressed") for row in found)
        return found if is_done else None

    rows = await until(sent, 20)
    assert sorted(row.capability for row in rows) == ["crm", "sheet", "sms", "track"]
    async with books.begin() as connection:
        points = await connection.scalar(
            text("select sum(points) from entries where sale = :sale"),
            {"sale": f"shopify/main:{paid['id']}"},
        )
    assert points == 49 + 100

    async def finished() -> Any:
        reply = await api.get(f"/flow_runs/{rows[0].run_id}")
        return reply.json() if reply.json()["state_type"] == "COMPLETED" else None

    run = await until(finished, 20)
    assert run["name"].startswith("orders ")
    reply = await api.post(
        "/artifacts/filter", json={"artifacts": {"flow_run_id": {"any_": [run["id"]]}}}
    )
    tables = reply.json()
    assert [one["type"] for one in tables] == ["table"]
    assert str(paid["id"]) in tables[0]["data"]
    assert "149" in tables[0]["data"]
