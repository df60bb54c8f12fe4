"""Pages that people open by a link: opening changes nothing, one press does, refusals are kind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from gateway.people.pace import Pace
from gateway.people.words import LANGUAGES, WORDS
from loyalty.consent_links import preferences_url, unsubscribe_url
from loyalty.links import LinkKind, Links
from loyalty.store import deliveries
from loyalty.store.deliveries import Delivery
from tests.gateway.conftest import PUBLIC, Running

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ADDRESS = "ada@example.org"

Send = Callable[..., Awaitable[UUID]]


@pytest.fixture
def links(hub: Running) -> Links:
    return Links(hub.vault.derived("links"), PUBLIC)


@pytest.fixture
def send(hub: Running) -> Send:
    """Writes the delivery of a message; answers its id."""

    async def written(address: str = ADDRESS, *, channel: str = "email") -> UUID:
        id = uuid4()
        one = Delivery(
            id=id, key=str(id), capability=channel, input={}, state="sent", created_at=NOW,
            target=address,
        )  # fmt: skip
        async with hub.database.begin() as connection:
            await deliveries.plan(connection, [one])
        return id

    return written


@pytest_asyncio.fixture
async def path(send: Send, links: Links) -> str:
    """The unsubscribe link of an e-mail, without the host."""
    return unsubscribe_url(links, await send()).removeprefix(PUBLIC)


async def _events(hub: Running) -> list[tuple[str, str]]:
    rows = await hub.rows("select type, data ->> 'address' as address from inbox order by id")
    return [(row.type, row.address) for row in rows]


async def test_opening_the_link_changes_nothing(hub: Running, path: str) -> None:
    for _ in range(50):
        assert (await hub.client.get(path)).status_code == 200
    assert (await hub.client.head(path)).status_code == 405
    assert await _events(hub) == []


@pytest.mark.parametrize("kind", ["urlencoded", "multipart"])
async def test_one_click_withdraws_at_once_without_page_or_cookie(
    hub: Running, path: str, kind: str
) -> None:
    form = {"List-Unsubscribe": "One-Click"}
    sent = (
        {"data": form}
        if kind == "urlencoded"
        else {"files": {n: (None, v) for n, v in form.items()}}
    )
    answer = await hub.client.post(path, **sent)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert await _events(hub) == [("consent.withdrawn", ADDRESS)]


async def test_the_button_of_the_page_withdraws(hub: Running, path: str) -> None:
    answer = await hub.client.post(path, data={"unsubscribe": "yes"})
    assert "You are unsubscribed" in answer.text
    assert ADDRESS not in answer.text
    assert await _events(hub) == [("consent.withdrawn", ADDRESS)]


async def test_any_other_form_is_refused_kindly_and_changes_nothing(
    hub: Running, path: str
) -> None:
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for content, headers in (
        (b"", kind),
        (b"List-Unsubscribe=Two-Clicks", kind),
        (b"{}", {"content-type": "application/json"}),
        (b"a=" + b"x" * 100_000, kind),
    ):
        answer = await hub.client.post(path, content=content, headers=headers)
        assert answer.status_code == 400
        assert "nothing was changed" in answer.text
    assert await _events(hub) == []


async def test_a_link_altered_by_one_character_is_refused_kindly(hub: Running, path: str) -> None:
    token = path.removeprefix("/u/")
    for place in range(0, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        altered = f"/u/{token[:place]}{other}{token[place + 1 :]}"
        for answer in (
            await hub.client.get(altered),
            await hub.client.post(altered, data={"List-Unsubscribe": "One-Click"}),
        ):
            assert answer.status_code == 404
            assert "not complete" in answer.text
    for cut in (token[:-1], token + "=", "x" * 3000, f"{token}/", f"%00{token}"):
        assert (await hub.client.get(f"/u/{cut}")).status_code in (307, 404)
    assert await _events(hub) == []


async def test_a_link_of_another_kind_or_hub_opens_nothing(
    hub: Running, links: Links, send: Send
) -> None:
    named = await send()
    other = preferences_url(links, named).replace("/p/", "/u/").removeprefix(PUBLIC)
    foreign = unsubscribe_url(Links(b"k" * 32, PUBLIC), named).removeprefix(PUBLIC)
    empty = links.url(LinkKind.UNSUBSCRIBE, {"x": 1}).removeprefix(PUBLIC)
    for one in (other, foreign, empty):
        assert (await hub.client.get(one)).status_code == 404


async def test_a_message_of_a_forgotten_person_has_nothing_behind_it(
    hub: Running, links: Links, send: Send
) -> None:
    named = await send("")
    answer = await hub.client.get(unsubscribe_url(links, named).removeprefix(PUBLIC))
    assert answer.status_code == 410
    assert "nothing behind this link" in answer.text


async def test_presses_are_bounded_for_each_link(hub: Running, path: str) -> None:
    hub.clock.fixed = NOW
    form = {"List-Unsubscribe": "One-Click"}
    answers = await asyncio.gather(*(hub.client.post(path, data=form) for _ in range(25)))
    assert sorted({one.status_code for one in answers}) == [200, 429]
    assert all(one.headers["retry-after"] for one in answers if one.status_code == 429)
    hub.clock.fixed = NOW + timedelta(minutes=1)
    assert (await hub.client.post(path, data=form)).status_code == 200


async def test_opening_is_bounded_for_each_link_too(hub: Running, path: str) -> None:
    hub.clock.fixed = NOW + timedelta(hours=1)
    answers = [(await hub.client.get(path)).status_code for _ in range(125)]
    assert answers.count(429) == 5
    assert answers.index(429) == 120


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("fr", "fr"),
        ("ja,fr;q=0.4,de;q=0.8", "de"),
        ("zh-Hant-TW", "en"),
        ("", "en"),
        ("*;q=x,,;;q=1", "en"),
    ],
)
async def test_pages_speak_the_language_of_the_browser(
    hub: Running, path: str, header: str, language: str
) -> None:
    page = await hub.client.get(path, headers={"accept-language": header})
    assert f'<html lang="{language}">' in page.text
    assert WORDS["unsubscribe_button"][language] in page.text
    asked = await hub.client.get(f"{path}?lang=fr", headers={"accept-language": header})
    assert '<html lang="fr">' in asked.text


async def test_nobody_else_learns_the_address_of_the_page(hub: Running, path: str) -> None:
    headers = (await hub.client.get(path)).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "noindex" in headers["x-robots-tag"]
    assert "default-src 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize("name", sorted(WORDS))
def test_every_text_is_there_in_every_language_with_the_same_values(name: str) -> None:
    texts = WORDS[name]
    assert tuple(texts) == LANGUAGES
    assert all(texts.values())
    assert len({text.count("{") for text in texts.values()}) == 1


def test_the_pace_forgets_keys_it_has_not_seen_for_long() -> None:
    pace = Pace(per_minute=1, keys=2)
    assert [pace.may(key, now=NOW) for key in ("a", "a", "b", "c", "a")] == [
        True, False, True, True, True,
    ]  # fmt: skip
