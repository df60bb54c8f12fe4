"""Conversations: when an invitation may go, whose chat it becomes, and that it is so once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from loyalty.chat_policy import ChatPolicy
from loyalty.events import Event
from loyalty.links import LinkKind, Links
from loyalty.store.connections import StoredConnection
from loyalty.store.ids import new_id
from tests.flows.booking.accounts import PLAIN, ending, erased, programme
from tests.flows.booking.desk import ADA, NOON, Desk, event

LINE = "line/main"
ZOE = "U" + "0a" * 16
HOUR = timedelta(hours=1)


@pytest.fixture
async def chats(desk: Desk) -> Desk:
    """Zoe wrote at noon; Ada is a member."""
    desk.rules, desk.programme = PLAIN, programme()
    desk.links = Links(b"a key for the links of the test", "https://hub.example.com")
    connection = StoredConnection("line", "main", "active", "", b"x", "f")
    desk.directory.connections[LINE] = connection  # type: ignore[index]
    await desk.take(event("customer.created", "c1", ADA), wrote())
    return desk


def wrote(text: str = "hello", *, at: datetime = NOON, contact: str = ZOE) -> Event:
    """chat.received on LINE."""
    data = {"id": f"m{at.isoformat()}", "channel": "line", "body": text}
    return chat("chat.received", f"m{at.isoformat()}", {**data, "customer": {"id": contact}}, at)


def invited(number: UUID, *, at: datetime = NOON, contact: str = ZOE, store: str = LINE) -> Event:
    """chat.invited by Anna."""
    data = {"invitation_id": str(number), "contact": contact, "by": "anna"}
    data["channel"] = store.partition("/")[0]
    return chat("chat.invited", str(number), data, at, store=store)


def bound(number: UUID, who: dict[str, Any] = ADA, *, at: datetime = NOON) -> Event:
    """chat.bound by somebody who is signed in."""
    data = {"invitation_id": str(number), "customer": who}
    return event("chat.bound", f"{number}:{who['id']}", data, at=at)


def chat(kind: str, key: str, data: dict[str, Any], at: datetime, *, store: str = LINE) -> Event:
    """An event of a chat's own store."""
    plain = event(kind, key, data, at=at)
    return plain.model_copy(update={"store": store, "subject": f"{store}:customer:{ZOE}"})


async def whose(desk: Desk) -> list[str]:
    """The e-mail of the member whom Zoe's chat belongs to."""
    rows = await desk.rows(
        "select m.email from identities i join members m on m.id = i.member_id "
        "where i.store = :store and i.value = :who",
        store=LINE,
        who=ZOE,
    )
    return [row.email for row in rows]


async def test_an_invitation_goes_with_a_button_whose_link_is_signed(chats: Desk) -> None:
    number = new_id(NOON)
    await chats.take(invited(number))
    [sent] = await chats.rows("select * from deliveries where rule = 'chat_invitation'")
    assert (sent.capability, sent.connector, sent.state, sent.target) == (
        "push", "line", "pending", ZOE,
    )  # fmt: skip
    button = sent.input["button"]
    assert button["label"] == "Join now"
    token = button["url"].rpartition("/")[2]
    assert button["url"].endswith(f"/b/{token}")
    links: Links | None = chats.terms().planner.links
    assert links is not None
    assert links.read(LinkKind.BIND, token) == {"i": str(number)}


@pytest.mark.parametrize(
    ("hours", "code"),
    [(24, ""), (24.001, "window_closed")],
)
async def test_it_goes_within_24_hours_of_the_last_message(
    chats: Desk, hours: float, code: str
) -> None:
    chats.now = NOON + hours * HOUR
    asked = invited(new_id(chats.now), at=chats.now)
    await chats.take(asked)
    assert await ending(chats, asked) == ("refused" if code else "done", code)


async def test_a_press_opens_the_conversation_and_stop_closes_it_for_good(chats: Desk) -> None:
    chats.now = NOON + 30 * HOUR
    press = {"name": "line.postback", "ref": "menu", "customer": {"id": ZOE}}
    await chats.take(chat("activity.reported", "p1", press, chats.now))
    first = invited(new_id(chats.now), at=chats.now)
    await chats.take(first)
    assert (await ending(chats, first))[0] == "done"
    await chats.take(wrote("Stop!", at=chats.now), wrote("hi", at=chats.now + HOUR))
    second = invited(new_id(chats.now), at=chats.now)
    await chats.take(second)
    assert await ending(chats, second) == ("refused", "opted_out")


@pytest.mark.parametrize(
    ("store", "contact", "code"),
    [
        ("whatsapp/main", "4915550100999", "channel_unsupported"),
        ("slack/main", "U1", "channel_unsupported"),
        (LINE, "U" + "0b" * 16, "window_closed"),
    ],
)
async def test_other_channels_and_strangers_are_not_invited(
    chats: Desk, store: str, contact: str, code: str
) -> None:
    asked = invited(new_id(NOON), store=store, contact=contact)
    await chats.take(asked)
    assert await ending(chats, asked) == ("refused", code)
    assert await chats.rows("select 1 from deliveries where rule = 'chat_invitation'") == []


async def test_slack_is_invited_in_where_the_person_wrote_once_the_programme_lists_it(
    chats: Desk,
) -> None:
    slack = StoredConnection("slack", "main", "active", "", b"x", "f")
    chats.directory.connections["slack/main"] = slack  # type: ignore[index]
    chats.programme = chats.programme.model_copy(
        update={"chat": ChatPolicy(invite_channels=("messenger", "line", "slack"))}
    )
    place = "C0SHARED1:1795262420.000100"
    data = {"id": "m1", "channel": "slack", "body": "hi", "place": place, "customer": {"id": "U1"}}
    await chats.take(chat("chat.received", "m1", data, NOON, store="slack/main"))
    late = invited(new_id(NOON), at=NOON, store="slack/main", contact="U1")
    await chats.take(invited(new_id(NOON), store="slack/main", contact="U1"))
    [sent] = await chats.rows("select * from deliveries where rule = 'chat_invitation'")
    assert (sent.connector, sent.action, sent.target) == ("slack", "send_message", "U1")
    assert (sent.state, sent.input["place"]) == ("pending", place)
    assert sent.input["button"]["label"] == "Join now"
    chats.now = NOON + 24.001 * HOUR
    await chats.take(late)
    assert await ending(chats, late) == ("refused", "window_closed")


async def test_the_link_binds_once_and_for_less_than_an_hour(chats: Desk) -> None:
    first, late = new_id(NOON), new_id(NOON)
    await chats.take(invited(first), invited(late))
    bo = {"id": "c2", "email": "bo@example.com"}
    await chats.take(event("customer.created", "c2", bo))
    await chats.take(bound(first, at=NOON + 0.99 * HOUR))
    assert await whose(chats) == [ADA["email"]]
    again, over = bound(first, bo), bound(late, at=NOON + HOUR)
    await chats.take(again, over)
    assert await ending(chats, again) == ("refused", "link_used")
    assert await ending(chats, over) == ("refused", "link_expired")
    assert await whose(chats) == [ADA["email"]]


async def test_two_people_at_once_bind_one_of_them(chats: Desk) -> None:
    number = new_id(NOON)
    bo = {"id": "c2", "email": "bo@example.com"}
    await chats.take(event("customer.created", "c2", bo), invited(number))
    events = [bound(number), bound(number, bo)]
    await chats.accept(*events)
    await asyncio.gather(*(chats.book("members", limit=1) for _ in range(2)))
    await chats.work_off()
    ends = sorted([(await ending(chats, one)) for one in events])
    assert ends == [("done", ""), ("refused", "link_used")]
    assert len(await whose(chats)) == 1


async def test_a_chat_that_is_a_member_already_becomes_one_with_the_account(chats: Desk) -> None:
    known = chat("customer.created", ZOE, {"id": ZOE, "first_name": "Zoe"}, NOON)
    number = new_id(NOON)
    await chats.take(known, invited(number), bound(number))
    rows = await chats.rows("select state, count(*) from members group by state order by state")
    assert [tuple(row) for row in rows] == [("enrolled", 1), ("merged", 1)]


async def test_a_member_is_not_invited_again(chats: Desk) -> None:
    number = new_id(NOON)
    await chats.take(invited(number), bound(number))
    asked = invited(new_id(NOON))
    await chats.take(asked)
    assert await ending(chats, asked) == ("refused", "already_member")


async def test_what_a_person_wrote_is_forgotten_with_them(chats: Desk) -> None:
    number = new_id(NOON)
    await chats.take(invited(number), bound(number), wrote("my secret", at=NOON + HOUR))
    await chats.take(erased())
    for table in ("chat_contacts", "chat_invitations", "inbox", "deliveries"):
        found = await chats.rows(f"select cast(t as text) as row from {table} t")
        assert not [row for row in found if ZOE in row.row or "secret" in row.row], table
