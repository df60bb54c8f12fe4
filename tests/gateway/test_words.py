"""What a vendor says that is no event: a ring, a notice; and the answer it insists on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from loyalty.store import polls
from tests.gateway.conftest import Running

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
EVERY = {"till/main": timedelta(days=9999)}


async def test_a_ring_makes_the_poll_due_and_keeps_its_cursor(hub: Running) -> None:
    async with hub.database.begin() as connection:
        await polls.ring(connection, ["till/main"], now=NOON)
        (turn,) = await polls.take(connection, EVERY, owner="w", now=NOON)
        await polls.advance(connection, turn, "42", now=NOON)
        await polls.settle(connection, turn, now=NOON)
    answer = await hub.post(b"{}", topic="bell")
    assert (answer.status_code, answer.json()["events"]) == (202, [])
    async with hub.database.begin() as connection:
        now = datetime.now(UTC) + timedelta(seconds=1)
        (due,) = await polls.take(connection, EVERY, owner="w", now=now)
    assert (due.connection, due.cursor) == ("till/main", "42")
    assert await hub.rows("select 1 from inbox") == []


async def test_an_unproven_ring_rings_nothing(hub: Running) -> None:
    signed = hub.signed(b"{}", topic="bell")
    answer = await hub.client.post("/hooks/till/main", content=b"{ }", headers=signed)
    assert answer.status_code == 401
    assert await hub.rows("select 1 from polls") == []


async def test_a_notice_is_kept_and_a_revoked_connection_is_refused(hub: Running) -> None:
    assert (await hub.post(b'{"till": 7}', topic="goodbye")).status_code == 202
    (line,) = await hub.rows("select actor, action, detail from audit order by id desc limit 1")
    assert (line.actor, line.action) == ("till/main", "notice.revoked")
    assert line.detail == {"text": "the till was taken away", "till": "7"}
    (state,) = await hub.rows("select state, reason from connections where name = 'main'")
    assert tuple(state) == ("refused", "the till was taken away")


async def test_what_a_person_paused_stays_paused(hub: Running) -> None:
    await hub.add("quiet", state="paused", reason="holidays")
    answer = await hub.post(b'{"till": 7}', topic="goodbye", path="/hooks/till/quiet")
    assert answer.status_code == 202
    (state,) = await hub.rows("select state from connections where name = 'quiet'")
    assert state.state == "paused"


async def test_a_notice_that_cannot_be_read_is_kept_as_a_reject(hub: Running) -> None:
    before = await hub.rows("select count(*) from audit")
    assert (await hub.post(b"{}", topic="goodbye")).status_code == 422
    assert await hub.rows("select count(*) from audit") == before
    assert len(await hub.rows("select 1 from rejects")) == 1


async def test_a_vendor_that_wants_its_own_answer_gets_it(hub: Running) -> None:
    await hub.add("main", vendor="terse")
    for topic, body in (("sales", b'{"sales": [1]}'), ("bell", b"{}"), ("nothing known", b"{}")):
        answer = await hub.post(body, topic=topic, path="/hooks/terse/main")
        assert (answer.status_code, answer.content) == (200, b"OK")
        assert answer.headers["content-type"].startswith("text/plain")
    assert (await hub.client.post("/hooks/terse/main", content=b"{}")).status_code == 401
