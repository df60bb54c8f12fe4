"""Links of consents, end to end: pressed in the gateway, booked by the desk, told by the store."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from loyalty.consent_links import confirm_url, preferences_url, unsubscribe_url
from loyalty.events import Channel, ConsentState
from loyalty.links import LinkKind, Links
from loyalty.programme import Programme
from loyalty.store import deliveries, opt_ins, people, rulebook
from loyalty.store.deliveries import Delivery
from loyalty.store.ids import new_id
from loyalty.store.opt_ins import Request
from tests.console.conftest import BusyDesk
from tests.flows.booking.desk import ADA, FLAT, signed_up
from tests.gateway.conftest import PUBLIC, Running

EMAIL, PHONE = ADA["email"], ADA["phone"]
TOPICS = [
    {"id": "sales", "names": {"en": "Sales", "de": "Ausverkauf"}},
    {"id": "birthday", "names": {"en": "Birthday"}},
]

GRANTED, WITHDRAWN, PENDING = ConsentState.GRANTED, ConsentState.WITHDRAWN, ConsentState.PENDING


@pytest.fixture
def links(hub: Running) -> Links:
    return Links(hub.vault.derived("links"), PUBLIC)


Choose = Callable[..., Awaitable[None]]


@pytest.fixture
def programme(desk: BusyDesk, links: Links) -> Choose:
    """Puts another programme in force."""

    async def choose(**more: Any) -> None:
        desk.programme = Programme.model_validate(FLAT.model_dump() | {"topics": TOPICS} | more)
        async with desk.database.begin() as connection:
            await rulebook.save_programme(connection, desk.programme, now=datetime.now(UTC))

    desk.links = links
    return choose


@pytest_asyncio.fixture
async def message(desk: BusyDesk, programme: Choose) -> UUID:
    """An e-mail that Ada got, who agreed to e-mails and texts."""
    await programme()
    await desk.take(signed_up())
    return await _delivered(desk)


async def _delivered(desk: BusyDesk) -> UUID:
    now = datetime.now(UTC)
    async with desk.database.begin() as connection:
        found = await people.find(connection, [("", "email", EMAIL)])
        one = Delivery(
            id=new_id(now), key=f"k{now.timestamp()}", capability="email", input={}, state="sent",
            created_at=now, target=EMAIL, member_id=found["", "email", EMAIL],
        )  # fmt: skip
        await deliveries.plan(connection, [one])
    return one.id


async def _state(
    desk: BusyDesk, channel: Channel = Channel.EMAIL, topic: str = ""
) -> ConsentState | None:
    """What the gate knows, once everything is booked."""
    for _ in range(100):
        async with desk.database.begin() as connection:
            waiting = await connection.exec_driver_sql(
                "select 1 from inbox where state = 'waiting' limit 1"
            )
            if waiting.first() is None:
                break
        await asyncio.sleep(0.02)
    address = EMAIL if channel is Channel.EMAIL else PHONE
    async with desk.database.begin() as connection:
        words = await people.words_on(connection, [(channel.value, address)])
    return words.state(channel.value, address, "marketing", topic)


def _path(url: str) -> str:
    return url.removeprefix(PUBLIC)


async def test_one_click_is_what_the_gate_knows_at_once(
    hub: Running, desk: BusyDesk, links: Links, message: UUID
) -> None:
    assert await _state(desk) is GRANTED
    path = _path(unsubscribe_url(links, message))
    await hub.client.get(path)
    assert await _state(desk) is GRANTED
    await hub.client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert await _state(desk) is WITHDRAWN
    rows = await hub.rows("select source from consents where state = 'withdrawn'")
    assert [row.source for row in rows] == ["hub consent.withdrawn one_click"]


async def test_who_subscribed_again_can_unsubscribe_by_the_same_old_mail(
    hub: Running, desk: BusyDesk, links: Links, message: UUID
) -> None:
    leave = _path(unsubscribe_url(links, message))
    choose = _path(preferences_url(links, message))
    for _ in range(2):
        await hub.client.post(leave, data={"List-Unsubscribe": "One-Click"})
        assert await _state(desk) is WITHDRAWN
        await hub.client.post(choose, data={"preferences": "yes", "news:email": "yes"})
        assert await _state(desk) is GRANTED


async def test_the_preference_centre_shows_what_holds_and_opening_it_changes_nothing(
    hub: Running, desk: BusyDesk, links: Links, message: UUID
) -> None:
    path = _path(preferences_url(links, message))
    for _ in range(20):
        page = (await hub.client.get(f"{path}?lang=de")).text
    assert re.search(r'name="news:email" value="yes" checked', page)
    assert "Ausverkauf" in page
    assert EMAIL not in page
    assert PHONE not in page
    assert await hub.rows("select 1 from inbox where type like 'consent.%'") == []


async def test_what_is_ticked_is_kept_by_channel_and_topic_with_the_version_of_its_text(
    hub: Running, desk: BusyDesk, links: Links, message: UUID
) -> None:
    path = _path(preferences_url(links, message))
    answer = await hub.client.post(
        path, data={"preferences": "yes", "news:email": "yes", "topic:email:sales": "yes"}
    )
    assert "Saved. It is so from now on." in answer.text
    assert await _state(desk) is GRANTED
    assert await _state(desk, topic="birthday") is WITHDRAWN
    assert await _state(desk, topic="sales") is None
    assert await _state(desk, Channel.SMS) is WITHDRAWN
    rows = await hub.rows(
        "select source, text_version from consents where source like '%preference_centre'"
    )
    assert len(rows) == 2
    assert all(re.fullmatch(r"en-[0-9a-f]{10}", row.text_version) for row in rows)
    page = (await hub.client.get(path)).text
    assert re.search(r'name="topic:email:sales" value="yes" checked', page)
    assert re.search(r'name="topic:email:birthday" value="yes">', page)


async def test_saving_twice_says_nothing_new_and_one_button_ends_all(
    hub: Running, desk: BusyDesk, links: Links, message: UUID
) -> None:
    path = _path(preferences_url(links, message))
    same = {
        "preferences": "yes", "news:email": "yes", "news:sms": "yes", "topic:email:sales": "yes",
        "topic:email:birthday": "yes", "topic:sms:sales": "yes", "topic:sms:birthday": "yes",
    }  # fmt: skip
    await hub.client.post(path, data=same)
    assert await hub.rows("select 1 from inbox where type like 'consent.%'") == []
    await hub.client.post(path, data={**same, "stop": "yes"})
    assert await _state(desk) is WITHDRAWN
    assert await _state(desk, Channel.SMS) is WITHDRAWN


async def test_another_address_than_the_links_own_has_to_be_confirmed(
    hub: Running, desk: BusyDesk, links: Links, message: UUID, programme: Choose
) -> None:
    await programme(messaging={"double_opt_in": {"email": True, "sms": True}})
    path = _path(preferences_url(links, message))
    await hub.client.post(path, data={"preferences": "yes", "stop": "yes"})
    assert await _state(desk, Channel.SMS) is WITHDRAWN
    both = {"preferences": "yes", "news:email": "yes", "news:sms": "yes"}
    answer = await hub.client.post(path, data=both)
    assert "a message with a button to confirm" in answer.text
    assert await _state(desk) is GRANTED
    assert await _state(desk, Channel.SMS) is PENDING


async def test_a_stop_from_the_handset_is_not_lifted_by_a_page(
    hub: Running, desk: BusyDesk, links: Links, message: UUID, programme: Choose
) -> None:
    from tests.flows.booking.desk import texted

    await programme(messaging={"sms": {"handset_optout": "needs_keyword"}})
    await desk.take(texted("m-1", "STOP"))
    path = _path(preferences_url(links, message))
    page = (await hub.client.get(path)).text
    assert "Text START" in page
    assert "news:sms" not in page
    await hub.client.post(path, data={"preferences": "yes", "news:sms": "yes", "news:email": "yes"})
    rows = await hub.rows("select 1 from inbox where type = 'consent.given'")
    assert rows == []


async def test_the_link_of_a_joined_account_leads_to_who_they_are_now(
    hub: Running, desk: BusyDesk, links: Links, message: UUID
) -> None:
    from loyalty.consent_links import Behind

    rows = await hub.rows("select id from members where email is not null")
    member = Behind(member_id=rows[0].id, channel=Channel.SMS)
    path = _path(links.url(LinkKind.PREFERENCES, member.content()))
    assert "news:email" in (await hub.client.get(path)).text
    nobody = replace(member, member_id=UUID(int=1))
    gone = _path(links.url(LinkKind.PREFERENCES, nobody.content()))
    assert (await hub.client.get(gone)).status_code == 410


# --- double opt-in


@pytest_asyncio.fixture
async def request_id(desk: BusyDesk, programme: Choose) -> UUID:
    """A guest asked for news and has not confirmed yet."""
    await programme()
    now = datetime.now(UTC)
    asked = Request(
        id=new_id(now), channel="email", address="guest@example.org", member_id=None,
        token_hash="hash", requested_at=now, expires_at=now + timedelta(hours=72), source="hub web",
        text_version="en-1",
    )  # fmt: skip
    async with desk.database.begin() as connection:
        await opt_ins.save_requests(connection, [asked])
    return asked.id


async def _guest(hub: Running) -> list[str]:
    rows = await hub.rows(
        "select state from consents where address = 'guest@example.org' order by occurred_at"
    )
    return [row.state for row in rows]


async def test_a_scanner_confirms_nothing_and_one_press_does_once(
    hub: Running, desk: BusyDesk, links: Links, request_id: UUID
) -> None:
    path = _path(confirm_url(links, request_id))
    for _ in range(20):
        assert (await hub.client.get(path)).status_code == 200
    assert await _state(desk) is None
    assert await _guest(hub) == []
    answers = await asyncio.gather(
        *(hub.client.post(path, data={"confirm": "yes"}) for _ in range(5))
    )
    assert {one.status_code for one in answers} <= {200, 410}
    await _state(desk)
    assert await _guest(hub) == ["granted"]
    again = await hub.client.get(path)
    assert again.status_code == 410
    assert "used before" in again.text


async def test_a_link_that_is_over_confirms_nothing(
    hub: Running, desk: BusyDesk, links: Links, request_id: UUID
) -> None:
    path = _path(confirm_url(links, request_id))
    hub.clock.fixed = datetime.now(UTC) + timedelta(hours=72, seconds=1)
    for answer in (
        await hub.client.get(path),
        await hub.client.post(path, data={"confirm": "yes"}),
    ):
        assert answer.status_code == 410
        assert "This link is over" in answer.text
    await _state(desk)
    assert await _guest(hub) == []


async def test_an_altered_or_unknown_request_is_refused_kindly(
    hub: Running, desk: BusyDesk, links: Links, request_id: UUID
) -> None:
    path = _path(confirm_url(links, request_id))
    altered = path[:5] + ("A" if path[5] != "A" else "B") + path[6:]
    for one, status in (
        (altered, 404),
        (_path(confirm_url(links, UUID(int=3))), 410),
        (_path(links.url(LinkKind.CONFIRM, {"r": 5})), 404),
    ):
        assert (await hub.client.post(one, data={"confirm": "yes"})).status_code == status
    assert (await hub.client.post(path, data={"x": "y"})).status_code == 400
    assert await _guest(hub) == []
