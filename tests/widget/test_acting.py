"""What members do: booked once, answered when it is booked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from loyalty.events import Customer, Erasure, EventType, MemberMerge
from tests.widget.conftest import ADA, Shop, add_reward, event, programme, site


async def test_joining_twice_at_once_makes_one_member(shop: Shop) -> None:
    headers = await shop.headers("bo@example.com")
    async with shop.working():
        answers = await asyncio.gather(*(shop.post("join", {}, headers=headers) for _ in range(5)))
    assert {one.json()["state"] for one in answers} == {"done"}
    assert len(await shop.rows("select 1 from members")) == 1
    assert (await shop.ask("me", headers=headers)).json()["available"] == 50


async def test_what_is_not_booked_in_two_seconds_is_on_its_way(shop: Shop) -> None:
    headers = await shop.headers("bo@example.com")
    answer = await shop.post("join", {}, headers=headers)
    assert (answer.status_code, answer.json()["state"]) == (202, "on_its_way")
    await shop.tell()
    assert (await shop.ask("me", headers=headers)).json()["state"] == "member"


async def test_a_reward_is_spent_on_once_however_often_the_button_is_pressed(shop: Shop) -> None:
    await add_reward(shop)
    await shop.enrol()
    headers = await shop.headers()
    [mug] = (await shop.ask("redeem", params={"lang": "de"}, headers=headers)).json()["rewards"]
    assert (mug["name"], mug["points"], mug["can_have"]) == ("Becher", 40, True)
    body = {"key": "a" * 32, "reward": "mug"}
    async with shop.working():
        pressed = [shop.post("redeem", body, headers=headers) for _ in range(4)]
        answers = await asyncio.gather(*pressed)
    assert {one.json()["state"] for one in answers} == {"done"}
    assert len(await shop.rows("select 1 from rewards")) == 1
    assert (await shop.ask("me", headers=headers)).json()["available"] == 10
    [mine] = (await shop.ask("rewards", headers=headers)).json()["rewards"]
    assert mine["name"] == "Mug"


async def test_too_few_points_are_told_in_words(shop: Shop) -> None:
    await add_reward(shop, points=400)
    await shop.enrol()
    headers = await shop.headers()
    async with shop.working():
        answer = await shop.post("redeem", {"key": "b" * 32, "reward": "mug"}, headers=headers)
    assert answer.json()["state"] == "refused"
    assert answer.json()["text"] == "You have too few points for this."


async def test_a_wrong_gift_code_is_refused_in_the_members_language(shop: Shop) -> None:
    await shop.enrol()
    headers = await shop.headers()
    async with shop.working():
        answer = await shop.post(
            "gift-code", {"key": "c" * 32, "code": "NOPE"}, headers=headers, params={"lang": "fr"}
        )
    assert answer.json()["state"] == "refused"
    assert answer.json()["text"].startswith("Nous ne connaissons pas")


async def test_without_being_signed_in_nothing_is_done(shop: Shop) -> None:
    for path in ("join", "redeem", "gift-code"):
        answer = await shop.post(path, {"key": "d" * 32, "code": "X", "reward": "mug"})
        assert answer.status_code == 401, path


async def test_what_another_sites_page_sends_with_our_cookie_is_refused(shop: Shop) -> None:
    cookie = {"cookie": f"__Host-hub_member={await shop.token('bo@example.com')}"}
    address = "/widget/api/tea/join"
    plain = await shop.client.post(address, content="{}", headers=cookie)
    marked = {**cookie, "x-hub-widget": "1", "sec-fetch-site": "cross-site"}
    foreign = await shop.client.post(address, content="{}", headers=marked)
    assert (plain.status_code, foreign.status_code) == (403, 403)
    assert await shop.rows("select 1 from inbox") == []


async def test_bad_bodies_are_refused_in_words(shop: Shop) -> None:
    await shop.enrol()
    headers = {**(await shop.headers()), "content-type": "application/json"}
    address = "/widget/api/tea/redeem"
    for body, status in (
        (b"[]", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"key": "short", "reward": "mug"}', 422),
        (b'{"key": "aaaaaaaaaa", "reward": "mug", "amount": -5}', 422),
        (b'{"key": "aaaaaaaaaa", "reward": "mug", "points": 1}', 422),
        (b'{"key": "aaaaaaaaaa", "reward": "mug\\u0000"}', 422),
        (b" " * 9000, 413),
    ):
        answer = await shop.client.post(address, content=body, headers=headers)
        assert answer.status_code == status, body[:60]
        assert answer.json()["error"]


async def test_a_session_follows_a_merge(shop: Shop) -> None:
    await shop.enrol()
    await shop.enrol("ada@work.example", id="c2")
    headers = await shop.headers()
    ada, other = Customer(id="c1", email=ADA), Customer(id="c2", email="ada@work.example")
    await shop.tell(event(EventType.MEMBER_MERGED, "m1", MemberMerge(source=ada, target=other)))
    found = (await shop.ask("me", headers=headers)).json()
    assert (found["state"], found["available"]) == ("member", 50)


async def test_a_forgotten_member_is_signed_out_and_leaves_no_trace(shop: Shop) -> None:
    await shop.enrol()
    headers = await shop.headers()
    await shop.post("sign-in", {"email": ADA})
    await shop.tell()
    erased = Erasure(customer=Customer(id="c1", email=ADA))
    await shop.tell(event(EventType.MEMBER_ERASED, "e1", erased, at=datetime.now(UTC)))
    assert (await shop.ask("me", headers=headers)).json() == {"state": "nobody"}
    for table in ("sign_ins", "member_sessions", "deliveries", "inbox", "request_rates"):
        assert ADA not in str(await shop.rows(f"select * from {table}")), table


async def test_actions_of_a_session_are_bounded(shop: Shop) -> None:
    await shop.save(programme(site()))
    await shop.enrol()
    headers = await shop.headers()
    async with shop.working():
        asked = [
            shop.post("redeem", {"key": f"{n:032d}", "reward": "no"}, headers=headers)
            for n in range(33)
        ]
        answers = await asyncio.gather(*asked)
    assert sum(one.status_code == 429 for one in answers) == 3
