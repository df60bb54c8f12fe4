"""The run that sends what is due asks the gate first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from flows.announcing import announce
from flows.deliver import take
from loyalty.events import Channel, ConsentState
from loyalty.store import people, rulebook
from loyalty.store.database import Database
from loyalty.store.people import ConsentNote
from rules import RuleSet
from tests.flows.booking.desk import ADA, Desk
from tests.flows.messages.post import HELLO, NIGHT, Post, governed
from tests.flows.sending.office import Office


@pytest_asyncio.fixture
async def office(database: Database, tmp_path: Path) -> AsyncIterator[Office]:
    """Everything around a worker."""
    office = Office(database, tmp_path)
    yield office
    for hub in office.hubs:
        await hub.clients.aclose()


async def test_a_worker_sends_nothing_that_the_gate_now_refuses(
    database: Database, office: Office
) -> None:
    hub = office.hub()
    hub.texts = HELLO
    await office.publish(RuleSet.load([]))
    async with database.begin() as connection:
        await rulebook.save_programme(connection, governed(**NIGHT), now=hub.clock())
    post = await Post.open(Desk(database), **NIGHT)
    clock = hub.clock
    hub.clock = lambda: clock().replace(hour=23)
    await hub.clients.refresh()
    long_ago = hub.clock() - timedelta(days=400)
    for address in (ADA["phone"], "+4915112345679"):
        await post.said("sms", ConsentState.GRANTED, address=address, at=long_ago)
    async with database.begin() as connection:
        letters = [post.letter(), post.letter(address="+4915112345679")]
        stays, goes = await announce(connection, letters, terms=await hub.terms())
        assert {stays.state, goes.state} == {"parked"}
        no = ConsentNote(
            None, Channel.SMS, stays.target, ConsentState.WITHDRAWN, "shop t", hub.clock()
        )
        await people.note_consents(connection, [no], now=hub.clock())
    await office.beat(hub)
    assert await take(hub, 100) == ([], [])
    hub.clock = lambda: clock().replace(hour=9) + timedelta(days=1)
    await office.beat(hub)
    taken, troubles = await take(hub, 100)
    assert ([one.id for one in taken], troubles) == ([goes.id], [])
    rows = await post.desk.rows("select state from deliveries where id = :id", id=stays.id)
    assert rows[0].state == "suppressed"
