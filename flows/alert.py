"""Posts a line to the team's chat, through the same deliveries as everything else."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from connectors.kit.action import Capability
from connectors.kit.capabilities import ChatPost
from flows.fanout import FanOut
from flows.runtime import runtime
from loyalty.store import deliveries
from loyalty.store.deliveries import LEASE, Delivery
from loyalty.store.ids import new_id

Text = Annotated[
    str,
    Field(min_length=1, max_length=2900),
]
Key = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
    ),
]


@flow(name="alert", persist_result=False)
async def alert(text: Text, key: Key) -> None:
    """Tells the team, through the connection that serves `chat`; without one the line waits.

    Args:
        text: What the team should read.
        key: The same key is posted once, however often this runs.
    """
    async with runtime() as hub:
        terms = await hub.terms()
        route = terms.planner.directory.route(Capability.CHAT, terms.programme)
        delivery = Delivery(
            id=new_id(terms.now),
            key=f"alert:{key}",
            capability=Capability.CHAT.value,
            input=ChatPost(text=text).model_dump(mode="json"),
            state="held" if route.problem else "pending",
            created_at=terms.now,
            connector=route.connector,
            connection=route.connection,
            action=route.action,
            reason=route.problem,
            owner="" if route.problem else hub.owner,
            lease_until=None if route.problem else terms.now + LEASE,
        )
        async with hub.database.begin() as connection:
            new = await deliveries.plan(connection, [delivery])
        async with FanOut(hub) as fan_out:
            fan_out.feed(new)
