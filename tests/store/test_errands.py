"""Errands: each asked for once, taken by one worker at a time, and given up on in the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from loyalty.store import errands
from loyalty.store.database import Database

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def _ask(database: Database, key: str) -> None:
    async with database.begin() as connection:
        await errands.ask(
            connection, deployment="simulate-rules", parameters={"days": 3}, key=key, now=NOW
        )


async def test_the_same_key_is_one_errand(database: Database) -> None:
    for _ in range(3):
        await _ask(database, "campaign:1")
    async with database.begin() as connection:
        taken = await errands.take(connection, now=NOW)
    assert [(one.key, one.deployment, one.parameters) for one in taken] == [
        ("campaign:1", "simulate-rules", {"days": 3})
    ]


async def test_what_one_worker_takes_another_leaves_until_the_lease_is_over(
    database: Database,
) -> None:
    await _ask(database, "campaign:1")
    async with database.begin() as mine, database.begin() as theirs:
        assert len(await errands.take(mine, now=NOW)) == 1
        assert await errands.take(theirs, now=NOW) == []
    async with database.begin() as connection:
        assert await errands.take(connection, now=NOW + timedelta(seconds=59)) == []
        assert len(await errands.take(connection, now=NOW + timedelta(seconds=61))) == 1


async def test_an_errand_that_was_undone_with_its_transaction_was_never_asked(
    database: Database,
) -> None:
    try:
        async with database.begin() as connection:
            await errands.ask(connection, deployment="x", parameters={}, key="k", now=NOW)
            raise RuntimeError
    except RuntimeError:
        pass
    async with database.begin() as connection:
        assert await errands.take(connection, now=NOW) == []


async def test_errors_are_waited_out_ever_longer_and_then_a_person_decides(
    database: Database,
) -> None:
    await _ask(database, "campaign:1")
    now, pauses = NOW, []
    while True:
        async with database.begin() as connection:
            taken = await errands.take(connection, now=now)
            if not taken:
                break
            await errands.not_started(connection, taken[0], problem="Prefect answered 500", now=now)
            found = (await errands.find(connection, ["campaign:1"]))["campaign:1"]
        pauses.append(found.due_at - now)
        now = found.due_at
    assert len(pauses) == errands.MOST_ATTEMPTS
    assert pauses == sorted(pauses)
    assert (found.state, found.problem) == ("failed", "Prefect answered 500")
    async with database.begin() as connection:
        assert await errands.ask_again(connection, "campaign:1", now=now)
        assert not await errands.ask_again(connection, "campaign:1", now=now)
        assert len(await errands.take(connection, now=now)) == 1


async def test_a_run_that_is_noted_stays(database: Database) -> None:
    await _ask(database, "campaign:1")
    run = uuid4()
    async with database.begin() as connection:
        taken = await errands.take(connection, now=NOW)
        await errands.started(connection, "campaign:1", run_id=run, now=NOW)
        await errands.not_started(connection, taken[0], problem="late", now=NOW, is_final=True)
        found = (await errands.find(connection, ["campaign:1"]))["campaign:1"]
    assert (found.state, found.run_id, found.problem) == ("started", run, "")
