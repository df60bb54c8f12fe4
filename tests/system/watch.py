"""What the tests look at from outside: the books, the runs, and what arrived at the vendors."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import text

from deployments.standby import STANDBY_TAG, ready_runs
from loyalty.store.database import Database, StoreAway
from tests.system.shop import SIGN_UP_POINTS, lifetime

if TYPE_CHECKING:
    from tests.system.conftest import RunningHub
    from tests.system.shop import Bought

Row = Any
OPEN = ["RUNNING", "PENDING", "CANCELLING"]
TRIGGERS = (
    "orders",
    "refunds",
    "sign-ups",
    "milestones",
    "redemptions",
    "members",
    "feedback",
    "deliver",
)


@dataclass
class Watch:
    """Looks at a running hub."""

    hub: RunningHub
    books: Database
    api: httpx.AsyncClient
    vendors: httpx.AsyncClient

    async def rows(self, query: str, **values: Any) -> list[Row]:
        """Rows of the hub's database."""
        async with self.books.begin() as connection:
            return list(await connection.execute(text(query), values))

    async def open_runs(self) -> list[dict[str, Any]]:
        """The runs of the hub's pool that have begun and not ended."""
        wanted = {
            "flow_runs": {"state": {"type": {"any_": OPEN}}},
            "work_pools": {"name": {"any_": [self.hub.settings.work_pool]}},
            "limit": 200,
        }
        reply = await self.api.post("/flow_runs/filter", json=wanted)
        reply.raise_for_status()
        found: list[dict[str, Any]] = reply.json()
        return found

    async def runs_of(self, deployment: str, **where: Any) -> list[dict[str, Any]]:
        """The latest runs of a deployment."""
        wanted = {
            "deployments": {"name": {"any_": [deployment]}},
            "flow_runs": where,
            "sort": "START_TIME_DESC",
            "limit": 200,
        }
        reply = await self.api.post("/flow_runs/filter", json=wanted)
        reply.raise_for_status()
        found: list[dict[str, Any]] = reply.json()
        return found

    async def deployment(self, name: str) -> dict[str, Any]:
        """A deployment of ours, whose flow has the same name."""
        reply = await self.api.get(f"/deployments/name/{name}/{name}")
        reply.raise_for_status()
        found: dict[str, Any] = reply.json()
        return found

    async def pause(self, name: str, is_paused: bool) -> None:
        """Pauses or resumes a deployment as the Prefect UI does."""
        deployment = await self.deployment(name)
        reply = await self.api.patch(f"/deployments/{deployment['id']}", json={"paused": is_paused})
        reply.raise_for_status()

    async def pause_queue(self, name: str, is_paused: bool) -> None:
        """Pauses or resumes the work queue of a deployment, for which the UI has a switch."""
        queue = (await self.deployment(name))["work_queue_id"]
        reply = await self.api.patch(f"/work_queues/{queue}", json={"is_paused": is_paused})
        reply.raise_for_status()

    async def unrest(self) -> list[str]:
        """What is not as it is in a hub at rest, a line each; empty where all is well."""
        try:
            return [*await self._unrest_in_store(), *await self._unrest_in_prefect()]
        except (StoreAway, httpx.HTTPError, OSError) as error:
            return [f"{type(error).__name__}: {error}"]

    async def _unrest_in_store(self) -> list[str]:
        waiting = await self.rows(
            "select trigger, count(*) as n from inbox"
            " where state in ('waiting', 'failed', 'parked') group by trigger"
        )
        open_ones = await self.rows(
            "select connector, state, count(*) as n, max(reason) as why from deliveries"
            " where state in ('pending', 'sending', 'parked', 'held') group by connector, state"
        )
        return [f"{one.n} events of {one.trigger} wait" for one in waiting] + [
            f"{one.n} deliveries through {one.connector} are {one.state}: {one.why}"
            for one in open_ones
        ]

    async def _unrest_in_prefect(self) -> list[str]:
        living = {one.name for one in await self.rows(_LIVING)}
        if not living:
            return ["no worker lives"]
        ready: Counter[str] = Counter()
        found = []
        for run in await self.open_runs():
            worker = (run.get("labels") or {}).get("prefect.worker.name", "")
            if worker not in living:
                found.append(f"run {run['name']} of {worker or 'nobody'}, which is dead")
            elif STANDBY_TAG not in run["tags"]:
                found.append(f"run {run['name']} is {run['state_name']}")
            elif run["state_type"] == "RUNNING":
                ready[run["name"].removesuffix(" standing by")] += 1
        for trigger in TRIGGERS:
            if ready[trigger] != ready_runs(trigger, self.hub.settings) * len(living):
                found.append(f"{ready[trigger]} runs of {trigger} stand by")
        return found

    async def calm(self, seconds: float = 90.0) -> float:
        """Waits until nothing waits, is under way or was left behind; how long it took.

        It asks twice: a run whose end Prefect has not heard of yet may look as if it stood by.
        """
        took = await until_empty(self.unrest, seconds)
        await asyncio.sleep(1)
        while await self.unrest():
            took += 1 + await until_empty(self.unrest, seconds - took)
            await asyncio.sleep(1)
        return took

    async def worked_off(self, seconds: float = 60.0) -> float:
        """Waits until events and deliveries are worked off; how long it took."""
        return await until_empty(self._unrest_in_store, seconds)

    async def check_books(self, orders: Sequence[Bought]) -> None:
        """Every order is booked once, and what its buyers have is what they earned."""
        rows = await self.rows(
            "select sale, sum(points) as points, count(*) - count(distinct rule) as doubled"
            " from entries where sale = any(:sales) group by sale",
            sales=[f"shopify/main:{one.id}" for one in orders],
        )
        booked = {row.sale: (row.points, row.doubled) for row in rows}
        assert booked == {f"shopify/main:{one.id}": (one.points, 0) for one in orders}

        earned = Counter[str]()
        for one in orders:
            earned[one.buyer.email(one.day)] += one.points
        for email, points in earned.items():
            [member] = await self.rows(_BALANCE, email=email)
            expected = lifetime(points + SIGN_UP_POINTS)
            assert tuple(member) == (expected,) * 4, email

    async def booked(self, bought: Bought, seconds: float = 30.0) -> None:
        """Waits until an order's points are in the books."""
        sale = f"shopify/main:{bought.id}"

        async def missing() -> list[str]:
            found = await self.rows("select 1 from entries where sale = :sale", sale=sale)
            return [] if found else [f"{sale} is not booked"]

        await until_empty(missing, seconds)

    async def events(self, name: str, since: datetime) -> list[dict[str, Any]]:
        """The Prefect events of a name."""
        wanted = {"event": {"name": [name]}, "occurred": {"since": since.isoformat()}}
        reply = await self.api.post("/events/filter", json={"filter": wanted})
        reply.raise_for_status()
        found: list[dict[str, Any]] = reply.json()["events"]
        return found

    # --- the vendors -----------------------------------------------------------------------------

    async def records(self, vendor: str) -> list[dict[str, Any]]:
        """What a sandbox accepted."""
        reply = await self.vendors.get(f"/{vendor}/_sandbox/records")
        reply.raise_for_status()
        found: list[dict[str, Any]] = reply.json()["records"]
        return found

    async def fail(self, vendor: str, *faults: Mapping[str, Any]) -> None:
        """Makes a vendor's next calls fail; without faults, makes it well again."""
        reply = await self.vendors.post(f"/{vendor}/_sandbox/faults", json=list(faults))
        reply.raise_for_status()

    async def messages_about(self, bought: Bought) -> dict[str, int]:
        """How many records of each kind name an order."""
        found = Counter[str]()
        for vendor, kind in _KINDS.items():
            mine = await self.rows(
                f"{_PLANNED} and event_id = (select id from inbox where key = :key"
                " and type = 'order.paid')",
                vendor=vendor,
                key=str(bought.id),
            )
            wanted = {kind.of_delivery(row) for row in mine}
            for one in await self.records(vendor):
                if one["kind"] == kind.record and kind.of_record(one) in wanted:
                    found[kind.record] += 1
        return dict(found)

    async def wrong_messages(self) -> list[str]:
        """Everything that arrived twice, did not arrive, or was never meant to; ever, on this hub.

        Of a delivery whose outcome is unknown it may have arrived once or not.
        """
        found = []
        for vendor, kind in _KINDS.items():
            rows = await self.rows(_PLANNED, vendor=vendor)
            planned = {kind.of_delivery(row): row for row in rows}
            arrived = Counter(
                kind.of_record(one)
                for one in await self.records(vendor)
                if one["kind"] == kind.record
            )
            for identity, count in arrived.items():
                if count > 1:
                    found.append(f"{vendor}: {count} times {identity}")
                if identity not in planned:
                    found.append(f"{vendor}: never planned {identity}")
                elif planned[identity].state not in ("sent", "unknown"):
                    found.append(f"{vendor}: {planned[identity].state} and arrived: {identity}")
            for identity, row in planned.items():
                if row.state == "sent" and identity not in arrived:
                    found.append(f"{vendor}: said to be sent and did not arrive: {identity}")
        return found


@dataclass(frozen=True)
class _Kind:
    """How a vendor's records and our deliveries of it are told to be the same message."""

    record: str
    of_record: Callable[[dict[str, Any]], Any]
    of_delivery: Callable[[Row], Any]


_KINDS = {
    "twilio": _Kind(
        "sms", lambda r: (r["to"], r["body"]), lambda d: (d.input["to"], d.input["body"])
    ),
    "smtp": _Kind(
        "email", lambda r: (r["to"], r["subject"]), lambda d: (d.input["to"], d.input["subject"])
    ),
    "slack": _Kind("chat", lambda r: r["text"], lambda d: d.input["text"]),
    "sheets": _Kind("row", lambda r: r["key"], lambda d: d.key),
    "klaviyo": _Kind("event", lambda r: r["unique_id"], lambda d: d.key),
}

_BALANCE = """
select m.points, m.lifetime_points,
       (select sum(e.points) from entries e where e.member_id = m.id) as entered,
       (select sum(l.remaining) from lots l where l.member_id = m.id) as in_lots
from members m where m.email = :email
"""
_PLANNED = "select * from deliveries where connector = :vendor and state <> 'suppressed'"
_LIVING = "select name from workers where seen_at > now() - interval '10 seconds'"


async def until_empty(question: Callable[[], Any], seconds: float) -> float:
    """Asks until nothing is left; fails with what was left the last time."""
    started = time.monotonic()
    while left := await question():
        if time.monotonic() - started > seconds:
            pytest.fail(f"still so after {seconds:.0f} s:\n" + "\n".join(left[:40]))
        await asyncio.sleep(0.1)
    return time.monotonic() - started
