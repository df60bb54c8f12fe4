"""A shop says that somebody agreed: where it is confirmed by the person, and where it counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from loyalty import consent_events
from loyalty.consent_links import request_behind
from loyalty.events import Event
from tests.flows.booking.desk import ADA, CONSENTING, NOON, Desk, event, signed_up
from tests.flows.messages.post import LINKS, Post

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SHOPS = {"double_opt_in": {"email": True, "shops": ["shopify/main"]}}
YES = {"consents": {"email": "granted"}}
NO = {"consents": {"email": "withdrawn"}}


def told(kind: str, hours: int, said: dict[str, Any], *, store: str = "shopify/main") -> Event:
    """The shop speaks of Ada so many hours after noon."""
    who = {**ADA, **said}
    return event(kind, f"{kind}:{hours}", who, at=NOON + hours * HOUR, store=store)


async def take(desk: Desk, *events: Event) -> None:
    """Each at its own time, in a batch of its own."""
    for one in events:
        desk.now = max(desk.now, one.time)
        await desk.take(one)


async def links(desk: Desk) -> list[str]:
    """The links that were sent to Ada, oldest first."""
    rows = await desk.rows(
        "select input from deliveries where rule = 'confirm_optin' and target = :to order by id",
        to=ADA["email"],
    )
    return [row.input["text"] for row in rows]


async def state(desk: Desk, channel: str = "email") -> str:
    """What counts for Ada's address now."""
    rows = await desk.rows(
        "select state from consents where channel = :channel order by occurred_at desc, id desc",
        channel=channel,
    )
    return rows[0].state if rows else ""


async def confirm(desk: Desk, link: str, *, hours: int) -> None:
    number = request_behind(LINKS, link.strip().rpartition("/")[2])
    assert number is not None
    await take(desk, consent_events.confirmed(number, at=NOON + hours * HOUR))


@pytest.mark.parametrize("kind", ["customer.created", "customer.opted_in", "customer.updated"])
async def test_the_yes_of_a_listed_shop_sends_a_link_and_counts_once_it_is_pressed(
    desk: Desk, kind: str
) -> None:
    post = await Post.open(desk, **SHOPS)
    await take(desk, told(kind, 0, YES))
    [link] = await links(desk)
    assert await state(desk) == "pending"
    [letter] = await post.announce(post.letter("email"))
    assert letter.reason.startswith("not_confirmed")
    await confirm(desk, link, hours=1)
    assert await state(desk) == "granted"
    await take(desk, told("customer.updated", 2, YES), told("customer.updated", 3, YES))
    assert (await state(desk), len(await links(desk))) == ("granted", 1)


async def test_what_a_shop_repeats_asks_nobody_twice_and_an_act_does(desk: Desk) -> None:
    await Post.open(desk, **SHOPS)
    at_once = told("customer.opted_in", 0, YES)
    await take(desk, told("customer.created", 0, YES), at_once)
    assert len(await links(desk)) == 1, "told twice in one go"
    await take(desk, *(told("customer.updated", hours, YES) for hours in (1, 30, 500)))
    assert len(await links(desk)) == 1
    await take(desk, told("customer.opted_in", 600, YES))
    assert len(await links(desk)) == 2


async def test_whoever_left_is_asked_again_only_where_the_shop_has_news(desk: Desk) -> None:
    await Post.open(desk, **SHOPS)
    await take(desk, told("customer.created", 0, YES))
    await confirm(desk, (await links(desk))[0], hours=1)
    await take(desk, told("customer.updated", 2, YES))
    no = consent_events.withdrawn(
        consent_events.Consent(channel="email", address=ADA["email"]), at=NOON + 3 * HOUR
    )
    await take(desk, no, told("customer.updated", 4, YES))
    assert (await state(desk), len(await links(desk))) == ("withdrawn", 1)
    await take(desk, told("customer.updated", 5, NO), told("customer.updated", 6, YES))
    assert (await state(desk), len(await links(desk))) == ("pending", 2)


async def test_a_no_counts_at_once(desk: Desk) -> None:
    await Post.open(desk, **SHOPS)
    await take(desk, told("customer.created", 0, YES), told("customer.updated", 1, NO))
    assert (await state(desk), len(await links(desk))) == ("withdrawn", 1)


@pytest.mark.parametrize(
    "messaging",
    [
        {},
        {"double_opt_in": {"email": True}},
        {"double_opt_in": {"email": True, "shops": ["square/main"]}},
        {"double_opt_in": {"shops": ["shopify/main"]}},
    ],
    ids=["at first", "forms only", "another shop", "not on this channel"],
)
async def test_the_word_of_other_shops_counts_as_it_is(
    desk: Desk, messaging: dict[str, Any]
) -> None:
    await Post.open(desk, **messaging)
    await take(desk, signed_up(CONSENTING))
    assert (await state(desk), await links(desk)) == ("granted", [])


async def test_a_channel_that_needs_no_confirmation_counts_at_once(desk: Desk) -> None:
    await Post.open(desk, **SHOPS)
    await take(desk, signed_up(CONSENTING))
    assert (await state(desk, "email"), await state(desk, "sms")) == ("pending", "granted")
