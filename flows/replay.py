"""Tries again what failed: events that broke, deliveries that died, when the cause is mended."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from prefect import flow, get_run_logger
from pydantic import Field

from flows.runtime import runtime
from loyalty.store import audit, delivery_lists, inbox

Events = Annotated[list[str], Field(max_length=1000)]
Deliveries = Annotated[list[UUID], Field(max_length=1000)]
Reason = Annotated[str, Field(max_length=500)]


@flow(name="replay", persist_result=False)
async def replay(
    events: Events = [],  # noqa: B006 - Prefect shows the default in the form
    deliveries_to_send: Deliveries = [],  # noqa: B006
    reason: Reason = "",
) -> None:
    """Puts failed events and dead deliveries back, with their old keys, so that nothing doubles.

    Args:
        events: Business keys of failed, refused or parked events, such as
            shopify/main:order.paid:1001. Events that are done stay done.
        deliveries_to_send: Ids of dead or unknown deliveries. An unknown one may then arrive twice:
            look at the vendor first.
        reason: Why; kept in the audit log.
    """
    async with runtime() as hub:
        async with hub.database.begin() as connection:
            again = await inbox.replay(connection, events)
            sent = await delivery_lists.decide(
                connection, deliveries_to_send, state="pending", reason="replayed"
            )
            await audit.note(
                connection,
                actor="prefect",
                action="replay",
                subject=f"{len(again)} events, {len(sent)} deliveries",
                now=hub.clock(),
                detail={"events": again, "deliveries": [str(one) for one in sent], "why": reason},
            )
        hub.bells.of("deliver").ring()
    logger = get_run_logger()
    logger.info("%d of %d events are tried again", len(again), len(events))
    logger.info("%d of %d deliveries are sent again", len(sent), len(deliveries_to_send))
