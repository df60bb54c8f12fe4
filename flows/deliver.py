"""Sends what could not be sent at once: parked, held until now, or lost with its worker."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from prefect import flow
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.kit.action import Capability, Idempotency
from connectors.kit.registry import manifest
from flows.batch import LINGER_SECONDS
from flows.bells import Bell
from flows.coming_due import bring_on
from flows.fanout import FanOut
from flows.gatekeeping import judge_again
from flows.parameters import MaxEvents, WaitMinutes
from flows.report import emit_events, report_deliveries
from flows.runtime import Hub, runtime
from flows.sending import Trouble
from loyalty.store import deliveries
from loyalty.store.database import StoreAway
from loyalty.store.deliveries import Delivery, Outcome

CHUNK = 500


@flow(name="deliver", persist_result=False)
async def deliver(max_events: MaxEvents = 1000, wait_minutes: WaitMinutes = 0) -> None:
    """Sends deliveries that are due: after a vendor's pause, an outage, or renewed credentials.

    Runs by itself when something is due. What a worker was sending when it died is looked up,
    sent again with the same key where that is safe, and otherwise left to a person.

    Args:
        max_events: How many due deliveries this run takes at most; the rest waits for the next.
        wait_minutes: How long to stand by for the first delivery. 0 takes what is waiting now.
    """
    async with runtime() as hub:
        if not wait_minutes:
            await _work(hub, max_events, None)
            return
        bell = hub.bells.of("deliver")
        deadline = hub.clock().timestamp() + wait_minutes * 60
        while (left := deadline - hub.clock().timestamp()) > 0 and not hub.is_stopping:
            if not await bell.stand_by(left):
                return
            if await _work(hub, max_events, bell):
                return


async def _work(hub: Hub, most: int, bell: Bell | None) -> int:
    lost: list[Trouble] = []
    shown: list[Delivery] = []
    async with FanOut(hub) as fan_out:
        try:
            async for due, unknown in _chunks(hub, most, bell):
                lost.extend(unknown)
                shown.extend(due)
                fan_out.feed(due)
        finally:
            if bell is not None:
                # What is due from now on is another run's: it need not wait for a slow vendor.
                bell.release()
    taken = len(shown) + len(lost)
    if taken:
        shown.extend(one.delivery for one in lost if one.delivery is not None)
        await report_deliveries(hub, shown, fan_out.counts + Counter(unknown=len(lost)))
        emit_events("deliver", [], [*lost, *fan_out.troubles])
    return taken


async def _chunks(
    hub: Hub, most: int, bell: Bell | None
) -> AsyncIterator[tuple[list[Delivery], list[Trouble]]]:
    """Takes what is due, until nothing has come for a moment or it was enough."""
    taken = 0
    while taken < most and not hub.is_stopping and not (bell and bell.is_held):
        due, unknown = await take(hub, min(CHUNK, most - taken))
        if due or unknown:
            if not taken and hub.on_taken is not None:
                hub.on_taken("deliver")
            taken += len(due) + len(unknown)
            yield due, unknown
        elif not (bell and taken and await bell.linger(LINGER_SECONDS)):
            return
    if bell is not None and not hub.is_stopping:
        bell.ring()  # There may be more: for the run that comes next.


async def take(hub: Hub, limit: int) -> tuple[list[Delivery], list[Trouble]]:
    """Leases what is due; settles what was lost: to be sent again, or unknown.

    Where the store goes away, it waits for it, frees what a commit without an answer may have
    leased, and starts again.
    """
    while True:
        now = hub.clock()
        try:
            await hub.clients.refresh()
            async with hub.database.begin() as connection:
                return await _take(hub, connection, limit, now)
        except StoreAway:
            await _free_what_may_be_leased(hub, now)


async def _free_what_may_be_leased(hub: Hub, leased_at: datetime) -> None:
    await hub.database.persist(
        lambda connection: deliveries.give_back_lease(
            connection, owner=hub.owner, leased_at=leased_at
        )
    )


async def _take(
    hub: Hub, connection: AsyncConnection, limit: int, now: datetime
) -> tuple[list[Delivery], list[Trouble]]:
    await _find_routes(hub, connection)
    alive = hub.patience()
    lost = await deliveries.take_lost(
        connection, owner=hub.owner, limit=limit, now=now, alive=alive
    )
    again = [one for one in lost if _may_go_again(one)]
    unknown = [one for one in lost if not _may_go_again(one)]
    reason = (
        "the worker died while it was sending this: look at the vendor, then say "
        "`hub deliveries resolve` with --sent or --resend"
    )
    await deliveries.finish(
        connection, [Outcome(one, "unknown", now, now, reason=reason) for one in unknown]
    )
    await deliveries.make_pending(connection, [one.id for one in again])
    terms = await hub.terms()
    await bring_on(connection, terms.for_later())
    taken = await deliveries.take_due(
        connection, owner=hub.owner, limit=limit, now=now, alive=alive
    )
    due = await judge_again(connection, taken, terms)
    for one in again:
        one.state = "pending"
    troubles = [Trouble("unknown", one.route, reason, one) for one in unknown]
    return [*again, *due], troubles


def _may_go_again(delivery: Delivery) -> bool:
    action = manifest(delivery.connector).action(delivery.action)
    return action.idempotency is not Idempotency.NONE


async def _find_routes(hub: Hub, connection: AsyncConnection) -> None:
    """Gives deliveries that no connection served the one that now does."""
    terms = await hub.terms()
    served: Sequence[str] = tuple(terms.programme.routes)
    for capability in await deliveries.without_route(connection, served):
        route = terms.planner.directory.route(Capability(capability), terms.programme)
        if route.action:
            await deliveries.assign(
                connection,
                capability,
                connector=route.connector,
                name=route.connection,
                action=route.action,
            )
