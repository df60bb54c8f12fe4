"""Signing in by a link: once, not for long, by a person and not by a scanner, telling nobody."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest

from loyalty.links import LinkKind
from tests.widget.conftest import ADA, MARK, Shop, programme, site


async def ask_for_link(shop: Shop, email: str = ADA, **more: str) -> httpx.Response:
    """Asks for a link as the page does."""
    answer = await shop.post("sign-in", {"email": email, **more}, params={"lang": "en"})
    await shop.tell()
    return answer


async def code_of(answer: httpx.Response) -> str:
    """The code that the page after signing in takes back to the shop."""
    return answer.text.partition("#hub-sign-in=")[2].partition('"')[0]


async def test_a_link_signs_in_once(shop: Shop) -> None:
    await shop.enrol()
    await ask_for_link(shop)
    link = await shop.last_link()
    assert ADA in (await shop.client.get(link)).text
    first, second = await shop.client.post(link), await shop.client.post(link)
    assert (first.status_code, second.status_code) == (200, 410)
    assert "no longer works" in second.text
    assert len(await shop.rows("select 1 from member_sessions")) == 1


async def test_a_scanner_that_opens_the_link_signs_nobody_in(shop: Shop) -> None:
    await ask_for_link(shop)
    link = await shop.last_link()
    for _ in range(5):
        assert (await shop.client.get(link)).status_code == 200
        await shop.client.head(link)
    assert await shop.rows("select 1 from member_sessions") == []
    assert (await shop.client.post(link)).status_code == 200


async def test_of_many_who_press_at_once_one_is_signed_in(shop: Shop) -> None:
    await ask_for_link(shop)
    link = await shop.last_link()
    answers = await asyncio.gather(*(shop.client.post(link) for _ in range(8)))
    assert sorted(one.status_code for one in answers) == [200] + [410] * 7
    assert len(await shop.rows("select 1 from member_sessions")) == 1


async def test_a_link_is_good_for_a_quarter_of_an_hour(shop: Shop) -> None:
    await ask_for_link(shop)
    link = await shop.last_link()
    shop.gateway.clock.fixed = shop.now + timedelta(minutes=15, seconds=1)
    assert (await shop.client.get(link)).status_code == 410
    assert (await shop.client.post(link)).status_code == 410


async def test_a_link_altered_by_one_character_is_refused_kindly(shop: Shop) -> None:
    await ask_for_link(shop)
    link = await shop.last_link()
    for at in range(3, len(link), 7):
        altered = link[:at] + ("A" if link[at] != "A" else "B") + link[at + 1 :]
        for answer in (await shop.client.get(altered), await shop.client.post(altered)):
            assert answer.status_code == 410, altered
            assert "Ask for a new one" in answer.text


async def test_nobody_learns_who_is_a_member(shop: Shop) -> None:
    await shop.enrol()
    known, unknown = [await ask_for_link(shop, email) for email in (ADA, "bo@example.com")]
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert set(known.headers) == set(unknown.headers)
    first, second = await shop.mails()
    assert first["subject"] == second["subject"]


async def test_an_inbox_is_not_flooded(shop: Shop) -> None:
    codes = [(await ask_for_link(shop)).status_code for _ in range(5)]
    assert codes == [202, 202, 202, 429, 429]
    assert len(await shop.mails()) == 3
    assert (await ask_for_link(shop, "bo@example.com")).status_code == 202


@pytest.mark.parametrize("email", ["", "ada", "a@", "a b@example.com", "x" * 300 + "@a.example"])
async def test_what_is_no_address_is_refused_in_words(shop: Shop, email: str) -> None:
    answer = await ask_for_link(shop, email)
    assert answer.status_code == 422
    assert answer.json()["error"]


async def test_the_browser_that_asked_is_signed_in_where_it_comes_back(shop: Shop) -> None:
    await shop.enrol()
    mark = (await ask_for_link(shop)).headers["set-cookie"].partition(";")[0]
    code = await code_of(await shop.client.post(await shop.last_link()))
    shop.client.cookies.clear()
    answer = await shop.post("session", {"code": code}, headers={"cookie": mark})
    headers = {"authorization": f"Bearer {answer.json()['token']}"}
    assert (await shop.ask("me", headers=headers)).json()["name"] == "Ada"
    again = await shop.post("session", {"code": code}, headers={"cookie": mark})
    assert again.status_code == 410


async def test_another_browser_is_asked_whose_account_it_is_to_be(shop: Shop) -> None:
    await ask_for_link(shop)
    code = await code_of(await shop.client.post(await shop.last_link()))
    shop.client.cookies.clear()
    asked = (await shop.post("session", {"code": code})).json()
    assert asked == {"state": "asks", "email": "a…a@example.com"}
    agreed = (await shop.post("session", {"code": code, "agreed": True})).json()
    assert agreed["state"] == "signed_in"


async def test_a_code_is_good_on_its_own_site_and_for_five_minutes(shop: Shop) -> None:
    await shop.save(programme(site(), site(id="mugs", name="Mugs")))
    await ask_for_link(shop)
    code = await code_of(await shop.client.post(await shop.last_link()))
    body = {"code": code, "agreed": True}
    foreign = await shop.client.post("/widget/api/mugs/session", json=body, headers=MARK)
    assert foreign.status_code == 410
    shop.gateway.clock.fixed = shop.now + timedelta(minutes=5, seconds=1)
    assert (await shop.post("session", body)).status_code == 410


async def test_whoever_came_by_an_invitation_goes_on_with_it(shop: Shop) -> None:
    invitation = "/j/" + shop.desk.links.token(LinkKind.JOIN, {"i": "1"})  # type: ignore[union-attr]
    await ask_for_link(shop, carries=invitation)
    answer = await shop.client.post(await shop.last_link())
    assert f'href="{invitation}"' in answer.text


@pytest.mark.parametrize("page", ["//evil.example/x", "/j/made-up", "javascript:alert(1)", "/s/x"])
async def test_nobody_is_led_anywhere_else(shop: Shop, page: str) -> None:
    await ask_for_link(shop, carries=page)
    answer = await shop.client.post(await shop.last_link())
    assert answer.status_code == 200
    assert page not in answer.text


async def test_signing_out_ends_the_session_everywhere(shop: Shop) -> None:
    await shop.enrol()
    headers = await shop.headers()
    answer = await shop.post("sign-out", {}, headers=headers)
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert (await shop.ask("me", headers=headers)).json() == {"state": "nobody"}


async def test_cookies_are_for_https_frames_and_no_script(shop: Shop) -> None:
    await ask_for_link(shop)
    answer = await shop.client.post(await shop.last_link())
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-hub_member=")
    for wanted in ("HttpOnly", "Secure", "SameSite=None", "Partitioned", "Path=/"):
        assert wanted in cookie


async def test_tokens_and_codes_are_not_kept(shop: Shop) -> None:
    await ask_for_link(shop)
    answer = await shop.client.post(await shop.last_link())
    token = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    code = await code_of(answer)
    kept = str(await shop.rows("select * from member_sessions"))
    kept += str(await shop.rows("select * from sign_ins"))
    assert token not in kept
    assert code not in kept
