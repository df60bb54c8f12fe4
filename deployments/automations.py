"""The automations that the hub comes with. Operations may change or switch them off in the UI."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.automations import AutomationCore
from prefect.client.orchestration import PrefectClient, get_client
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import EventTrigger, Posture

DEAD_DELIVERIES = "Loyalty: tell the team of dead deliveries"
REFUSED_CONNECTIONS = "Loyalty: tell the team of refused connections"
UNHEARD_CONNECTIONS = "Loyalty: tell the team of connections whose webhooks do not arrive"
DRIFT = "Loyalty: tell the team of what webhooks missed"


async def ensure_automations() -> None:
    """Makes the shipped automations where they are missing; existing ones are left alone."""
    async with get_client() as client:
        alert = await client.read_deployment_by_name("alert/alert")
        await _ensure(
            client,
            DEAD_DELIVERIES,
            "loyalty.delivery.dead",
            alert.id,
            "A delivery through {{ event.payload.connection }} is dead: "
            "{{ event.payload.reason }} List them with `hub deliveries --state dead`.",
        )
        await _ensure(
            client,
            REFUSED_CONNECTIONS,
            "loyalty.connection.refused",
            alert.id,
            "{{ event.payload.connection }} refuses the hub's credentials: "
            "{{ event.payload.reason }} Its deliveries wait until the block is renewed.",
        )
        await _ensure(
            client,
            UNHEARD_CONNECTIONS,
            "loyalty.connection.unheard",
            alert.id,
            "The webhooks of {{ event.payload.connection }} may not arrive: "
            "{{ event.payload.reason }} What they miss is asked for in the meantime.",
        )
        await _ensure(
            client,
            DRIFT,
            "loyalty.reconcile.drift",
            alert.id,
            "{{ event.payload.connection }}: webhooks missed {{ event.payload.missed }} events, "
            "{{ event.payload.differing }} amounts differ, {{ event.payload.repaired }} repaired. "
            "The run of `reconcile` lists them.",
        )


async def _ensure(
    client: PrefectClient, name: str, event: str, deployment_id: UUID, text: str
) -> None:
    if await client.read_automations_by_name(name):
        return
    parameters: dict[str, Any] = {
        "text": {"__prefect_kind": "jinja", "template": text},
        "key": {"__prefect_kind": "jinja", "template": "{{ event.id }}"},
    }
    await client.create_automation(
        AutomationCore(
            name=name,
            description="Comes with the hub. Posts to the connection that serves `chat`.",
            trigger=EventTrigger(
                expect={event},
                posture=Posture.Reactive,
                threshold=1,
                within=timedelta(seconds=0),
            ),
            actions=[
                RunDeployment(source="selected", deployment_id=deployment_id, parameters=parameters)
            ],
        )
    )
