"""Who becomes a member, who is told what, and what the gate says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flows.directory import Directory
from loyalty.events import Event
from loyalty.programme import Programme
from loyalty.store.connections import StoredConnection
from loyalty.texts import Texts
from rules import RuleSet
from tests.flows.booking.desk import (
    ADA,
    CONSENTING,
    NOON,
    ROUTES,
    Desk,
    event,
    paid,
    redeemed,
    refunded,
    report,
    signed_up,
    texted,
)

LATER = NOON + timedelta(days=1)
WOO = "woocommerce/main"


async def test_a_sign_up_is_worth_a_bonus_once_even_from_two_shops(desk: Desk) -> None:
    again = signed_up({**CONSENTING, "id": "77"}, store=WOO)
    await desk.take(signed_up(), again)
    assert await desk.points() == 50
    assert await desk.state_of(again) == (
        "done",
        "already signed up at shopify/main: kept as an update",
    )
    assert [rule for _, rule, _ in await desk.deliveries()] == ["welcome"] * 3


async def test_two_sign_ups_of_one_person_in_one_batch_are_one_member(desk: Desk) -> None:
    await desk.accept(signed_up(), signed_up({**CONSENTING, "id": "77"}, store=WOO))
    await desk.work_off()
    assert await desk.points() == 50
    assert len(await desk.rows("select 1 from members")) == 1


@pytest.mark.parametrize(
    ("consents", "state", "reason"),
    [
        ({"email": "granted"}, "pending", ""),
        ({"email": "withdrawn"}, "suppressed", "opted_out"),
        ({}, "suppressed", "no_consent"),
        ({"sms": "granted"}, "suppressed", "no_consent"),
    ],
)
async def test_the_welcome_goes_only_where_it_may(
    desk: Desk, consents: dict[str, str], state: str, reason: str
) -> None:
    await desk.take(signed_up({**ADA, "consents": consents}))
    (welcome,) = await desk.rows("select * from deliveries where capability = 'email'")
    assert (welcome.state, welcome.reason.partition(":")[0]) == (state, reason)
    assert (welcome.owner == "desk") == (state == "pending")


async def test_a_member_without_an_address_is_not_written_to(desk: Desk) -> None:
    await desk.take(signed_up({"id": "c1"}))
    found = await desk.rows("select capability, state, reason from deliveries order by id")
    assert [tuple(one) for one in found] == [
        ("email", "suppressed", "no_address: the person has no e-mail address"),
        ("audience", "suppressed", "the member has no e-mail address"),
        ("crm", "suppressed", "the member has no e-mail address"),
    ]


@pytest.mark.parametrize(
    ("guest", "who"),
    [
        pytest.param({"email": " Ada@Example.com"}, ADA, id="by e-mail"),
        pytest.param(
            {"phone": "01511 2345678", "country": "DE"},
            {**ADA, "phone": "01511 2345678", "country": "de"},
            id="by a number as it is dialled at home",
        ),
    ],
)
async def test_a_guests_order_waits_for_the_sign_up(
    desk: Desk, guest: dict[str, str], who: dict[str, str]
) -> None:
    sale = paid("80.00", customer=guest)
    await desk.take(sale)
    assert (await desk.state_of(sale))[0] == "parked"
    assert await desk.rows("select 1 from members") == []
    await desk.take(signed_up(who, at=LATER))
    assert (await desk.state_of(sale))[0] == "done"
    assert await desk.points() == 50 + 80


async def test_a_guests_order_waits_until_the_address_becomes_known_in_any_way(
    desk: Desk,
) -> None:
    await desk.take(paid("80.00", customer={"email": ADA["email"]}))
    await desk.take(paid("20.00", id="1002"))
    assert await desk.points() == 100


async def test_a_guests_order_and_the_sign_up_in_one_batch(desk: Desk) -> None:
    await desk.accept(paid("80.00", customer={"email": ADA["email"]}), signed_up())
    await desk.work_off()
    assert await desk.points() == 130


STOP = [
    pytest.param(texted("m1", "Stop", at=LATER), "sms", "opted_out", id="STOP by text"),
    pytest.param(
        report("message.unsubscribed", "u1", "email", "Ada@Example.com"),
        "email",
        "opted_out",
        id="unsubscribed",
    ),
    pytest.param(
        report("message.bounced", "b1", "email", ADA["email"], permanent=True),
        "email",
        "hard_bounce",
        id="bounced",
    ),
    pytest.param(
        report("message.unsubscribed", "u2", "sms", ADA["phone"]),
        "sms",
        "opted_out",
        id="by number",
    ),
]
MESSAGES = RuleSet.load(
    [
        {
            "id": "tell",
            "on": ["order.paid"],
            "then": [
                {"send_message": {"channel": "sms", "template": "hello"}},
                {"send_message": {"channel": "email", "template": "hello"}},
            ],
        }
    ]
)
HELLO = Texts({"hello": {"sms": "Hello", "email": {"subject": "Hello", "text": "Hello"}}})


@pytest.mark.parametrize(("word", "channel", "reason"), STOP)
async def test_whoever_said_stop_hears_no_more_of_us(
    desk: Desk, word: Event, channel: str, reason: str
) -> None:
    desk.rules, desk.texts = MESSAGES, HELLO
    word = word.model_copy(update={"time": LATER})
    await desk.take(signed_up(), word, paid("10.00"))
    found = await desk.rows("select capability, state, reason from deliveries")
    assert {one.capability: (one.state, one.reason.partition(":")[0]) for one in found} == {
        **dict.fromkeys(("sms", "email"), ("pending", "")),
        channel: ("suppressed", reason),
    }


@pytest.mark.parametrize(("word", "channel", "reason"), STOP)
async def test_a_stop_from_somebody_not_known_yet_is_not_forgotten(
    desk: Desk, word: Event, channel: str, reason: str
) -> None:
    desk.rules, desk.texts = MESSAGES, HELLO
    word = word.model_copy(update={"time": LATER})
    await desk.take(word)
    assert (await desk.state_of(word))[0] == "done"
    await desk.take(signed_up(), paid("10.00"))
    found = await desk.rows("select state, reason from deliveries where capability = :c", c=channel)
    assert [(one.state, one.reason.partition(":")[0]) for one in found] == [("suppressed", reason)]


async def test_a_shop_that_repeats_an_old_consent_does_not_undo_a_stop(desk: Desk) -> None:
    """Shops send all they know with every change of a customer."""
    desk.rules, desk.texts = MESSAGES, HELLO
    update = event("customer.updated", "c1:2", CONSENTING, at=LATER + timedelta(hours=1))
    await desk.take(signed_up(), texted("m1", "STOP", at=LATER), update, paid("10.00"))
    found = await desk.rows("select state from deliveries where capability = 'sms'")
    assert [one.state for one in found] == ["suppressed"]


@pytest.mark.parametrize("how", ["START", "opted in", "the shop changed its mind"])
async def test_a_new_yes_after_a_stop_counts(desk: Desk, how: str) -> None:
    desk.rules, desk.texts = MESSAGES, HELLO
    later = LATER + timedelta(hours=1)
    no = {**CONSENTING, "consents": {"sms": "withdrawn"}}
    yes: dict[str, list[Event]] = {
        "START": [texted("m2", "start", at=later)],
        "opted in": [event("customer.opted_in", "c1:3", CONSENTING, at=later)],
        "the shop changed its mind": [
            event("customer.updated", "c1:2", no, at=LATER),
            event("customer.updated", "c1:3", CONSENTING, at=later),
        ],
    }
    await desk.take(signed_up(), texted("m1", "STOP", at=LATER), *yes[how], paid("10.00"))
    found = await desk.rows("select state from deliveries where capability = 'sms'")
    assert [one.state for one in found] == ["pending"]


async def test_an_old_yes_that_comes_late_does_not_undo_a_stop(desk: Desk) -> None:
    """Not for this batch either: the gate sees the latest word, not the last one to arrive."""
    desk.rules, desk.texts = MESSAGES, HELLO
    old = event("customer.opted_in", "c1:0", CONSENTING, at=NOON - timedelta(days=1))
    await desk.take(signed_up(), texted("m1", "STOP", at=LATER))
    await desk.accept(old, paid("10.00"))
    await desk.work_off()
    found = await desk.rows("select state from deliveries where capability = 'sms'")
    assert [one.state for one in found] == ["suppressed"]


async def test_a_temporary_bounce_withdraws_nothing(desk: Desk) -> None:
    await desk.take(signed_up(), report("message.bounced", "b1", "email", ADA["email"]))
    assert await desk.rows("select 1 from consents where state = 'withdrawn'") == []


async def test_one_message_per_channel_and_record_per_tool(desk: Desk) -> None:
    await desk.take(signed_up())
    before = len(await desk.deliveries())
    sale = paid("250.00", at=LATER)
    await desk.take(sale, sale)
    assert (await desk.deliveries())[before:] == [
        ("sms", "order-news", "pending"),
        ("crm", "order-news", "pending"),
        ("chat", "order-news", "pending"),
        ("sheet", "order-news", "pending"),
        ("track", "order-news", "pending"),
    ]
    keys = [row.key for row in await desk.rows("select key from deliveries order by id")]
    assert len(set(keys)) == len(keys)
    assert keys[before] == "shopify/main:order.paid:1001:order-news:0:twilio/main:+4915112345678"


async def test_a_bad_text_costs_the_message_and_not_the_points(desk: Desk) -> None:
    texts = {
        "points_earned": {"sms": "{{ member.first_name + 1 }}"},
        "order_counted": {"chat": "{{ nobody }}"},
    }
    desk.texts = Texts(texts)
    await desk.take(signed_up({**CONSENTING, "id": "c0"}))
    await desk.take(paid("250.00"))
    assert await desk.points() == 50 + 300
    rows = await desk.rows(
        "select state, reason from deliveries where capability in ('sms', 'chat') order by id"
    )
    assert [tuple(row) for row in rows] == [
        ("suppressed", "the sms text 'points_earned' cannot be filled in: TypeError"),
        ("suppressed", "the chat text 'order_counted' cannot be filled in: 'nobody' is undefined"),
    ]


@pytest.mark.parametrize(
    ("routes", "states", "route", "reason"),
    [
        pytest.param({}, {}, "", "no connection serves sms", id="no route"),
        pytest.param({"sms": ["slack/main"]}, {}, "", "slack cannot serve sms", id="unable"),
        pytest.param({"sms": ["nobody/main"]}, {}, "", "there is no connector", id="no connector"),
        pytest.param(
            ROUTES, {}, "twilio/main", "twilio/main has no credentials yet", id="no credentials"
        ),
        pytest.param(
            ROUTES, {"twilio/main": "paused"}, "twilio/main", "twilio/main is paused", id="paused"
        ),
        pytest.param(
            {"sms": ["slack/main", "twilio/old", "twilio/main"]},
            {"twilio/old": "refused", "twilio/main": "active", "slack/main": "active"},
            "twilio/main",
            "",
            id="the first that is ready",
        ),
    ],
)
async def test_a_message_without_a_ready_connection_waits_visibly(
    desk: Desk, routes: dict[str, list[str]], states: dict[str, str], route: str, reason: str
) -> None:
    desk.rules, desk.texts = MESSAGES, HELLO
    desk.programme = Programme.model_validate({"routes": routes})
    desk.directory = Directory(
        {slug: StoredConnection(*slug.split("/"), state, "", b"x", "f")
         for slug, state in states.items()}
    )  # fmt: skip
    await desk.take(signed_up(), paid("10.00"))
    (sms,) = await desk.rows("select * from deliveries where capability = 'sms'")
    assert sms.state == ("pending" if not reason else "held")
    assert (f"{sms.connector}/{sms.connection}" if sms.connector else "") == route
    assert sms.reason.startswith(reason)


async def test_milestones_are_told_once_and_their_reward_may_cross_the_next(club: Desk) -> None:
    club.programme = club.programme.model_copy(update={"tiers": None})
    await club.take(paid("920.00"))
    # 920 + 50 cross 500; its reward of 50 crosses 1000; that one's reward ends at 1070.
    assert await club.points() == 1070
    assert [one["mark"] for one in await club.emitted("milestone.reached")] == [500, 1000]
    await club.take(refunded("r1", "600.00"), paid("700.00", id="1002"))
    assert [one["mark"] for one in await club.emitted("milestone.reached")] == [500, 1000]


async def test_one_leap_over_two_marks_is_two_milestones(club: Desk) -> None:
    club.programme = club.programme.model_copy(update={"tiers": None})
    await club.take(paid("1350.00"))
    assert [one["mark"] for one in await club.emitted("milestone.reached")] == [500, 1000, 1500]
    assert await club.points() == 1350 + 50 + 3 * 50


async def test_a_mark_that_is_only_passed_on_the_way_is_not_reached(club: Desk) -> None:
    """An edit that moves points from one rule to another ends where it ends."""
    club.rules = RuleSet.load(
        [
            {"id": "tax", "on": ["order.paid"], "then": [{"award": {"points": "order.tax"}}]},
            {
                "id": "b-ship",
                "on": ["order.paid"],
                "then": [{"award": {"points": "order.shipping"}}],
            },
        ]
    )
    await club.take(paid("400.00", tax="400"))
    await club.take(paid("400.00", kind="order.edited", revision=1, shipping="400"))
    assert await club.points() == 400
    assert await club.emitted("milestone.reached") == []
    assert [one["after"] for one in await club.emitted("tier.changed")] == ["silver"]


async def test_the_tier_follows_the_points_up_and_down(club: Desk) -> None:
    await club.take(paid("300.00"), paid("100.00", id="1002"))
    # silver from the first order on: the second, and the milestone it reaches, count x 1.5
    assert await club.points() == 350 + 225 + 75
    await club.take(refunded("r1", full=True))
    assert await club.points() == 300
    assert [row.tier for row in await club.rows("select tier from members")] == ["silver"]
    await club.take(refunded("r2", "10.00", order="1002"))
    assert await club.points() == 135 + 75
    assert [(one["before"], one["after"]) for one in await club.emitted("tier.changed")] == [
        ("", "silver"),
        ("silver", ""),
    ]
    assert [row.tier for row in await club.rows("select tier from members")] == [""]


async def test_a_refund_of_a_silver_order_is_reckoned_at_the_silver_factor(club: Desk) -> None:
    await club.take(paid("300.00"), paid("100.00", id="1002"), refunded("r1", full=True))
    before = await club.points()
    await club.take(refunded("r2", "50.00", order="1002"))
    assert before - await club.points() == 225 - 75


async def test_points_spent_do_not_lower_the_tier(club: Desk) -> None:
    await club.take(paid("300.00"), redeemed("g1", 300))
    assert await club.points() == 50
    assert [row.tier for row in await club.rows("select tier from members")] == ["silver"]
