"""Group commit: shared transactions, bad rows, full queues, and a database that hangs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from gateway.commit import GroupCommit
from gateway.work import Bounds, Crowded, Kept, Rejection, Unstorable, Work
from loyalty.events import Cancellation, Event, EventType
from loyalty.store.database import Database, StoreAway
from loyalty.store.inbox import Incoming
from tests.gateway.conftest import Serve

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@dataclass
class Counted:
    """Remembers the size of each group."""

    groups: list[int] = field(default_factory=list)

    def committed(self, requests: int, seconds: float) -> None:
        assert seconds > 0
        self.groups.append(requests)


def event(key: str, note: str = "", subject: str = "") -> Event:
    return Event(
        type=EventType.ORDER_CANCELLED,
        store="till/main",
        key=key,
        time=NOW,
        subject=subject or f"till/main:{key}",
        data=Cancellation(order_id="1", reason=note),
    )


def work(*keys: str, note: str = "") -> Work:
    return Work(
        incoming=[Incoming(event(key, note), received_at=NOW, raw=b"bytes") for key in keys]
    )


async def keys_of(database: Database) -> list[str]:
    async with database.begin() as connection:
        rows = await connection.execute(text("select key from inbox order by id"))
        return list(rows.scalars())


async def test_requests_that_arrive_together_share_transactions_in_order(
    database: Database,
) -> None:
    counted = Counted()
    commit = GroupCommit(database, observer=counted)
    kept = await asyncio.gather(*(commit.keep(work(f"{number:03}")) for number in range(200)))
    assert kept == [Kept(1, 0)] * 200
    assert counted.groups == [200], "all of them were there at the same turn of the loop"
    assert await keys_of(database) == [f"{number:03}" for number in range(200)]


async def test_a_group_is_bounded_and_two_transactions_are_under_way_at_most(
    database: Database,
) -> None:
    counted = Counted()
    commit = GroupCommit(database, observer=counted, bounds=Bounds(group=64))
    pending = [asyncio.create_task(commit.keep(work(str(number)))) for number in range(300)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(commit._commits) == 2
    assert commit.waiting == 300 - 128
    await asyncio.gather(*pending)
    assert sorted(counted.groups) == [44, 64, 64, 64, 64]


async def test_a_group_stops_growing_at_so_many_bytes(database: Database) -> None:
    counted = Counted()
    commit = GroupCommit(database, observer=counted, bounds=Bounds(group_bytes=20))
    await asyncio.gather(*(commit.keep(work(str(number))) for number in range(10)))
    assert sorted(counted.groups) == [2, 4, 4]


async def test_two_hundred_posts_at_once_share_few_commits(serve: Serve) -> None:
    hub = await serve()
    await hub.add()
    commits = "select xact_commit as n from pg_stat_database where datname = current_database()"
    await asyncio.sleep(0)
    bodies = [f'{{"sales": ["{number}"]}}'.encode() for number in range(200)]
    answers = await asyncio.gather(*(hub.post(body) for body in bodies))
    assert {answer.status_code for answer in answers} == {202}
    sizes = [
        line.split()[1]
        for line in (await hub.client.get("/metrics")).text.splitlines()
        if line.startswith("hub_commit_requests_count")
        or line.startswith("hub_commit_requests_sum")
    ]
    transactions, requests = (float(one) for one in sizes)
    assert requests == 200
    assert transactions < 100, f"{transactions:.0f} transactions for 200 requests"
    assert (await hub.rows("select count(*) as n from inbox"))[0].n == 200
    assert (await hub.rows(commits))[0].n > 0


async def test_the_same_key_in_two_requests_is_new_for_the_first_only(database: Database) -> None:
    commit = GroupCommit(database, observer=Counted())
    first, second, mixed = await asyncio.gather(
        commit.keep(work("a")), commit.keep(work("a")), commit.keep(work("a", "b"))
    )
    assert [first, second, mixed] == [Kept(1, 0), Kept(0, 1), Kept(1, 1)]


async def test_keys_that_another_transaction_inserts_wait_for_it(database: Database) -> None:
    """Inserted in opposite orders by two transactions they would block each other."""
    counted = Counted()
    commit = GroupCommit(database, observer=counted, bounds=Bounds(group=1))
    forth = [str(number) for number in range(500)]
    back = list(reversed(forth))
    kept = await asyncio.gather(commit.keep(work(*forth)), commit.keep(work(*back)))
    assert kept == [Kept(500, 0), Kept(0, 500)]


async def test_a_persons_later_event_is_never_there_before_the_earlier(database: Database) -> None:
    """Of two transactions under way the one that began later may be committed first."""
    commit = GroupCommit(database, observer=Counted(), bounds=Bounds(group=1))
    events = [event("1", subject="ada"), event("2", subject="ada"), event("3", subject="ben")]
    works = [Work(incoming=[Incoming(one, received_at=NOW)]) for one in events]
    pending = [asyncio.create_task(commit.keep(one)) for one in works]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert (len(commit._commits), commit.waiting) == (2, 1)
    assert commit._under_way >= {"ada", "ben"}, "the second of ada's waits, ben's does not"
    await asyncio.gather(*pending)
    assert (await keys_of(database)).index("1") < (await keys_of(database)).index("2")


@pytest.mark.parametrize("poison", ["a\0b", "\ud800"], ids=["NUL", "half a character"])
async def test_a_bad_row_fails_alone(database: Database, poison: str) -> None:
    commit = GroupCommit(database, observer=Counted())
    bad = event("bad")
    object.__setattr__(bad.data, "reason", poison)
    works = [work("1"), Work(incoming=[Incoming(bad, received_at=NOW)]), work("2", "3")]
    found = await asyncio.gather(*(commit.keep(one) for one in works), return_exceptions=True)
    assert found[0] == Kept(1, 0)
    assert isinstance(found[1], Unstorable)
    assert found[2] == Kept(2, 0)
    assert await keys_of(database) == ["1", "2", "3"]


async def test_a_request_is_kept_whole_or_not_at_all(database: Database) -> None:
    commit = GroupCommit(database, observer=Counted())
    bad = event("bad\0")
    mixed = Work(incoming=[Incoming(event("good"), received_at=NOW), Incoming(bad, NOW)])
    with pytest.raises(Unstorable):
        await commit.keep(mixed)
    assert await keys_of(database) == []


async def test_rejections_share_the_transaction_with_events(database: Database) -> None:
    counted = Counted()
    commit = GroupCommit(database, observer=counted)
    rejection = Rejection("till", "main", NOW, "unreadable", {"a": "b"}, b"\0\xff")
    await asyncio.gather(commit.keep(work("1")), commit.keep(Work(rejection=rejection)))
    assert counted.groups == [2]
    async with database.begin() as connection:
        row = (await connection.execute(text("select * from rejects"))).one()
    assert (row.problem, row.headers, row.body) == ("unreadable", {"a": "b"}, b"\0\xff")


async def test_a_full_queue_refuses_at_once_by_number_and_by_bytes(database: Database) -> None:
    for name, bounds in (("number", Bounds(waiting=3)), ("bytes", Bounds(waiting_bytes=15))):
        commit = GroupCommit(database, observer=Counted(), bounds=bounds)
        tasks = [asyncio.create_task(commit.keep(work(f"{name} {n}"))) for n in range(3)]
        await asyncio.sleep(0)
        waiting = [task for task in tasks if not task.done()]
        with pytest.raises(Crowded):
            await commit.keep(work("one too many"))
        await asyncio.gather(*waiting)
        assert commit.waiting == 0
        assert await commit.keep(work(f"{name} later")) == Kept(1, 0)


async def test_a_database_that_hangs_is_given_up_and_found_again(database: Database) -> None:
    bounds = Bounds(patience_seconds=0.5, commit_seconds=0.4)
    commit = GroupCommit(database, observer=Counted(), bounds=bounds)
    async with database.begin() as blocker:
        await blocker.execute(text("lock table inbox in access exclusive mode"))
        started = asyncio.get_running_loop().time()
        found = await asyncio.gather(
            *(commit.keep(work(str(number))) for number in range(20)), return_exceptions=True
        )
        assert asyncio.get_running_loop().time() - started < 3
        assert [type(one) for one in found] == [StoreAway] * 20
    assert await commit.keep(work("after")) == Kept(1, 0)
    assert "after" in await keys_of(database)


async def test_who_gave_up_waiting_is_not_committed_later(database: Database) -> None:
    bounds = Bounds(group=1, in_flight=1, patience_seconds=0.3, commit_seconds=2)
    commit = GroupCommit(database, observer=Counted(), bounds=bounds)
    async with database.begin() as blocker:
        await blocker.execute(text("lock table inbox in access exclusive mode"))
        found = await asyncio.gather(
            commit.keep(work("under way")), commit.keep(work("queued")), return_exceptions=True
        )
        assert [type(one) for one in found] == [StoreAway] * 2
    await commit.drain()
    assert "queued" not in await keys_of(database)


async def test_a_deadlock_with_another_process_is_tried_again(database: Database) -> None:
    """A poll that inserts the same keys in the opposite order, as flows may."""
    commit = GroupCommit(database, observer=Counted())
    insert = text("""
        insert into inbox (business_key, store, type, key, subject, trigger, occurred_at,
                           received_at, data)
        values ('till/main:order.cancelled:' || :key, 'till/main', 'order.cancelled', :key, 's',
                'refunds', now(), now(), '{}')
    """)

    async def poll() -> None:
        async with database.begin() as connection:
            # The victim is whoever notices first: let it be the gateway.
            await connection.execute(text("set local deadlock_timeout = '5s'"))
            await connection.execute(insert, {"key": "b"})
            task = asyncio.create_task(commit.keep(work("a", "b")))
            await asyncio.sleep(0.1)
            await connection.execute(text("select 1 from inbox where key = 'none'"))
            blocked = asyncio.create_task(connection.execute(insert, {"key": "a"}))
            await blocked
        kept.append(await task)

    kept: list[Kept] = []
    await poll()
    assert kept == [Kept(0, 2)]
    assert sorted(await keys_of(database)) == ["a", "b"]


async def test_an_error_of_ours_is_a_503_and_says_no_data(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database(database_url)
    async with database.begin() as connection:
        await connection.execute(text("alter table inbox rename column subject to topic"))
    commit = GroupCommit(database, observer=Counted())
    with pytest.raises(StoreAway):
        await commit.keep(work("canary-key", note="canary-note"))
    await database.aclose()
    assert "a group could not be committed" in caplog.text
    assert "canary" not in caplog.text
