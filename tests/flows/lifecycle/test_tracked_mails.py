"""Which e-mails are tracked, and that what a machine fetches of them changes nothing."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import text

from flows.announcing import Announcement, announce
from flows.terms import Terms
from loyalty.lifecycle_policy import TrackingPolicy
from loyalty.links import Links
from loyalty.store import people
from loyalty.store.deliveries import Delivery
from loyalty.texts import Texts
from loyalty.tracking import read_click, read_open
from tests.flows.booking.desk import CONSENTING, Desk, signed_up

HUB = "https://hub.example"
LINKS = Links(b"k" * 32, HUB)
TEXT = "Look: https://shop.example/"
HTML = '<p><a href="https://shop.example/">look</a> <a href="{{ links.unsubscribe }}">leave</a></p>'
TEXTS = Texts({"sale": {"email": {"subject": "Sale", "text": TEXT, "html": HTML}, "sms": TEXT}})


async def announced(desk: Desk, **more: str) -> Delivery:
    """A message to Ada, planned with links."""
    desk.texts = TEXTS
    await desk.take(signed_up(CONSENTING))
    plain = desk.terms()
    terms: Terms = replace(plain, planner=replace(plain.planner, links=LINKS))
    async with desk.database.begin() as connection:
        (row,) = await connection.execute(text("select id from members"))
        (ada,) = (await people.lock(connection, [row.id])).values()
        fields = {"channel": "email", "purpose": "marketing", **more}
        message = Announcement(key="k", template="sale", member=ada, **fields)  # type: ignore[arg-type]
        (planned,) = await announce(connection, [message], terms=terms)
    return planned


def links_of(html: str) -> list[str]:
    return re.findall(r'(?:href|src)="([^"]*)"', html)


async def test_links_and_pixel_of_a_marketing_mail_name_its_delivery(desk: Desk) -> None:
    mail = await announced(desk)
    click, leave, pixel = links_of(mail.input["html"])
    followed = read_click(LINKS, click.removeprefix(f"{HUB}/l/"))
    assert (followed.delivery_id, followed.target) == (mail.id, "https://shop.example/")
    assert read_open(LINKS, pixel.removeprefix(f"{HUB}/o/")).delivery_id == mail.id
    assert leave.startswith(f"{HUB}/u/")
    assert mail.input["text"] == TEXT


@pytest.mark.parametrize(
    ("purpose", "policy", "is_tracked"),
    [
        ("transactional", TrackingPolicy(), False),
        ("transactional", TrackingPolicy(transactional=True), True),
        ("marketing", TrackingPolicy(marketing=False), False),
    ],
)
async def test_the_programme_says_which_mails_are_tracked(
    desk: Desk, purpose: str, policy: TrackingPolicy, is_tracked: bool
) -> None:
    desk.programme = desk.programme.model_copy(update={"tracking": policy})
    mail = await announced(desk, purpose=purpose)
    assert (f"{HUB}/l/" in mail.input["html"]) is is_tracked


async def test_an_sms_stays_as_it_is(desk: Desk) -> None:
    message = await announced(desk, channel="sms")
    assert message.input["body"] == TEXT
