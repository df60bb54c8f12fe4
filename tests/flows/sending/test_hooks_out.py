"""Zaps are told of events by the real Sender; one that is gone is told nothing more."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from connectors.zapier.sandbox import ZapierSandbox
from loyalty.store import deliveries, hooks_out
from loyalty.store.deliveries import LEASE, Delivery
from loyalty.store.hooks_out import HookOut
from loyalty.store.ids import new_id
from tests.connectors.conftest import served
from tests.flows.sending.office import Office

NOW = datetime.now(UTC)


async def plan(office: Office, owner: str, hook: HookOut, number: int) -> Delivery:
    event = {"specversion": "1.0", "id": str(number), "type": hook.event, "data": {}}
    planned = Delivery(
        id=new_id(NOW),
        key=f"event-{number}:hook:{hook.id}",
        capability=hooks_out.CAPABILITY,
        input={"hook_id": str(hook.id), "target_url": hook.target_url, "event": event},
        state="pending",
        created_at=NOW,
        connector=hook.connector,
        connection=hook.connection,
        action="deliver",
        target=str(hook.id),
        owner=owner,
        lease_until=datetime.now(UTC) + LEASE,
    )
    async with office.database.begin() as connection:
        await deliveries.plan(connection, [planned])
    return planned


async def subscribe(office: Office, zap: str) -> HookOut:
    async with office.database.begin() as connection:
        await hooks_out.subscribe(
            connection,
            "zapier/main",
            event="order.paid",
            target_url=f"https://hooks.zapier.com/hooks/standard/1/{zap}/",
            now=NOW,
        )
        found = await hooks_out.load(connection)
    return found["order.paid"][-1]


async def state_of(office: Office) -> list[Any]:
    rows = await office.rows("select state, reason from hooks_out order by id")
    return [tuple(row) for row in rows]


async def test_a_zap_is_told_and_one_that_is_gone_is_unsubscribed(office: Office) -> None:
    sandbox = ZapierSandbox()
    async with served(sandbox) as base_url:
        await office.connect("zapier/main", sandbox.account_at(base_url))
        hub = office.hub()
        await office.beat(hub)
        on, off = await subscribe(office, "on"), await subscribe(office, "off")
        sandbox.switch_off("off")
        planned = [await plan(office, hub.owner, one, 7) for one in (on, off)]
        sender = await office.send(hub, "zapier/main", planned)
        assert [one["zap"] for one in sandbox.records] == ["on"]
        assert sandbox.records[0]["id"] == "7"
        assert await office.states() == ["sent", "cancelled"]
        assert await state_of(office) == [
            ("active", ""),
            ("ended", "the subscriber answered 410 Gone"),
        ]
        assert sender.troubles == []
        await hub.clients.refresh()
        assert [one.target_url for one in hub.clients.hooks["order.paid"]] == [on.target_url]


async def test_a_worker_knows_the_subscriptions_from_its_sign_of_life(office: Office) -> None:
    hub = office.hub()
    assert hub.clients.hooks == {}
    await subscribe(office, "on")
    await hub.beat()
    assert set(hub.clients.hooks) == {"order.paid"}
