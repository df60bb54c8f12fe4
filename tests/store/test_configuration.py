"""Connections, programme and rules: what operations change, and who hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from loyalty.programme import Programme
from loyalty.store import audit, connections, rulebook, workers
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Heard = Callable[[], list[str]]


@pytest_asyncio.fixture
async def heard(database_url: str) -> AsyncIterator[Heard]:
    """The bells that rang so far."""
    rung: list[str] = []
    link = await asyncpg.connect(database_url)
    for bell in (connections.BELL, rulebook.BELL):
        await link.add_listener(bell, lambda *arguments: rung.append(arguments[2]))
    yield lambda: rung
    await link.close()


def stored(state: str = "active", sealed: bytes | None = b"\x00x") -> StoredConnection:
    """The connection `slack/main`."""
    return StoredConnection("slack", "main", state, "", sealed, "f1")


async def test_a_connection_is_added_and_replaced(database: Database, heard: Heard) -> None:
    for one in (stored(), stored("invalid", None)):
        async with database.begin() as connection:
            await connections.put(connection, one, now=NOON)
        async with database.begin() as connection:
            assert await connections.load(connection) == [one]
    assert one.slug == "slack/main"
    await asyncio.sleep(0.05)
    assert heard() == [connections.BELL] * 2


@pytest.mark.parametrize(
    ("before", "after", "unless", "changes"),
    [
        ("active", "refused", (), True),
        ("refused", "refused", (), False),
        ("paused", "refused", ("paused", "absent"), False),
        ("invalid", "refused", ("paused", "absent"), True),
    ],
)
async def test_only_the_first_who_changes_a_state_is_told_so(
    database: Database, before: str, after: str, unless: tuple[str, ...], changes: bool
) -> None:
    async with database.begin() as connection:
        await connections.put(connection, stored(before), now=NOON)
        changed = await connections.set_state(
            connection, "slack", "main", state=after, reason="why", now=NOON, unless=unless
        )
        (found,) = await connections.load(connection)
    assert changed == changes
    assert (found.state, found.reason) == ((after, "why") if changes else (before, ""))


async def test_of_many_that_refuse_a_connection_at_once_one_tells_of_it(
    database: Database,
) -> None:
    async with database.begin() as connection:
        await connections.put(connection, stored(), now=NOON)

    async def refuse() -> bool:
        async with database.begin() as connection:
            return await connections.set_state(
                connection, "slack", "main", state="refused", reason="401", now=NOON
            )

    assert sum(await asyncio.gather(*(refuse() for _ in range(8)))) == 1


async def test_a_state_that_does_not_exist_is_refused(database: Database) -> None:
    with pytest.raises(IntegrityError, match="ck_connections_state"):
        async with database.begin() as connection:
            await connections.put(connection, stored("sleeping"), now=NOON)


async def test_the_programme_is_kept_whole(database: Database, heard: Heard) -> None:
    async with database.begin() as connection:
        assert await rulebook.programme(connection) == Programme()
    programme = Programme.model_validate(
        {
            "name": "Club 🫖",
            "tiers": {"levels": [{"name": "gold", "at": "10.00", "factor": "1.50"}]},
            "milestones": [{"id": "m", "every": 500}],
            "eligible": {"tax": True, "subtract_tenders": ["gift_card"]},
            "routes": {"sms": ["twilio/main"]},
        }
    )
    async with database.begin() as connection:
        await rulebook.save_programme(connection, programme, now=NOON)
    async with database.begin() as connection:
        assert await rulebook.programme(connection) == programme
    await asyncio.sleep(0.05)
    assert heard() == [rulebook.BELL]


async def activate(database: Database, version: str, *, days: int = 0) -> None:
    """Puts a version in force."""
    async with database.begin() as connection:
        await rulebook.activate(
            connection,
            version,
            [{"id": version}],
            author="ada",
            reason="why",
            now=NOON + timedelta(days=days),
        )


async def test_one_version_is_in_force_and_every_one_is_kept(database: Database) -> None:
    async with database.begin() as connection:
        assert await rulebook.active(connection) is None
    await activate(database, "v1")
    await activate(database, "v2", days=1)
    await activate(database, "v1", days=2)
    async with database.begin() as connection:
        assert await rulebook.active(connection) == ("v1", [{"id": "v1"}])
        assert await rulebook.documents_of(connection, "v2") == [{"id": "v2"}]
        assert await rulebook.documents_of(connection, "v9") is None
        rows = (await connection.execute(text("select * from rule_sets order by version"))).all()
    assert [(row.version, row.state) for row in rows] == [("v1", "active"), ("v2", "retired")]
    assert rows[0].created_at == NOON
    assert rows[0].activated_at == NOON + timedelta(days=2)


async def test_two_who_publish_at_once_never_leave_two_in_force(database: Database) -> None:
    await activate(database, "v0")
    outcomes = await asyncio.gather(
        *(activate(database, f"v{n}") for n in range(1, 5)), return_exceptions=True
    )
    assert any(one is None for one in outcomes)
    assert all(one is None or isinstance(one, IntegrityError) for one in outcomes)
    async with database.begin() as connection:
        found = await connection.execute(
            text("select count(*) from rule_sets where state = 'active'")
        )
        assert found.scalar_one() == 1


async def test_workers_are_alive_while_they_say_so(database: Database) -> None:
    alive = timedelta(seconds=10)
    async with database.begin() as connection:
        await workers.beat(connection, "a", now=NOON)
        await workers.beat(connection, "b", now=NOON + alive)
        assert await workers.living(connection, now=NOON + alive, alive=alive) == ["b"]
        await workers.beat(connection, "a", now=NOON + alive)
        assert await workers.living(connection, now=NOON + alive, alive=alive) == ["a", "b"]
        await workers.leave(connection, "a")
        await workers.beat(connection, "c", now=NOON + timedelta(hours=1))
        rows = (await connection.execute(text("select name from workers"))).all()
    assert [row.name for row in rows] == ["c"]


async def test_what_people_did_is_written_down(database: Database) -> None:
    async with database.begin() as connection:
        await audit.note(
            connection, actor="ada", action="replay", subject="1", now=NOON, detail={"n": 1}
        )
        row = (await connection.execute(text("select * from audit"))).one()
    assert (row.actor, row.action, row.object, row.detail) == ("ada", "replay", "1", {"n": 1})
