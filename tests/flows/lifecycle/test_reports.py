"""What is heard of our messages is tied to the delivery, judged, and counted once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from loyalty.engagement import Figures, Kind, Touch
from loyalty.events import Channel, Event, EventType, MessageReport
from loyalty.lifecycle_policy import TrackingPolicy
from loyalty.store import engagement
from loyalty.store.database import Database
from loyalty.store.deliveries import Delivery
from rules import RuleSet
from tests.flows.booking.desk import Desk, signed_up
from tests.flows.lifecycle.post import NOON, plan, rows, send, step

PHONE = "Mozilla/5.0 (iPhone)"


async def sent(database: Database, *keys: str, **more: Any) -> list[Delivery]:
    """E-mails that were handed over at noon; the vendor calls each by its delivery's id."""
    found = [step("email", key=key, **more) for key in keys]
    await plan(database, *found)
    await send(database, *(one.id for one in found))
    return found


def told(
    kind: EventType, one: Delivery, *, store: str = "smtp/main", seconds: float = 60, **more: Any
) -> Event:
    """A vendor's report about a delivery."""
    fields = {"user_agent": PHONE, **more}
    return Event(
        type=kind,
        store=store,
        key=f"{one.id}:{seconds}:{sorted(more)}",
        time=NOON + timedelta(seconds=seconds),
        subject=f"delivery:{one.id}",
        data=MessageReport(
            channel=Channel.EMAIL,
            address="ada@example.org",
            vendor_message_id=str(one.id),
            **fields,
        ),
    )


async def counted(database: Database, *ids: UUID) -> set[tuple[str, bool]]:
    query = "select kind, is_machine from engagements where delivery_id = any(:ids)"
    found = await rows(database, query, ids=list(ids))
    return {(one.kind, one.is_machine) for one in found}


async def test_a_report_is_tied_to_the_delivery_by_the_vendors_id(
    desk: Desk, database: Database
) -> None:
    mine, other = await sent(database, "a", "b")
    await desk.accept(told(EventType.MESSAGE_CLICKED, mine, detail="https://shop.example"))
    await desk.work_off()
    assert await counted(database, mine.id) == {("clicked", False), ("opened", False)}
    assert await counted(database, other.id) == set()


async def test_another_connections_message_of_the_same_id_is_not_ours(
    desk: Desk, database: Database
) -> None:
    (mine,) = await sent(database, "a")
    await desk.accept(told(EventType.MESSAGE_OPENED, mine, store="smtp/other"))
    await desk.work_off()
    assert await counted(database, mine.id) == set()


async def test_the_hubs_own_links_name_the_delivery_itself(desk: Desk, database: Database) -> None:
    (mine,) = await sent(database, "a")
    await desk.accept(told(EventType.MESSAGE_OPENED, mine, store="hub"))
    await desk.accept(told(EventType.MESSAGE_OPENED, mine, store="hub", seconds=3))
    await desk.work_off()
    assert await counted(database, mine.id) == {("opened", False), ("opened", True)}


async def test_a_report_about_a_mail_of_nobodys_is_done_and_changes_nothing(
    desk: Desk, database: Database
) -> None:
    nobodys = step("email", key="never planned")
    for store in ("hub", "smtp/main"):
        await desk.accept(told(EventType.MESSAGE_CLICKED, nobodys, store=store))
    await desk.work_off()
    states = await rows(database, "select state from inbox")
    assert [one.state for one in states] == ["done", "done"]
    assert await rows(database, "select * from engagements") == []


CLICKS_PAY = RuleSet.load(
    [{"id": "reads", "on": ["message.clicked"], "then": [{"award": {"points": "5", "flat": True}}]}]
)


async def test_rules_pay_for_a_persons_click_and_not_for_a_scanners(database: Database) -> None:
    desk = Desk(database, rules=CLICKS_PAY)
    await desk.take(signed_up())
    (member,) = await desk.rows("select id from members")
    ada = member.id
    (mine,) = await sent(database, "a", member_id=ada)
    scanner, person = (
        told(
            EventType.MESSAGE_CLICKED,
            mine,
            store="hub",
            seconds=seconds,
            detail="https://x.example",
        )
        for seconds in (2, 600)
    )
    await desk.accept(scanner)
    await desk.work_off()
    assert await points(database, ada) == 0
    await desk.accept(person)
    await desk.work_off()
    assert await points(database, ada) == 5


async def points(database: Database, member: UUID) -> int:
    (one,) = await rows(database, "select points from members where id = :id", id=member)
    return int(one.points)


async def test_many_at_once_count_a_person_once(database: Database) -> None:
    (mine,) = await sent(database, "a")

    async def one(seconds: int) -> None:
        touch = Touch(Kind.OPENED, NOON + timedelta(seconds=seconds), user_agent=PHONE)
        async with database.begin() as connection:
            await engagement.record(connection, [(mine.id, touch)], policy=TrackingPolicy())

    await asyncio.gather(*(one(60 + n) for n in range(8)))
    (mark,) = await rows(database, "select * from engagements")
    assert (mark.times, mark.at) == (8, NOON + timedelta(seconds=60))


async def figures(database: Database, campaign: str) -> Figures:
    async with database.begin() as connection:
        return (await engagement.figures_of(connection, [campaign]))[campaign]


async def note(database: Database, one: Delivery, kind: Kind, at: datetime) -> None:
    async with database.begin() as connection:
        touch = Touch(kind, at, user_agent=PHONE)
        await engagement.record(connection, [(one.id, touch)], policy=TrackingPolicy())


async def test_a_campaign_counts_people_and_not_messages(database: Database) -> None:
    ada, bob, eve = await sent(database, "a", "b", "c", campaign="spring")
    again = step("sms", key="a", campaign="spring")
    again.target = ada.target
    waiting = step("email", key="d", campaign="spring", state="parked")
    await plan(database, again, waiting)
    await send(database, again.id)
    later = NOON + timedelta(minutes=5)
    for one in (ada, again):
        await note(database, one, Kind.CLICKED, later)
    await note(database, bob, Kind.BOUNCED, later)
    await note(database, eve, Kind.JOINED, later)
    found = await figures(database, "spring")
    assert (found.sent, found.delivered, found.bounced) == (3, 2, 1)
    assert (found.opens_human, found.clicks_human, found.joined) == (1, 1, 1)
    assert str(found.open_rate) == "0.5000"
    assert await figures(database, "another") == Figures()


@pytest.mark.parametrize(("first", "bounced"), [(Kind.BOUNCED, 0), (Kind.DELIVERED, 1)])
async def test_what_came_back_and_arrived_later_has_arrived(
    database: Database, first: Kind, bounced: int
) -> None:
    (mine,) = await sent(database, "a", campaign="spring")
    last = Kind.DELIVERED if first is Kind.BOUNCED else Kind.BOUNCED
    await note(database, mine, first, NOON + timedelta(minutes=1))
    await note(database, mine, last, NOON + timedelta(minutes=2))
    assert (await figures(database, "spring")).bounced == bounced


async def test_people_of_a_campaign_are_told_page_by_page(database: Database) -> None:
    found = await sent(database, "a", "b", "c", campaign="spring")
    await note(database, found[1], Kind.OPENED, NOON + timedelta(minutes=1))
    seen, beyond = [], ""
    while True:
        async with database.begin() as connection:
            page = await engagement.people_of(connection, "spring", beyond=beyond, limit=2)
        if not page:
            break
        seen, beyond = [*seen, *page], page[-1].person
    assert [one.opened_at is not None for one in seen] == [False, True, False]
