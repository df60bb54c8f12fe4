"""Texts in the console: previews that can do no harm, and tests that are asked for once."""

from __future__ import annotations

import json
import re

import pytest

from tests.gateway.visitor import Visitor


async def test_every_text_is_listed_and_can_be_looked_at(visitor: Visitor) -> None:
    page = await visitor.get("/console/texts")
    names = re.findall(r'href="/console/texts/(\w+)"', page.text)
    assert len(names) >= 17
    for name in names:
        shown = await visitor.get(f"/console/texts/{name}?locale=de&name=Zo%C3%AB")
        assert shown.status_code == 200
        assert "As it would be sent" in shown.text, name


async def test_a_preview_speaks_the_language_and_tells_what_an_sms_costs(visitor: Visitor) -> None:
    page = await visitor.get("/console/texts/points_earned?locale=de-AT&name=Zo%C3%AB")
    assert "Hallo Zoë, 150 Punkte" in page.text
    assert "UCS-2, 2 segments" in page.text
    assert "latin small letter e with diaeresis" in page.text
    page = await visitor.get("/console/texts/magic_link?locale=ja")
    assert "there is no text in ja: this one is in en" in page.text


async def test_a_mail_is_framed_without_scripts_and_a_name_adds_no_markup(
    visitor: Visitor,
) -> None:
    name = "%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    page = await visitor.get(f"/console/texts/invitation?name={name}&locale=fr")
    [address] = re.findall(
        r'<iframe class="mail" src="([^"]+)" title="The e-mail" sandbox>', page.text
    )
    assert "<script>alert" not in page.text
    mail = await visitor.get(address.replace("&amp;", "&"))
    assert mail.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "script-src" not in mail.headers["content-security-policy"]
    assert mail.text.startswith("<!doctype html>")
    assert "&lt;script&gt;alert(1)" in mail.text
    assert "<script" not in mail.text


@pytest.mark.parametrize(
    "path", ["nothing", "nothing/mail", "points_earned/mail", "%2e%2e%2fetc", "a" * 500]
)
async def test_what_is_not_there_is_refused_kindly(visitor: Visitor, path: str) -> None:
    answer = await visitor.get(f"/console/texts/{path}")
    assert answer.status_code == 404


async def test_a_test_is_an_errand_with_the_persons_name_in_the_log(visitor: Visitor) -> None:
    sent = await visitor.post(
        "/console/texts/invitation/test", {"to": "me@shop.example", "locale": "de", "name": ""}
    )
    assert "A worker sends it" in await visitor.said(sent)
    [row] = await visitor.running.rows("select deployment, parameters, key from errands")
    parameters = row.parameters if isinstance(row.parameters, dict) else json.loads(row.parameters)
    assert row.deployment == "send-test-message"
    assert parameters == {
        "template": "invitation", "to": "me@shop.example", "locale": "de", "key": row.key,
    }  # fmt: skip
    [noted] = await visitor.running.rows(
        "select actor, object from audit where action = 'text.tested'"
    )
    assert tuple(noted) == ("console:Ines Ops", "invitation")
    empty = await visitor.post("/console/texts/invitation/test", {"to": " "})
    assert "Say where" in await visitor.said(empty)
