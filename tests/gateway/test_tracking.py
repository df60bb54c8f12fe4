"""Links of messages lead on at once, whoever opens them, and are kept as events."""

from __future__ import annotations

import time
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from gateway.people.tracking import PER_MINUTE
from loyalty.links import LinkKind, Links
from loyalty.tracking import click_address
from tests.gateway.conftest import PUBLIC, Running

TARGET = "https://shop.example/sale?a=1&b=2#top"
PHONE = {"user-agent": "Mozilla/5.0 (iPhone)"}


@pytest.fixture
def links(hub: Running) -> Links:
    return Links(hub.vault.derived("links"), PUBLIC)


def click(links: Links, mail: UUID | None = None, target: str = TARGET) -> str:
    address = click_address(links, mail or uuid4(), target)
    assert address is not None
    return address.removeprefix(PUBLIC)


async def kept(hub: Running) -> list[tuple[str, bool]]:
    query = "select type, (data ->> 'is_machine')::boolean as machine from inbox order by id"
    return [(row.type, row.machine) for row in await hub.rows(query)]


async def test_a_click_leads_on_and_is_kept(hub: Running, links: Links) -> None:
    mail = uuid4()
    answer = await hub.client.get(click(links, mail), headers=PHONE)
    assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    (row,) = await hub.rows("select store, data from inbox")
    assert (row.store, row.data["vendor_message_id"]) == ("hub", str(mail))
    assert await kept(hub) == [("message.clicked", False)]


async def test_the_pixel_is_a_picture_for_everybody(hub: Running, links: Links) -> None:
    token = links.token(LinkKind.OPEN, {"d": uuid4().hex})
    for path in (f"/o/{token}", "/o/made-up"):
        answer = await hub.client.get(path, headers=PHONE)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
        assert answer.content[:6] == b"GIF89a"
    assert await kept(hub) == [("message.opened", False)]


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", PHONE),
        ("GET", {**PHONE, "sec-purpose": "prefetch;prerender"}),
        ("GET", {**PHONE, "purpose": "prefetch"}),
        ("GET", {**PHONE, "x-purpose": "preview"}),
        ("GET", {"user-agent": ""}),
    ],
)
async def test_whoever_only_looks_ahead_is_led_on_and_says_so(
    hub: Running, links: Links, method: str, headers: dict[str, str]
) -> None:
    answer = await hub.client.request(method, click(links), headers=headers)
    assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
    assert await kept(hub) == [("message.clicked", True)]


async def test_a_link_altered_by_one_character_leads_nowhere(hub: Running, links: Links) -> None:
    path = click(links)
    for place in range(3, len(path), 9):
        other = "A" if path[place] != "A" else "B"
        answer = await hub.client.get(f"{path[:place]}{other}{path[place + 1 :]}", headers=PHONE)
        assert answer.status_code == 404
        assert "location" not in answer.headers
    assert await kept(hub) == []


@pytest.mark.parametrize("target", ["javascript:alert(1)", "data:text/html,x", "//evil.example"])
async def test_the_hub_leads_to_addresses_of_the_web_only(
    hub: Running, links: Links, target: str
) -> None:
    token = links.token(LinkKind.CLICK, {"d": uuid4().hex, "t": target})
    answer = await hub.client.get(f"/l/{token}", headers=PHONE)
    assert answer.status_code == 404


async def test_an_impatient_browser_is_counted_once_a_second(hub: Running, links: Links) -> None:
    path = click(links)
    for _ in range(5):
        await hub.client.get(path, headers=PHONE)
    hub.clock.fixed = hub.clock() + timedelta(seconds=2)
    await hub.client.get(path, headers=PHONE)
    assert 2 <= len(await kept(hub)) <= 3


async def test_nobody_fills_the_inbox_with_one_link(hub: Running, links: Links) -> None:
    path, mail = "", uuid4()
    for number in range(PER_MINUTE + 20):
        path = click(links, mail, f"{TARGET}{number}")
        assert (await hub.client.get(path, headers=PHONE)).status_code == 302
    assert len(await kept(hub)) == PER_MINUTE


async def test_counting_stands_in_nobodys_way(hub: Running, links: Links) -> None:
    await hub.client.get(click(links), headers=PHONE)
    spent = []
    for _ in range(20):
        path = click(links)
        began = time.perf_counter()
        await hub.client.get(path, headers=PHONE)
        spent.append(time.perf_counter() - began)
    assert sorted(spent)[10] < 0.25
