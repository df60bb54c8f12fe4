"""Sends what could not be sent at once: parked, held until now, or lost with its worker."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow
from sqlalchemy.ext.asyncio import AsyncConnection

from connectors.kit.action import Capability, Idempotency
from connectors.kit.registry import manifest
from flows.batch import LINGER_SECONDS
from flows.fanout import FanOut
from flows.parameters import MaxEvents, WaitMinutes
from flows.report import emit_events, leave_deliveries
from flows.runtime import Hub, runtime
from flows.sending import Trouble
from loyalty.store import deliveries
from loyalty.store.deliveries import Delivery, Outcome

CHUNK = 500


@flow(name="deliver", persist_result=False)
async def deliver(max_events: MaxEvents = 1000, wait_minutes: WaitMinutes = 0) -> None:
    """Sends deliveries that are due: after a vendor's pause, an outage, or renewed credentials.

    Runs by itself when something is due. What a worker was sending when it died is looked up,
    sent again with the same key where that is safe, and otherwise left to a person.
    """
    async with runtime() as hub:
        bell = hub.bells.of("deliver")
        if not wait_minutes:
            await _work(hub, max_events)
            return
        deadline = hub.clock().timestamp() + wait_minutes * 60
        while (left := deadline - hub.clock().timestamp()) > 0:
            if not await bell.stand_by(left):
                return
            try:
                if await _work(hub, max_events, linger=True):
                    return
            finally:
                bell.release()


async def _work(hub: Hub, most: int, *, linger: bool = False) -> int:
    taken = 0
    lost: list[Trouble] = []
    shown: list[Delivery] = []
    async with FanOut(hub) as fan_out:
        while taken < most:
            due, unknown = await take(hub, min(CHUNK, most - taken))
            lost.extend(unknown)
            if not due and not unknown:
                if linger and taken and await hub.bells.of("deliver").linger(LINGER_SECONDS):
                    continue
                break
            if not taken and hub.on_taken is not None:
                hub.on_taken("deliver")
            taken += len(due) + len(unknown)
            shown.extend(due)
            fan_out.feed(due)
    if taken:
        await leave_deliveries(shown, fan_out.counts)
        emit_events("deliver", [], [*lost, *fan_out.troubles])
    return taken


async def take(hub: Hub, limit: int) -> tuple[list[Delivery], list[Trouble]]:
    """Leases what is due; settles what was lost: to be sent again, or unknown."""
    now = hub.clock()
    await hub.clients.refresh()
    async with hub.database.begin() as connection:
        await _find_routes(hub, connection)
        lost = await deliveries.take_lost(connection, owner=hub.owner, limit=limit, now=now)
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
        due = await deliveries.take_due(connection, owner=hub.owner, limit=limit, now=now)
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
