"""Pages that bind a chat and bring a friend, and their sections in the console."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from gateway.widget.sessions import Person, Sessions
from loyalty.events import ChatInvited, ChatMessage, Customer, Event, EventType
from loyalty.links import LinkKind, Links
from loyalty.store import referrals, rulebook
from loyalty.store.ids import new_id
from rules import RuleSet
from tests.flows.booking.accounts import programme
from tests.flows.booking.desk import ADA, NOON, Desk, event
from tests.gateway.conftest import PUBLIC, Running
from tests.gateway.visitor import Visitor

CHAT = "line/main"
ZOE = "U" + "0a" * 16
SITE = {"id": "tea", "name": "Tea House", "origins": ["https://tea.example"]}
TERMS = {"referrer_points": 500, "friend_points": 200, "reward_on": "sign_up"}


@pytest_asyncio.fixture
async def desk(hub: Running) -> Desk:
    """Books what the pages put into the inbox; Ada is a member, Zoe wrote at noon."""
    found = Desk(
        hub.database,
        programme=programme(referral=TERMS, sites=[SITE]),
        rules=RuleSet.load([]),
        links=Links(hub.vault.derived("links"), PUBLIC),
        now=hub.clock(),
    )
    async with hub.database.begin() as connection:
        await rulebook.save_programme(connection, found.programme, now=NOON)
    await found.take(event("customer.created", "c1", ADA, at=found.now), wrote(found))
    return found


def wrote(desk: Desk) -> Event:
    data = ChatMessage(id="m1", channel="line", body="hello <b>", customer=Customer(id=ZOE))
    return Event(
        type=EventType.CHAT_RECEIVED, store=CHAT, key="m1", time=desk.now,
        subject=f"{CHAT}:customer:{ZOE}", data=data,
    )  # fmt: skip


async def invite(desk: Desk) -> str:
    """Sends an invitation; the path of its link."""
    number = new_id(desk.now)
    data = ChatInvited(invitation_id=str(number), channel="line", contact=ZOE, by="anna")
    asked = Event(
        type=EventType.CHAT_INVITED, store=CHAT, key=str(number), time=desk.now,
        subject=f"{CHAT}:customer:{ZOE}", data=data,
    )  # fmt: skip
    await desk.take(asked)
    assert desk.links is not None
    return desk.links.url(LinkKind.BIND, {"i": str(number)}).removeprefix(PUBLIC)


async def signed_in(hub: Running, email: str) -> dict[str, str]:
    """The header of somebody who proved an address."""
    sessions = Sessions(hub.database, clock=hub.clock, base_url=PUBLIC)
    person = Person(("", "email", email), email=email)
    token = await sessions.begin(person, "tea", lasts=timedelta(hours=1))
    return {"authorization": f"Bearer {token}"}


async def press(
    hub: Running, desk: Desk, path: str, field: str, headers: dict[str, str]
) -> httpx.Response:
    """Presses the button while the books are at work."""
    pressing = asyncio.create_task(
        hub.client.post(path, data={field: "yes"}, headers=headers, timeout=10)
    )
    while not pressing.done():
        await desk.work_off()
        await asyncio.sleep(0.01)
    return await pressing


async def test_a_chat_is_bound_by_the_press_of_who_is_signed_in_once(
    hub: Running, desk: Desk
) -> None:
    path = await invite(desk)
    page = await hub.client.get(path)
    assert "/portal/tea?carries=%2Fb%2F" in page.text
    assert (await hub.client.post(path, data={"bind": "yes"})).status_code == 200
    assert await hub.rows("select 1 from inbox where type = 'chat.bound'") == []

    who = await signed_in(hub, ADA["email"])
    assert ">Connect<" in (await hub.client.get(path, headers=who)).text
    answer = await press(hub, desk, path, "bind", who)
    assert "Member profile bound successfully" in answer.text
    bound = await hub.rows(f"select member_id from identities where value = '{ZOE}'")
    [ada] = await hub.rows("select id from members where email = 'ada@example.com'")
    assert [row.member_id for row in bound] == [ada.id]

    again = await hub.client.get(path)
    assert (again.status_code, "was used before" in again.text) == (410, True)


@pytest.mark.parametrize("kind", ["altered", "over", "of nobody"])
async def test_other_links_are_refused_kindly(hub: Running, desk: Desk, kind: str) -> None:
    path = await invite(desk)
    if kind == "altered":
        path = path[:-3] + ("AAA" if not path.endswith("AAA") else "BBB")
    elif kind == "of nobody":
        assert desk.links is not None
        path = "/b/" + desk.links.token(LinkKind.BIND, {"i": str(UUID(int=7))})
    else:
        hub.clock.fixed = desk.now + timedelta(hours=1)
    answer = await hub.client.get(path)
    hub.clock.fixed = None
    assert answer.status_code in (404, 410)
    assert "<h1" in answer.text


async def test_a_friend_who_joins_by_the_link_brings_both_their_points(
    hub: Running, desk: Desk
) -> None:
    [ada] = await hub.rows("select id from members")
    async with hub.database.begin() as connection:
        code = await referrals.code_of(connection, ada.id, now=desk.now)
    assert desk.links is not None
    path = desk.links.url(LinkKind.REFER, {"c": code}).removeprefix(PUBLIC)
    page = await hub.client.get(path)
    assert "Ada recommends it to you" in page.text
    assert "/portal/tea?carries=%2Fr%2F" in page.text

    friend = await signed_in(hub, "bo@example.com")
    assert "Welcome" in (await press(hub, desk, path, "join", friend)).text
    await desk.work_off()
    rows = await hub.rows("select points from lots order by points")
    assert [row.points for row in rows] == [200, 500]
    member = await hub.client.get(path, headers=await signed_in(hub, ADA["email"]))
    assert "You are a member already" in member.text
    gone = desk.links.url(LinkKind.REFER, {"c": "nobodys1"}).removeprefix(PUBLIC)
    assert (await hub.client.get(gone)).status_code == 410


async def test_the_team_invites_by_one_click_and_sees_until_when(
    visitor: Visitor, desk: Desk
) -> None:
    page = await visitor.get("/console/conversations")
    assert "hello &lt;b&gt;" in page.text
    assert "Invite to membership" in page.text
    sending = asyncio.create_task(
        visitor.post("/console/conversations/invite", {"store": CHAT, "contact": ZOE})
    )
    while not sending.done():
        await desk.work_off()
        await asyncio.sleep(0.01)
    assert await visitor.said(await sending) == "Sent"
    sent = await visitor.running.rows("select state from deliveries where rule='chat_invitation'")
    assert len(sent) == 1


async def test_a_doubtful_recommendation_is_decided_by_a_named_person(
    visitor: Visitor, desk: Desk
) -> None:
    home = {"address": "1 Main St"}
    await desk.take(event("customer.updated", "c1:1", {**ADA, "traits": home}, at=desk.now))
    [ada] = await visitor.running.rows("select id from members")
    async with desk.database.begin() as connection:
        code = await referrals.code_of(connection, ada.id, now=desk.now)
    bo = {"id": "c2", "email": "bo@example.com", "traits": home, "referred_by": code}
    await desk.take(event("customer.created", "c2", bo, at=desk.now))
    page = await visitor.get("/console/referrals")
    assert "same address" in page.text
    [held] = await visitor.running.rows("select friend_id from referrals where state = 'held'")
    fields = {"friend": str(held.friend_id), "decision": "approve"}
    assert "approved" in await visitor.said(await visitor.post("/console/referrals/decide", fields))
    await desk.work_off()
    [after] = await visitor.running.rows("select state, decided_by from referrals")
    assert tuple(after) == ("earned", "Ines Ops")
    broken = await visitor.post("/console/referrals/decide", {"friend": "x", "decision": "approve"})
    assert broken.status_code == 404
