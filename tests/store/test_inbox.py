"""The inbox: each fact once, in order of arrival, one subject in one batch at a time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from loyalty.events import Event
from loyalty.store import inbox
from loyalty.store.database import Database
from loyalty.store.inbox import Closing, Incoming

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def order(key: str, *, subject: str = "", kind: str = "order.paid") -> Event:
    """An event of the trigger `orders`, or of another kind."""
    data: dict[str, Any] = {"id": key, "currency": "EUR", "total": "1"}
    if kind.startswith("customer."):
        data = {"id": key}
    return Event.model_validate(
        {"type": kind, "store": "shop", "key": key, "time": NOON, "data": data,
         "subject": subject or f"shop:{key}"}
    )  # fmt: skip


async def accept(database: Database, *events: Event) -> set[str]:
    """Takes events in, in one transaction."""
    async with database.begin() as connection:
        return await inbox.accept(connection, [Incoming(one, NOON) for one in events])


async def claim(connection: Any, trigger: str = "orders", limit: int = 100) -> list[str]:
    """The keys that a transaction can claim now."""
    items = await inbox.claim(connection, trigger, limit=limit, now=NOON)
    return [item.event.key for item in items]


async def close(connection: Any, keys: Sequence[str], **closing: Any) -> None:
    """Closes events by their keys."""
    rows = await connection.execute(
        text("select id from inbox where key = any(:keys)"), {"keys": list(keys)}
    )
    fields = {"state": "done", **closing}
    closings = [Closing(row.id, **fields) for row in rows]
    await inbox.close(connection, closings, run_id=None, now=NOON)


async def test_a_fact_is_kept_once_within_a_batch_and_across_batches(database: Database) -> None:
    assert await accept(database, order("1"), order("1"), order("2")) == {
        "shop:order.paid:1",
        "shop:order.paid:2",
    }
    assert await accept(database, order("2"), order("3")) == {"shop:order.paid:3"}
    assert await accept(database, order("2")) == set()
    assert await accept(database) == set()


async def test_the_raw_request_and_the_delivery_id_are_kept(database: Database) -> None:
    raw = b"\x00\xff{}"
    async with database.begin() as connection:
        await inbox.accept(connection, [Incoming(order("1"), NOON, raw=raw, delivery_id="d-1")])
    await accept(database, order("1"))
    async with database.begin() as connection:
        row = (await connection.execute(text("select * from inbox"))).one()
    assert (row.raw, row.delivery_id, row.received_at) == (raw, "d-1", NOON)


async def test_many_that_bring_the_same_facts_at_once_keep_each_once(database: Database) -> None:
    """Each in another order, and nobody blocks another for good."""
    events = [order(str(n)) for n in range(30)]

    async def bring(seed: int) -> set[str]:
        return await accept(database, *random.Random(seed).sample(events, len(events)))

    new = await asyncio.gather(*(bring(seed) for seed in range(8)))
    assert sum(map(len, new)) == 30
    async with database.begin() as connection:
        count = (await connection.execute(text("select count(*) from inbox"))).scalar_one()
    assert count == 30


async def test_the_bell_rings_once_the_events_are_there_and_not_for_known_ones(
    database: Database, database_url: str
) -> None:
    heard: list[str] = []
    link = await asyncpg.connect(database_url)
    await link.add_listener(inbox.BELL, lambda *arguments: heard.append(arguments[-1]))
    try:
        sign_up = order("9", kind="customer.created")
        await accept(database, order("1"), order("2"), sign_up)
        await accept(database, order("1"))
        async with database.begin() as connection:
            await inbox.accept(connection, [Incoming(order("3"), NOON)])
            await connection.rollback()
        await link.execute("select 1")
        await asyncio.sleep(0.05)
    finally:
        await link.close()
    assert heard == ["orders,sign-ups"]


async def test_events_are_claimed_in_order_of_arrival(database: Database) -> None:
    await accept(database, order("c"), order("a"), order("c"))
    await accept(database, order("b"), order("a"))
    async with database.begin() as connection:
        assert await claim(connection, limit=2) == ["c", "a"]
    async with database.begin() as connection:
        assert await claim(connection) == ["c", "a", "b"]
        assert await claim(connection, "refunds") == []


async def test_what_one_claims_another_passes_over(database: Database) -> None:
    await accept(database, *(order(str(n)) for n in range(5)))
    async with database.begin() as one, database.begin() as two, database.begin() as three:
        assert await claim(one, limit=2) == ["0", "1"]
        assert await claim(two, limit=2) == ["2", "3"]
        assert await claim(three) == ["4"]


async def test_a_claim_ends_with_its_transaction_and_no_other_way(
    database: Database, database_url: str
) -> None:
    """A worker that dies gives its claims back by dying."""
    await accept(database, order("1"))
    dying = Database(database_url)
    async with dying.engine.connect() as connection:
        assert await claim(connection) == ["1"]
        async with database.begin() as other:
            assert await claim(other) == []
            await other.execute(
                text("select pg_terminate_backend(pid) from pg_stat_activity where pid <> "
                     "pg_backend_pid() and datname = current_database()")
            )  # fmt: skip
        await connection.invalidate()
    await asyncio.sleep(0.05)
    async with database.begin() as other:
        assert await claim(other) == ["1"]
    await dying.aclose()


async def test_a_subject_is_in_one_batch_at_a_time(database: Database) -> None:
    await accept(database, order("1", subject="ada"), order("2", subject="bea"))
    async with database.begin() as one:
        assert await claim(one, limit=1) == ["1"]
        await accept(database, order("3", subject="ada"), order("4", subject="bea"))
        async with database.begin() as two:
            assert await claim(two) == ["2", "4"]
        await close(one, ["1"])
    async with database.begin() as two:
        assert await claim(two) == ["2", "3", "4"]


async def test_a_later_event_does_not_pass_an_earlier_one_that_is_held(database: Database) -> None:
    """Another transaction holds the earlier row without working on its subject."""
    await accept(database, order("1", subject="ada"), order("2", subject="ada"), order("3"))
    async with database.begin() as one, database.begin() as two:
        await one.execute(text("select 1 from inbox where key = '1' for update"))
        assert await claim(two) == ["3"]
    async with database.begin() as two:
        assert await claim(two) == ["1", "2", "3"]


async def test_an_event_waits_for_earlier_ones_of_its_subject_in_other_triggers(
    database: Database,
) -> None:
    await accept(
        database,
        order("1", subject="ada", kind="customer.created"),
        order("2", subject="ada"),
        order("3", subject="bea"),
    )
    async with database.begin() as connection:
        assert await claim(connection) == ["3"]
        await connection.execute(
            text("insert into triggers (name, is_paused, updated_at)"
                 " values ('sign-ups', true, now())")
        )  # fmt: skip
    async with database.begin() as connection:
        assert await claim(connection) == ["2", "3"]
        await connection.execute(text("update triggers set is_paused = false"))
    async with database.begin() as connection:
        assert await claim(connection, "sign-ups") == ["1"]
        await close(connection, ["1"])
    async with database.begin() as connection:
        assert await claim(connection) == ["2", "3"]


async def test_eight_workers_never_have_one_subject_twice_nor_out_of_order(
    database: Database,
) -> None:
    subjects = [f"s{n % 7}" for n in range(140)]
    await accept(database, *(order(f"{n:03}", subject=s) for n, s in enumerate(subjects)))
    busy: set[str] = set()
    done: dict[str, list[str]] = {subject: [] for subject in subjects}

    async def work(number: int) -> None:
        chance = random.Random(number)
        while sum(map(len, done.values())) < len(subjects):
            async with database.begin() as connection:
                items = await inbox.claim(
                    connection, "orders", limit=chance.randint(1, 9), now=NOON
                )
                mine = {item.event.subject for item in items}
                assert not mine & busy
                busy.update(mine)
                await asyncio.sleep(chance.random() / 200)
                for item in items:
                    done[item.event.subject].append(item.event.key)
                closings = [Closing(item.id, "done") for item in items]
                await inbox.close(connection, closings, run_id=None, now=NOON)
                busy.difference_update(mine)

    await asyncio.wait_for(asyncio.gather(*(work(n) for n in range(8))), 30)
    assert {s: k for s, k in done.items() if k != sorted(k)} == {}
    assert sum(map(len, done.values())) == len(subjects)


async def test_an_event_that_is_not_due_yet_waits(database: Database) -> None:
    await accept(database, order("1"), order("2"))
    async with database.begin() as connection:
        await connection.execute(
            text("update inbox set due_at = :at where key = '1'"),
            {"at": NOON + timedelta(seconds=1)},
        )
        assert await claim(connection) == ["2"]
        assert await inbox.waiting(connection, now=NOON) == {"orders": 1}
        later = await inbox.waiting(connection, now=NOON + timedelta(seconds=1))
        assert later == {"orders": 2}


async def test_a_parked_event_goes_on_when_what_it_waits_for_comes(database: Database) -> None:
    await accept(database, *(order(key) for key in "123"))
    async with database.begin() as connection:
        await close(connection, ["1", "2"], state="parked", waits_for="sale:shop:7")
        await close(connection, ["3"], state="parked", waits_for="sale:shop:8")
    async with database.begin() as connection:
        assert await claim(connection) == []
        assert await inbox.release(connection, ["sale:shop:7", "sale:shop:9"]) == 2
        assert await inbox.release(connection, ["sale:shop:7"]) == 0
        assert await inbox.release(connection, []) == 0
    async with database.begin() as connection:
        assert await claim(connection) == ["1", "2"]
        assert await inbox.states(connection) == {"waiting": 2, "parked": 1}


@pytest.mark.parametrize("state", ["failed", "refused", "parked", "done", "waiting"])
async def test_what_ended_badly_can_be_tried_again_and_what_is_done_stays(
    database: Database, state: str
) -> None:
    event = order("1")
    await accept(database, event)
    async with database.begin() as connection:
        await close(connection, ["1"], state=state, reason="why", attempts=3)
    async with database.begin() as connection:
        again = await inbox.replay(connection, [event.business_key, "no:such:key"])
    is_open = state in ("failed", "refused", "parked")
    assert again == ([event.business_key] if is_open else [])
    async with database.begin() as connection:
        row = (await connection.execute(text("select * from inbox"))).one()
    assert row.state == ("waiting" if is_open else state)
    assert (row.attempts, row.reason) == ((0, "") if is_open else (3, "why"))


async def test_an_event_is_reclaimed_only_while_it_waits_and_nobody_has_it(
    database: Database,
) -> None:
    await accept(database, order("1"))
    async with database.begin() as one:
        (item,) = await inbox.claim(one, "orders", limit=1, now=NOON)
        async with database.begin() as two:
            assert not await inbox.reclaim(two, item.id)
    async with database.begin() as one:
        assert await inbox.reclaim(one, item.id)
        await close(one, ["1"])
    async with database.begin() as one:
        assert not await inbox.reclaim(one, item.id)


async def test_a_request_that_cannot_be_read_is_kept_for_inspection(database: Database) -> None:
    async with database.begin() as connection:
        await inbox.reject(
            connection,
            connector="shopify",
            name="main",
            received_at=NOON,
            problem="x" * 5000,
            headers={"a": "b"},
            body=b"\x00\xff",
        )
        row = (await connection.execute(text("select * from rejects"))).one()
    assert (row.body, row.headers, len(row.problem)) == (b"\x00\xff", {"a": "b"}, 2000)


async def test_who_parks_and_who_releases_wait_for_each_other(database: Database) -> None:
    """Two keys in any order block nobody for good."""
    keys = ["sale:shop:1", "contact:ada@example.com"]
    async with database.begin() as one:
        await inbox.settle_waits(one, keys)

        async def second() -> None:
            async with database.begin() as two:
                await inbox.settle_waits(two, reversed(keys))

        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.05)
        assert not waiting.done()
        async with database.begin() as three:
            await inbox.settle_waits(three, ["sale:shop:2"])
            await inbox.settle_waits(three, [])
    await asyncio.wait_for(waiting, 2)


_ROWS_LOOKED_AT = text("""
select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables
where relname = 'inbox'
""")


@pytest.mark.parametrize("statistics", ["none", "taken at rest"])
async def test_what_a_claim_costs_does_not_grow_with_the_burst(
    database: Database, statistics: str
) -> None:
    """PostgreSQL plans with what it knew of a table in which nothing waited.

    Some of its plans look at the whole batch for each event of the batch (10,100 rows), none at
    the whole burst for each (300,000).
    """
    await accept(database, *(order(f"early-{n}") for n in range(300)))
    async with database.begin() as connection:
        await close(connection, await claim(connection, limit=300))
    if statistics == "taken at rest":
        async with database.begin() as connection:
            await connection.execute(text("analyze inbox"))
    await accept(database, *(order(str(n)) for n in range(3_000)))
    async with database.begin() as connection:
        before = (await connection.execute(_ROWS_LOOKED_AT)).scalar_one()
        assert await claim(connection) == [str(n) for n in range(100)]
        assert (await connection.execute(_ROWS_LOOKED_AT)).scalar_one() - before < 30_000
