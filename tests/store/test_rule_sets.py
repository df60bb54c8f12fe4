"""Drafts, approvals, the switch and its history, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from loyalty.store import rule_sets, rulebook
from loyalty.store.database import Database
from loyalty.store.rule_sets import Draft, SwitchRefused, Version

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def draft(version: str, *needs: str, author: str = "ada") -> Draft:
    return Draft(version, [{"id": version}], author, f"why {version}", needs)


async def start(database: Database, *versions: str) -> None:
    """Puts versions in force one after another."""
    for version in versions:
        async with database.begin() as connection:
            await rule_sets.put_in_force(connection, draft(version), now=NOON)


async def propose(database: Database, one: Draft) -> Version:
    async with database.begin() as connection:
        return await rule_sets.propose(connection, one, now=NOON)


async def publish(database: Database, version: str, actor: str = "bob") -> None:
    async with database.begin() as connection:
        await rule_sets.publish(connection, version, actor=actor, reason="", now=NOON)


async def in_force(database: Database) -> str:
    async with database.begin() as connection:
        found = await rulebook.active(connection)
    assert found is not None
    return found[0]


async def refusal(database: Database, version: str) -> str:
    with pytest.raises(SwitchRefused) as refused:
        await publish(database, version)
    return refused.value.code


async def test_a_draft_changes_nothing_until_it_is_published(database: Database) -> None:
    await start(database, "v1")
    made = await propose(database, draft("v2"))
    assert (made.state, made.base, made.author, made.reason) == ("draft", "v1", "ada", "why v2")
    assert await in_force(database) == "v1"
    await publish(database, "v2")
    assert await in_force(database) == "v2"


async def test_what_needs_approval_waits_for_a_second_person(database: Database) -> None:
    await start(database, "v1")
    made = await propose(database, draft("v2", "it may award 1000000 points"))
    assert made.waits_for_approval
    assert await refusal(database, "v2") == "needs_approval"
    for same in ("ada", " Ada ", ""):
        with pytest.raises(SwitchRefused, match="somebody else") as refused:
            async with database.begin() as connection:
                await rule_sets.approve(connection, "v2", by=same, now=NOON)
        assert refused.value.code == "same_person"
    assert await refusal(database, "v2") == "needs_approval"
    async with database.begin() as connection:
        approved = await rule_sets.approve(connection, "v2", by="bob", now=NOON)
    assert (approved.approved_by, approved.approved_at) == ("bob", NOON)
    await publish(database, "v2")
    async with database.begin() as connection:
        last, first = await rule_sets.history(connection)
    assert (last.version, last.before, last.approved_by, last.reason) == (
        "v2", "v1", "bob", "why v2",
    )  # fmt: skip
    assert (first.version, first.before) == ("v1", "")


async def test_a_draft_made_from_older_rules_undoes_nobody_s_change(database: Database) -> None:
    await start(database, "v1")
    await propose(database, draft("mine", "why"))
    async with database.begin() as connection:
        await rule_sets.approve(connection, "mine", by="bob", now=NOON)
    await start(database, "theirs")
    assert await refusal(database, "mine") == "stale"
    again = await propose(database, draft("mine", "why"))
    assert (again.base, again.approved_by) == ("theirs", "")
    assert await refusal(database, "mine") == "needs_approval"


async def test_rollback_is_the_same_switch_to_any_earlier_version(database: Database) -> None:
    await start(database, "v1", "v2", "v3")
    await propose(database, draft("v4"))
    async with database.begin() as connection:
        with pytest.raises(SwitchRefused) as refused:
            await rule_sets.rollback(connection, "v4", actor="bob", reason="", now=NOON)
        assert refused.value.code == "never_active"
        done = await rule_sets.rollback(connection, "v1", actor="bob", reason="oops", now=NOON)
        assert done is not None
        assert (done.before, done.reason) == ("v3", "oops")
        assert await rule_sets.rollback(connection, "v1", actor="b", reason="", now=NOON) is None
        states = {one.version: one.state for one in await rule_sets.versions(connection)}
    assert await in_force(database) == "v1"
    assert states == {"v1": "active", "v2": "retired", "v3": "retired", "v4": "draft"}


async def test_a_version_is_found_by_its_beginning_where_that_is_clear(database: Database) -> None:
    await start(database, "abcd11", "abcd22", "ef0123")
    async with database.begin() as connection:
        assert (await rule_sets.find(connection, "ef01")).version == "ef0123"
        for wanted, code in (("abcd", "ambiguous"), ("ef0", "unknown"), ("zzzz", "unknown")):
            with pytest.raises(SwitchRefused) as refused:
                await rule_sets.find(connection, wanted)
            assert refused.value.code == code


async def test_those_who_publish_at_once_take_turns(database: Database) -> None:
    await start(database, "v0")
    wanted = [f"w{n}" for n in range(6)]
    for version in wanted:
        await propose(database, draft(version))
    outcomes = await asyncio.gather(
        *(publish(database, one) for one in wanted), return_exceptions=True
    )
    assert sum(one is None for one in outcomes) == 1
    assert {one.code for one in outcomes if isinstance(one, SwitchRefused)} == {"stale"}
    async with database.begin() as connection:
        switches = await rule_sets.history(connection)
    assert [one.before for one in switches] == ["v0", ""]


async def test_a_switch_that_is_not_committed_never_was(database: Database) -> None:
    await start(database, "v1")
    await propose(database, draft("v2"))
    with pytest.raises(RuntimeError):  # noqa: PT012 - the death is inside the transaction
        async with database.begin() as connection:
            await rule_sets.publish(connection, "v2", actor="bob", reason="", now=NOON)
            raise RuntimeError("the process dies here")
    assert await in_force(database) == "v1"
    async with database.begin() as connection:
        assert len(await rule_sets.history(connection)) == 1


async def test_discarding_takes_drafts_only(database: Database) -> None:
    await start(database, "v1", "v2")
    await propose(database, draft("v3"))
    async with database.begin() as connection:
        for version in ("v1", "v2", "v3"):
            await rule_sets.discard(connection, version, by="ada", now=NOON)
        left = {one.version for one in await rule_sets.versions(connection)}
    assert left == {"v1", "v2"}


async def test_every_act_is_in_the_audit_log_and_the_history_only_grows(database: Database) -> None:
    await start(database, "v1")
    await propose(database, draft("v2", "why"))
    async with database.begin() as connection:
        await rule_sets.approve(connection, "v2", by="bob", now=NOON + timedelta(days=1))
    await publish(database, "v2", actor="bob")
    async with database.begin() as connection:
        rows = await connection.execute(text("select actor, action, object from audit order by id"))
        assert [tuple(row) for row in rows] == [
            ("ada", "publish rules", "v1"),
            ("ada", "propose rules", "v2"),
            ("bob", "approve rules", "v2"),
            ("bob", "publish rules", "v2"),
        ]
    with pytest.raises(DBAPIError, match="only grows"):
        async with database.begin() as connection:
            await connection.execute(text("delete from rule_switches"))
