"""Many senders, one budget; outages; and what a cancelled run gives back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio

from flows.sending import Sender
from loyalty.store import connections, workers
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.embedded import EmbeddedPostgres
from loyalty.store.migrate import migrate
from tests.connectors.conftest import served
from tests.flows.sending.office import Office
from tests.flows.sending.sink import Sink
from tests.flows.sending.test_endings import notes, sink_account

SINK = "sink/main"
CALL_SECONDS = 0.25
"""How long a call may take from its budget to the vendor on a busy machine."""


def most_within(arrivals: list[float], seconds: float) -> int:
    """The most arrivals in any window of so many seconds."""
    return max(
        sum(start <= other < start + seconds for other in arrivals) for start in sorted(arrivals)
    )


async def test_a_budget_is_never_exceeded_however_many_send(office: Office, sink: Sink) -> None:
    """Two workers with three senders between them; measured where the calls arrive."""
    burst, rate = 10, 50
    await office.connect(SINK, await sink_account(office), burst=burst, per_second=rate)
    one, two = office.hub("one"), office.hub("two")
    shares = [(one, 60), (one, 30), (two, 60)]
    planned = [await office.plan(hub, SINK, "keyed", notes(count)) for hub, count in shares]
    done = await asyncio.gather(
        *(office.send(hub, SINK, share) for (hub, _), share in zip(shares, planned, strict=True))
    )
    assert [sender.counts for sender in done] == [{"sent": count} for _, count in shares]
    assert len(sink.keys) == len(set(sink.keys)) == 150
    took = sink.arrivals[-1] - sink.arrivals[0]
    assert took >= (150 - burst) / rate - CALL_SECONDS
    for seconds in (0.25, 0.5, 1.0, 2.0):
        assert most_within(sink.arrivals, seconds) <= burst + rate * (seconds + CALL_SECONDS)


async def test_two_workers_with_the_same_deliveries_send_each_once(
    office: Office, sink: Sink
) -> None:
    one, two = office.hub("one"), office.hub("two")
    planned = await office.plan(one, SINK, "plain", notes(60), owner="")
    await office.beat(one)
    await office.beat(two)
    taken = await asyncio.gather(office.take_due(one), office.take_due(two))
    assert sorted(d.id for share in taken for d in share) == sorted(d.id for d in planned)
    everything = [d for share in taken for d in share]
    # Whoever believes that all of them are theirs finds out before the call.
    await asyncio.gather(office.send(one, SINK, everything), office.send(two, SINK, everything))
    assert len(sink.keys) == len(set(sink.keys)) == 60
    assert [(r.state, r.reason) for r in await office.rows() if r.state != "sent"] == []


async def test_two_runs_of_one_worker_with_the_same_deliveries_send_each_once(
    office: Office, sink: Sink
) -> None:
    hub = office.hub()
    planned = await office.plan(hub, SINK, "plain", notes(60))
    copies = [[*planned], [type(one)(**{**_fields(one)}) for one in planned]]
    await asyncio.gather(*(office.send(hub, SINK, share) for share in copies))
    assert len(sink.keys) == len(set(sink.keys)) == 60


def _fields(delivery: Any) -> dict[str, Any]:
    return {name: getattr(delivery, name) for name in delivery.__slots__}


async def test_a_worker_that_was_late_to_say_that_it_lives_does_not_take_its_own_twice(
    office: Office, sink: Sink
) -> None:
    hub = office.hub()
    await office.plan(hub, SINK, "plain", notes(3))
    async with office.database.begin() as connection:
        await workers.leave(connection, hub.owner)
    assert await office.take_due(hub) == []
    other = office.hub("other")
    async with office.database.begin() as connection:
        await workers.leave(connection, hub.owner)
    assert len(await office.take_due(other)) == 3


@pytest.mark.parametrize(
    ("action", "in_flight"), [("keyed", "parked"), ("plain", "unknown"), ("batch", "parked")]
)
async def test_a_cancelled_run_gives_back_what_it_has_not_begun(
    office: Office, sink: Sink, action: str, in_flight: str
) -> None:
    await office.connect(SINK, await sink_account(office), burst=12, per_second=1)
    sink.slow_seconds = 5.0
    hub = office.hub()
    planned = await office.plan(hub, SINK, action, notes(100))
    await hub.clients.refresh()
    sender = Sender(hub, SINK)
    for one in planned:
        sender.queue.put_nowait(one)
    run = asyncio.create_task(sender.run())
    while not sink.arrivals:
        await asyncio.sleep(0.005)
    for one in await office.plan(hub, SINK, action, notes(5)):
        sender.queue.put_nowait(one)
    await asyncio.sleep(0.02)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    rows = await office.rows()
    assert {row.owner for row in rows} == {""}
    states = [row.state for row in rows]
    assert set(states) == {in_flight, "pending"}
    assert states.count(in_flight) <= 12  # calls under way at most, none of them left hanging
    sink.slow_seconds = 0.0
    await office.connect(SINK, await sink_account(office))
    await office.resend(hub, SINK)
    if action == "keyed":
        assert len(sink.keys) == len(set(sink.keys)) == 105
    assert set(await office.states()) <= {"sent", "unknown"}


async def test_credentials_that_change_do_not_cut_calls_under_way(
    office: Office, sink: Sink
) -> None:
    sink.slow_seconds = 0.15
    hub = office.hub()
    planned = await office.plan(hub, SINK, "plain", notes(8))
    await hub.clients.refresh()
    client = hub.clients.line(SINK).client
    sending = asyncio.create_task(office.send(hub, SINK, planned))
    while not sink.arrivals:
        await asyncio.sleep(0.005)
    await office.connect(SINK, await sink_account(office))
    await hub.clients.refresh()
    assert hub.clients.line(SINK).client is not client
    assert (await sending).counts == {"sent": 8}
    assert client.is_closed


@pytest_asyncio.fixture
async def fragile(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    """A PostgreSQL of its own, to be killed."""
    server = EmbeddedPostgres(tmp_path)
    server.start()
    server.create_databases()
    yield server
    server.stop()


@pytest.mark.durability
@pytest.mark.timeout(60)
async def test_a_database_that_is_killed_while_sending_costs_no_message_and_doubles_none(
    fragile: EmbeddedPostgres, tmp_path: Path
) -> None:
    database = Database(fragile.url("hub"))
    await migrate(database)
    office, sink = Office(database, tmp_path), Sink()
    async with served(sink) as base_url:
        await office.connect(SINK, {"base_url": base_url}, burst=20, per_second=200)
        hub = office.hub()
        planned = await office.plan(hub, SINK, "plain", notes(300))
        sending = asyncio.create_task(office.send(hub, SINK, planned))
        for share in (60, 160):
            while len(sink.arrivals) < share:
                await asyncio.sleep(0.002)
            assert fragile.pid is not None
            psutil.Process(fragile.pid).kill()
            while fragile.is_running():
                await asyncio.sleep(0.002)
            await asyncio.to_thread(fragile.restart_after_crash)
        assert (await sending).counts == {"sent": 300}
        assert sorted(sink.keys) == sorted(one.key for one in planned)
        assert [(r.state, r.reason) for r in await office.rows() if r.state != "sent"] == []
        await hub.clients.aclose()
    await database.aclose()


async def test_a_connector_that_is_not_there_is_refused_in_words(office: Office) -> None:
    hub = office.hub()
    await office.connect("nobody/main", {})
    sender = await office.send(
        hub, "nobody/main", await office.plan(hub, "nobody/main", "call", notes(1))
    )
    assert sender.counts == {"held": 1}
    (trouble,) = sender.troubles
    assert trouble.reason == "there is no connector named 'nobody'"


async def test_the_state_of_a_connection_is_read_again(office: Office, sink: Sink) -> None:
    hub = office.hub()
    await hub.clients.refresh()
    assert hub.clients.problem(SINK) == ""
    async with office.database.begin() as connection:
        stored = StoredConnection("sink", "main", "paused", "lunch", None, "f")
        await connections.put(connection, stored, now=hub.clock())
    await hub.clients.refresh()
    assert hub.clients.problem(SINK) == "sink/main is paused: lunch"
