"""The console's skeleton: who gets in, whose forms are taken, and what is answered otherwise."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.console import forms
from gateway.console.sections import SECTIONS
from loyalty.store import errands
from loyalty.store.console_key import FILE, ConsoleKey, ConsoleKeyWeak
from tests.gateway.conftest import Running
from tests.gateway.visitor import Visitor


async def test_nobody_gets_in_without_a_session(stranger: Visitor) -> None:
    for section in SECTIONS:
        answer = await stranger.get(section.address)
        assert answer.status_code == 303, section
        assert answer.headers["location"].startswith("/console/sign-in")
    answer = await stranger.get("/console/no/such/page")
    assert answer.headers["location"] == "/console/sign-in?back=%2Fconsole%2Fno%2Fsuch%2Fpage"


async def test_the_key_is_made_once_and_is_its_owners(stranger: Visitor) -> None:
    path = stranger.home / FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(stranger.key) >= 43
    assert stranger.key == stranger.key


async def test_the_key_opens_every_section_and_the_name_is_logged(visitor: Visitor) -> None:
    for section in SECTIONS:
        page = await visitor.get(section.address)
        assert page.status_code == 200, page.text
        assert "Ines Ops" in page.text
    rows = await visitor.running.rows("select actor, action from audit order by id desc limit 1")
    assert [tuple(row) for row in rows] == [("console:Ines Ops", "console.signed_in")]


async def test_pages_cannot_be_framed_scripted_or_kept(visitor: Visitor) -> None:
    for path in ("/console", "/console/sign-in?ticket=x", "/console/nowhere"):
        headers = (await visitor.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


async def test_the_cookie_is_for_the_console_alone(stranger: Visitor) -> None:
    answer = await stranger.sign_in()
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "Path=/console", "SameSite=lax", "Secure", "Max-Age=43200"):
        assert part in cookie


async def test_an_altered_cookie_or_one_of_another_key_opens_nothing(visitor: Visitor) -> None:
    genuine = visitor.cookies["hub_console"]
    other = ConsoleKey(SecretStr("another key of another hub"))
    from gateway.console.visit import cookies

    altered = ("B" if genuine[0] == "A" else "A") + genuine[1:]
    foreign = str(cookies(other).dumps("0b3b1f1e-3c55-4f57-9b05-6f6d3a1e2f10"))
    for cookie in (altered, genuine[1:], "", "x" * 9000, foreign):
        visitor.cookies = {"hub_console": cookie}
        assert (await visitor.get("/console")).status_code == 303


async def test_a_session_ends_after_twelve_hours_and_with_sign_out(visitor: Visitor) -> None:
    kept = dict(visitor.cookies)
    visitor.running.clock.fixed = datetime.now(UTC) + timedelta(hours=12, minutes=1)
    assert (await visitor.get("/console")).status_code == 303
    visitor.running.clock.fixed = None
    assert (await visitor.get("/console")).status_code == 200
    await visitor.post("/console/sign-out", {})
    visitor.cookies = kept
    assert (await visitor.get("/console")).status_code == 303


async def test_wrong_keys_are_slowed_then_locked_also_side_by_side(stranger: Visitor) -> None:
    start = datetime.now(UTC)
    stranger.running.clock.fixed = start
    answers = await asyncio.gather(*(stranger.sign_in(key=f"guess {n}") for n in range(12)))
    assert {one.status_code for one in answers} == {403}
    counted = await stranger.running.rows("select count from wrong_keys")
    assert counted[0]._mapping["count"] == 4
    assert "Too many wrong keys" in (await stranger.sign_in()).text
    stranger.running.clock.fixed = start + timedelta(seconds=3)
    assert (await stranger.sign_in()).status_code == 303
    assert await stranger.running.rows("select 1 from wrong_keys") == []


async def test_a_ticket_opens_one_session_within_its_hour(stranger: Visitor) -> None:
    key = ConsoleKey(SecretStr(stranger.key))
    now = datetime.now(UTC)
    ticket = key.ticket(now=now)
    assert (await stranger.get(f"/console/sign-in?ticket={ticket}")).status_code == 200
    answers = await asyncio.gather(*(stranger.sign_in(key="", ticket=ticket) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [303, 403, 403, 403]
    late = key.ticket(now=now - timedelta(hours=1, seconds=1))
    for one in (late, ticket[:-1], "x", ConsoleKey(SecretStr("k" * 20)).ticket(now=now)):
        assert (await stranger.sign_in(key="", ticket=one)).status_code == 403


async def test_a_form_needs_its_token_its_session_and_its_site(visitor: Visitor) -> None:
    token = visitor.token(await visitor.get("/console"))
    for fields, headers in (
        ({"key": "x"}, {}),
        ({"key": "x", "csrf": "0" * 64}, {}),
        ({"key": "x", "csrf": token}, {"sec-fetch-site": "cross-site"}),
    ):
        answer = await visitor._asked("POST", "/console/errands", data=fields, headers=headers)
        assert answer.status_code == 403
        assert "nothing was changed" in answer.text
    other = Visitor(visitor.running, visitor.home)
    await other.sign_in("Somebody Else")
    answer = await other._asked("POST", "/console/errands", data={"key": "x", "csrf": token})
    assert answer.status_code == 403


async def test_forms_are_bounded(visitor: Visitor) -> None:
    token = visitor.token(await visitor.get("/console"))

    async def endless():  # type: ignore[no-untyped-def]
        yield f"csrf={token}&key=".encode()
        for _ in range(40):
            yield b"x" * 10_000

    form = {"content-type": "application/x-www-form-urlencoded"}
    for content, kind in (
        (b"key=" + b"x" * 300_000, form),
        (endless(), form),
        (b"{}", {"content-type": "application/json"}),
        (b"\xff\xfe", {"content-type": "multipart/form-data; boundary=x"}),
        (b"&".join(b"a=b" for _ in range(2000)), form),
    ):
        answer = await visitor._asked("POST", "/console/errands", content=content, headers=kind)
        assert answer.status_code in (400, 403), answer.text


async def test_who_is_not_signed_in_can_send_next_to_nothing(stranger: Visitor) -> None:
    for more in ({"data": {"key": "x" * 20_000}}, {"files": {"key": b"x" * 20_000}}):
        answer = await stranger._asked("POST", "/console/sign-in", **more)
        assert answer.status_code == 400
        assert "larger than 16 kB" in answer.text


async def test_a_form_that_never_arrives_is_given_up(
    hub: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "FORM_SECONDS", 0.2)
    head = (
        b"POST /console/sign-in HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
        b"content-type: application/x-www-form-urlencoded\r\ncontent-length: 99\r\n\r\nwho="
    )
    assert b"took too long" in await hub.raw(head)


@pytest.mark.parametrize(
    "back", ["https://evil.example", "//evil.example", "/console@evil", "/\\evil", "/console\\evil"]
)
async def test_signing_in_leads_to_the_console_and_nowhere_else(
    stranger: Visitor, back: str
) -> None:
    answer = await stranger.sign_in(back=back)
    assert answer.headers["location"] == "/console"


async def test_signing_in_needs_a_name(stranger: Visitor) -> None:
    for who in ("", "   ", "a\x00b"):
        answer = await stranger.sign_in(who)
        assert answer.status_code == 422
        assert "Give your name" in answer.text


async def test_a_name_is_shown_as_text(stranger: Visitor) -> None:
    await stranger.sign_in("<script>alert(1)</script>")
    page = await stranger.get("/console")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in page.text


async def test_a_failed_errand_is_shown_and_can_be_asked_again(visitor: Visitor) -> None:
    now = datetime.now(UTC)
    async with visitor.running.database.begin() as connection:
        await errands.ask(connection, deployment="x", parameters={}, key="home:1", now=now)
        one = (await errands.take(connection, now=now))[0]
        await errands.not_started(connection, one, problem="no x", now=now, is_final=True)
    assert "no x" in (await visitor.get("/console")).text
    answer = await visitor.post("/console/errands", {"key": "home:1"})
    assert await visitor.said(answer) == "It is being started again."
    again = await visitor.post("/console/errands", {"key": "home:1"})
    assert again.status_code == 404


async def test_static_files_are_for_good_and_nothing_else_is_served(hub: Running) -> None:
    page = await hub.client.get("/console/sign-in")
    address = page.text.split('rel="stylesheet" href="')[1].split('"')[0]
    found = await hub.client.get(address)
    assert found.status_code == 200
    assert "immutable" in found.headers["cache-control"]
    for path in ("/static/..%2fapp.py", "/static/app.py", "/static/", "/static/console.css/.."):
        assert (await hub.client.get(path)).status_code == 404


def test_a_weak_key_is_refused_and_the_key_is_never_shown(tmp_path: Path) -> None:
    with pytest.raises(ConsoleKeyWeak, match="HUB_CONSOLE_KEY"):
        ConsoleKey(SecretStr("short"))
    key = ConsoleKey.of(tmp_path, SecretStr("canary canary canary"))
    assert "canary" not in repr(key)
    assert not (tmp_path / FILE).exists()
