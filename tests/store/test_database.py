"""How the database is reached: looking on without a transaction, batches without the collector."""

from __future__ import annotations

import gc

from sqlalchemy import text

from loyalty.store.database import Database
from loyalty.store.uncollected import uncollected

_COUNT = text("select count(*) from settings")
_ADD = text("insert into settings (name, value, updated_at) values (:name, '{}', now())")


async def test_who_looks_sees_what_others_commit_meanwhile(database: Database) -> None:
    async with database.look() as looking:
        before = (await looking.execute(_COUNT)).scalar_one()
        async with database.begin() as connection:
            await connection.execute(_ADD, {"name": "seen"})
            assert (await looking.execute(_COUNT)).scalar_one() == before
        assert (await looking.execute(_COUNT)).scalar_one() == before + 1


async def test_a_connection_that_was_looked_with_begins_transactions_again(
    database: Database,
) -> None:
    async with database.look() as looking:
        back_end = (await looking.execute(text("select pg_backend_pid()"))).scalar_one()
    try:
        async with database.begin() as connection:
            same = (await connection.execute(text("select pg_backend_pid()"))).scalar_one()
            await connection.execute(_ADD, {"name": "undone"})
            raise LookupError("the work breaks")
    except LookupError:
        pass
    assert same == back_end
    async with database.look() as looking:
        kept = await looking.execute(text("select 1 from settings where name = 'undone'"))
        assert kept.first() is None


def test_the_last_of_two_batches_brings_the_collector_back() -> None:
    assert gc.isenabled()
    first, second = uncollected(), uncollected()
    with first:
        second.__enter__()
        assert not gc.isenabled()
    assert not gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()
