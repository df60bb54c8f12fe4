"""Deliveries: planned once, leased by one, and sent stays sent."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from loyalty.store import connections, deliveries, delivery_lists, workers
from loyalty.store.connections import StoredConnection
from loyalty.store.database import Database
from loyalty.store.deliveries import LEASE, Delivery, Outcome
from loyalty.store.delivery_lists import Search
from loyalty.store.ids import new_id
from loyalty.store.tallies import tally

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
_numbers = itertools.count(1)


def delivery(state: str = "pending", *, owner: str = "", **fields: Any) -> Delivery:
    """A delivery through `slack/main`."""
    number = next(_numbers)
    return Delivery(
        id=new_id(NOON + timedelta(milliseconds=number)),
        **{
            "key": f"key {number}",
            "capability": "chat",
            "input": {"text": "Hello 🫖", "money": "1.10"},
            "state": state,
            "created_at": NOON,
            "connector": "slack",
            "connection": "main",
            "action": "post_message",
            "owner": owner,
            "lease_until": NOON + LEASE if owner else None,
            **fields,
        },
    )


class Store:
    """Deliveries on a database, at an instant that the test chooses."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOON

    async def connect(self, slug: str = "slack/main", state: str = "active") -> None:
        """Adds a connection."""
        async with self.database.begin() as connection:
            stored = StoredConnection(*slug.split("/"), state, "", None, "f")
            await connections.put(connection, stored, now=self.now)

    async def beat(self, *names: str) -> None:
        """Says that workers live."""
        async with self.database.begin() as connection:
            for name in names:
                await workers.beat(connection, name, now=self.now)

    async def plan(self, *planned: Delivery) -> list[Delivery]:
        """Writes deliveries."""
        async with self.database.begin() as connection:
            return await deliveries.plan(connection, planned)

    async def due(self, owner: str, limit: int = 100) -> list[Delivery]:
        """Leases what is due."""
        async with self.database.begin() as connection:
            return await deliveries.take_due(connection, owner=owner, limit=limit, now=self.now)

    async def lost(self, owner: str) -> list[Delivery]:
        """Leases what was being sent by a dead worker."""
        async with self.database.begin() as connection:
            return await deliveries.take_lost(connection, owner=owner, limit=100, now=self.now)

    async def begin(self, owner: str, *begun: Delivery) -> set[UUID]:
        """Marks deliveries as being sent."""
        async with self.database.begin() as connection:
            ids = [one.id for one in begun]
            return await deliveries.begin(connection, ids, owner=owner, now=self.now)

    async def finish(self, one: Delivery, state: str, **fields: Any) -> None:
        """Writes down how an attempt ended."""
        outcome = Outcome(one, state, self.now, self.now, **fields)
        async with self.database.begin() as connection:
            await deliveries.finish(connection, [outcome])

    async def next_due(self) -> datetime | None:
        """When something can be sent."""
        async with self.database.begin() as connection:
            return await deliveries.next_due(connection, now=self.now)

    async def rows(self) -> list[Any]:
        """The deliveries, in order."""
        async with self.database.begin() as connection:
            return list(await connection.execute(text("select * from deliveries order by id")))

    async def decide(self, ids: Sequence[UUID], state: str) -> list[UUID]:
        """A person's word."""
        async with self.database.begin() as connection:
            return await delivery_lists.decide(connection, ids, state=state, reason="because")


@pytest.fixture
def store(database: Database) -> Store:
    """On a fresh database."""
    return Store(database)


async def test_what_is_planned_twice_is_there_once(store: Store) -> None:
    first, twin, other = delivery(key="k"), delivery(key="k"), delivery()
    assert await store.plan(first, twin) == [first]
    assert await store.plan(twin, other) == [other]
    assert await store.plan() == []
    (row, _) = await store.rows()
    assert deliveries.delivery_of(row) == first


async def test_the_oldest_that_are_due_are_leased_and_to_one_only(store: Store) -> None:
    await store.connect()
    planned = await store.plan(*(delivery() for _ in range(5)))
    await store.beat("a", "b")
    mine = await store.due("a", limit=2)
    assert [one.id for one in mine] == [one.id for one in planned[:2]]
    assert {(one.owner, one.lease_until) for one in mine} == {("a", NOON + LEASE)}
    assert [one.id for one in await store.due("b")] == [one.id for one in planned[2:]]
    assert await store.due("a") == []


async def test_two_who_take_at_once_take_different_ones(store: Store) -> None:
    await store.connect()
    await store.plan(*(delivery() for _ in range(4)))
    await store.beat("a", "b")
    async with store.database.begin() as one, store.database.begin() as two:
        mine = await deliveries.take_due(one, owner="a", limit=2, now=NOON)
        other = await deliveries.take_due(two, owner="b", limit=9, now=NOON)
    assert len({item.id for item in [*mine, *other]}) == 4
    assert len(mine) == len(other) == 2


@pytest.mark.parametrize(
    ("state", "fields", "is_due"),
    [
        ("pending", {}, True),
        ("held", {}, True),
        ("parked", {"next_attempt_at": NOON}, True),
        ("parked", {"next_attempt_at": NOON + SECOND}, False),
        ("held", {"connection": "other"}, False),
        ("held", {"connector": "", "connection": "", "action": ""}, False),
        ("held", {"action": ""}, False),
        ("sending", {}, False),
        *((state, {}, False) for state in ("sent", "unknown", "dead", "suppressed", "cancelled")),
    ],
)
async def test_what_is_due(store: Store, state: str, fields: dict[str, Any], is_due: bool) -> None:
    await store.connect()
    await store.plan(delivery(state, **fields))
    expects_later = state == "parked" and not is_due
    is_lost = state == "sending"
    wanted = NOON if is_due or is_lost else NOON + SECOND if expects_later else None
    assert await store.next_due() == wanted
    assert bool(await store.due("a")) == is_due


@pytest.mark.parametrize("state", ["paused", "refused", "invalid", "absent"])
async def test_nothing_is_due_through_a_connection_that_is_not_active(
    store: Store, state: str
) -> None:
    await store.connect(state=state)
    await store.plan(delivery(), delivery("held"), delivery("parked", next_attempt_at=NOON))
    assert await store.due("a") == []
    assert await store.next_due() is None
    await store.connect()
    assert len(await store.due("a")) == 3


async def test_the_leases_of_a_dead_worker_are_free(store: Store) -> None:
    await store.connect()
    await store.beat("dead", "alive")
    await store.plan(delivery(owner="dead"), delivery(owner="alive"))
    assert await store.due("other") == []
    store.now += 11 * SECOND
    await store.beat("alive")
    assert await store.next_due() == store.now
    (found,) = await store.due("other")
    assert found.owner == "other"


async def test_a_worker_that_left_frees_its_leases_at_once(store: Store) -> None:
    await store.connect()
    await store.beat("gone")
    await store.plan(delivery(owner="gone"))
    assert await store.due("other") == []
    async with store.database.begin() as connection:
        await workers.leave(connection, "gone")
    assert len(await store.due("other")) == 1


async def test_a_lease_that_ran_out_is_free_though_its_worker_lives(store: Store) -> None:
    await store.connect()
    await store.plan(delivery(owner="slow"))
    store.now += LEASE
    await store.beat("slow")
    assert len(await store.due("other")) == 1


async def test_only_the_owner_begins_and_each_lease_once(store: Store) -> None:
    await store.connect()
    await store.beat("a", "b")
    (one,) = await store.plan(delivery(owner="a"))
    assert await store.begin("b", one) == set()
    assert await store.begin("a", one) == {one.id}
    assert await store.begin("a", one) == {one.id}  # the same mark, repeated
    (row,) = await store.rows()
    assert (row.state, row.attempts) == ("sending", 1)
    store.now += SECOND
    assert await store.begin("a", one) == set()  # another run of the same worker
    assert await store.begin("a") == set()


async def test_what_was_begun_and_lost_is_found_by_the_living(store: Store) -> None:
    await store.connect()
    await store.beat("a", "b")
    (one,) = await store.plan(delivery(owner="a"))
    await store.begin("a", one)
    assert await store.lost("b") == []
    assert await store.lost("a") == []  # it is still at it
    store.now += 11 * SECOND
    await store.beat("b")
    assert await store.next_due() == store.now
    (found,) = await store.lost("b")
    assert (found.state, found.attempts, found.owner) == ("sending", 1, "b")
    assert await store.begin("a", one) == set()


async def test_sent_is_never_overwritten(store: Store) -> None:
    await store.connect()
    (one,) = await store.plan(delivery(owner="a"))
    await store.begin("a", one)
    one.attempts = 1
    await store.finish(one, "sent", vendor_id="v1")
    for state in ("parked", "dead", "unknown", "pending"):
        await store.finish(one, state, reason="late")
    (row,) = await store.rows()
    assert (row.state, row.reason, row.vendor_id, row.owner) == ("sent", "", "v1", "")
    assert row.sent_at == NOON
    assert await store.decide([one.id], "pending") == []


async def test_whoever_was_taken_over_may_only_say_that_it_was_sent(store: Store) -> None:
    await store.connect()
    await store.beat("a", "b")
    slow, done = await store.plan(delivery(owner="a"), delivery(owner="a"))
    await store.begin("a", slow, done)
    store.now += 11 * SECOND
    await store.beat("b")
    assert len(await store.lost("b")) == 2
    await store.finish(slow, "dead", reason="too late")
    await store.finish(done, "sent")
    rows = await store.rows()
    assert [(row.state, row.owner) for row in rows] == [("sending", "b"), ("sent", "")]


async def test_each_attempt_is_kept_and_what_was_no_attempt_is_not(store: Store) -> None:
    (one,) = await store.plan(delivery(owner="a"))
    await store.begin("a", one)
    one.attempts = 1
    parked = {"next_attempt_at": NOON + SECOND, "reason": "503", "vendor_code": "E1"}
    await store.finish(one, "parked", **parked)
    await store.finish(one, "parked", **parked)
    (row,) = await store.rows()
    assert (row.state, row.attempts, row.next_attempt_at) == ("parked", 1, NOON + SECOND)
    other = delivery(owner="a")
    await store.plan(other)
    await store.finish(other, "held", attempted=False)
    async with store.database.begin() as connection:
        found = (await connection.execute(text("select * from attempts"))).all()
    assert [(row.number, row.outcome, row.vendor_code) for row in found] == [(1, "parked", "E1")]


async def test_what_was_not_begun_is_given_back(store: Store) -> None:
    await store.connect()
    await store.beat("a", "b")
    begun, waiting, others = await store.plan(
        delivery(owner="a", event_id=7), delivery(owner="a", event_id=7), delivery(owner="b")
    )
    await store.begin("a", begun)
    async with store.database.begin() as connection:
        ids = [begun.id, waiting.id, others.id]
        await deliveries.give_back(connection, ids, owner="a")
        await deliveries.give_back(connection, [], owner="a")
    assert [row.owner for row in await store.rows()] == ["a", "", "b"]
    async with store.database.begin() as connection:
        await deliveries.give_back_events(connection, [7, 8], owner="b")
    assert [row.owner for row in await store.rows()] == ["a", "", "b"]


async def test_what_was_planned_by_a_commit_without_an_answer_is_freed(store: Store) -> None:
    await store.plan(delivery(owner="a", event_id=7), delivery(owner="a", event_id=8))
    async with store.database.begin() as connection:
        await deliveries.give_back_events(connection, [7], owner="a")
    assert [row.owner for row in await store.rows()] == ["", "a"]


async def test_a_route_that_is_found_later_is_given_to_what_waits(store: Store) -> None:
    nowhere = {"connector": "", "connection": "", "action": ""}
    await store.plan(delivery("held", **nowhere), delivery("suppressed", **nowhere))
    async with store.database.begin() as connection:
        assert await deliveries.without_route(connection, ["sms"]) == []
        assert await deliveries.without_route(connection, ["sms", "chat"]) == ["chat"]
        await deliveries.assign(
            connection, "chat", connector="slack", name="main", action="post_message"
        )
        assert await deliveries.without_route(connection, ["chat"]) == []
    assert [row.connector for row in await store.rows()] == ["slack", ""]


@pytest.mark.parametrize(
    ("word", "may_change"),
    [
        ("pending", {"dead", "unknown", "parked", "held"}),
        ("sent", {"unknown"}),
        ("cancelled", {"dead", "unknown", "parked", "held", "pending"}),
    ],
)
async def test_what_a_person_may_decide(store: Store, word: str, may_change: set[str]) -> None:
    states = ["pending", "sending", "sent", "parked", "held", "unknown", "dead", "suppressed",
              "cancelled"]  # fmt: skip
    planned = await store.plan(*(delivery(state) for state in states))
    changed = await store.decide([one.id for one in planned], word)
    assert {one.state for one in planned if one.id in changed} == may_change
    assert {row.state for row in await store.rows() if row.id in changed} == {word}


async def test_a_cancelled_delivery_is_not_sent_by_whoever_had_it_in_hand(store: Store) -> None:
    (one,) = await store.plan(delivery(owner="a"))
    await store.decide([one.id], "cancelled")
    assert await store.begin("a", one) == set()


async def test_deliveries_are_counted_and_found(store: Store) -> None:
    planned = await store.plan(
        delivery("dead", reason="bad"), delivery("dead"), delivery("sent", key="a%b_c")
    )
    async with store.database.begin() as connection:
        tallies = await tally(connection)
        dead = await delivery_lists.search(connection, Search(states=("dead",), limit=1))
        by_key = await delivery_lists.search(connection, Search(key="%b_"))
        by_route = await delivery_lists.search(connection, Search(route="slack"))
        nobody = await delivery_lists.search(connection, Search(route="slack/other"))
    assert [(one.route, one.state, one.count, one.reason) for one in tallies] == [
        ("slack/main", "dead", 2, "bad"),
        ("slack/main", "sent", 1, ""),
    ]
    assert [one.id for one in dead] == [planned[1].id]
    assert [one.id for one in by_key] == [planned[2].id]
    assert (len(by_route), nobody) == (3, [])
