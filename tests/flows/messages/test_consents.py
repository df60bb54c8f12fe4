"""What people say about being written to, booked: double opt-in, STOP and START, imports."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from loyalty import consent_events
from loyalty.consent_links import request_behind
from loyalty.events import Channel, Consent, ConsentImport, ConsentRequest, ConsentState, Event
from rules import RuleSet
from tests.flows.booking.desk import (
    ADA,
    CONSENTING,
    NOON,
    Desk,
    event,
    report,
    signed_up,
    texted,
)
from tests.flows.messages.post import LINKS, Post

GRANTED, PENDING, WITHDRAWN = ConsentState.GRANTED, ConsentState.PENDING, ConsentState.WITHDRAWN
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OPT_IN = {"double_opt_in": {"email": True, "token_hours": 72, "resend_minutes": 10}}
KEYWORD = {"sms": {"handset_optout": "needs_keyword"}}


async def take(desk: Desk, told: Event) -> tuple[str, str]:
    """State and code of an event that comes at its own time."""
    desk.now = max(desk.now, told.time)
    await desk.take(told)
    [row] = await desk.rows(
        "select state, outcome ->> 'code' as code, reason from inbox where business_key = :key",
        key=told.business_key,
    )
    return row.state, row.code or ""


async def log(desk: Desk) -> list[tuple[str, str, str]]:
    """(channel, purpose, state) of the log, oldest first."""
    rows = await desk.rows("select channel, purpose, state from consents order by occurred_at, id")
    return [tuple(row) for row in rows]


def yes(channel: str, at: datetime, **more: Any) -> Event:
    """A yes on a form."""
    wire = Channel(channel)
    address = ADA["email"] if wire is Channel.EMAIL else ADA["phone"]
    said = Consent(channel=wire, address=address, via="web_form", text_version="v3", **more)
    return consent_events.given(said, at=at)


def asked(at: datetime, address: str = "Ada@Example.com") -> Event:
    """An address that somebody typed into a form."""
    return consent_events.requested(
        ConsentRequest(channel=Channel.EMAIL, address=address, text_version="v3"), at=at
    )


async def request_of(desk: Desk) -> UUID:
    """The request whose link was sent last."""
    rows = await desk.rows(
        "select input from deliveries where rule = 'confirm_optin' order by id desc limit 1"
    )
    token = rows[0].input["text"].rpartition("/")[2]
    return request_behind(LINKS, token)


async def test_an_address_counts_once_its_owner_pressed_the_button(desk: Desk) -> None:
    post = await Post.open(desk, **OPT_IN)
    assert await take(desk, asked(NOON)) == ("done", "")
    assert await take(desk, asked(NOON + 9 * MINUTE)) == ("done", "already_requested")
    await post.announce(post.letter("email"))
    assert await post.states() == [("pending", ""), ("suppressed", "not_confirmed")]
    number = await request_of(desk)
    confirmed = consent_events.confirmed(number, at=NOON + HOUR)
    assert await take(desk, confirmed) == ("done", "")
    assert not await desk.accept(consent_events.confirmed(number, at=NOON + 2 * HOUR))
    [letter] = await post.announce(post.letter("email"))
    assert letter.state == "pending"
    rows = await desk.rows("select state, text_version, source from consents order by occurred_at")
    assert [tuple(row) for row in rows] == [
        ("pending", "v3", "hub consent.requested"),
        ("granted", "v3", "hub consent.confirmed double_opt_in"),
    ]


@pytest.mark.parametrize(
    ("hours", "ending"), [(71.99, ("done", "")), (72, ("refused", "token_expired"))]
)
async def test_a_link_is_dead_from_its_last_instant_on(
    desk: Desk, hours: float, ending: tuple[str, str]
) -> None:
    await Post.open(desk, **OPT_IN)
    await take(desk, asked(NOON))
    number = await request_of(desk)
    late = consent_events.confirmed(number, at=NOON + timedelta(hours=hours))
    assert await take(desk, late) == ending


async def test_a_request_that_nobody_made_is_refused(desk: Desk) -> None:
    await Post.open(desk, **OPT_IN)
    for number in (UUID(int=5), UUID(int=6)):
        assert await take(desk, consent_events.confirmed(number, at=NOON)) == (
            "refused",
            "link_invalid",
        )


async def test_asking_again_later_sends_another_link_and_either_is_good(desk: Desk) -> None:
    await Post.open(desk, **OPT_IN)
    await take(desk, asked(NOON))
    first = await request_of(desk)
    assert await take(desk, asked(NOON + 10 * MINUTE)) == ("done", "")
    assert await request_of(desk) != first
    assert await take(desk, consent_events.confirmed(first, at=NOON + HOUR)) == ("done", "")
    assert await take(desk, asked(NOON + 2 * HOUR)) == ("done", "already_granted")


@pytest.mark.parametrize(("is_proven", "state"), [(False, "pending"), (True, "granted")])
async def test_a_form_needs_confirmation_where_the_address_is_not_proven(
    desk: Desk, is_proven: bool, state: str
) -> None:
    await Post.open(desk, **OPT_IN)
    await take(desk, yes("email", NOON, is_proven=is_proven))
    assert await log(desk) == [("email", "marketing", state)]
    assert len(await desk.rows("select 1 from deliveries")) == (not is_proven)


async def test_a_form_cannot_lift_a_stop_where_only_start_can(desk: Desk) -> None:
    post = await Post.open(desk, **KEYWORD)
    await desk.take(signed_up(), texted("m1", "STOP", at=NOON + HOUR))
    form = yes("sms", NOON + 2 * HOUR)
    assert await take(desk, form) == ("parked", "needs_start_keyword")
    [letter] = await post.announce(post.letter(purpose="transactional"))
    assert letter.reason.startswith("opted_out")
    await take(desk, texted("m2", "START", at=NOON + DAY))
    assert (await desk.state_of(form))[0] == "done"
    [letter] = await post.announce(post.letter())
    assert letter.state == "pending"


@pytest.mark.parametrize(
    ("state", "evidence_at", "ending"),
    [
        (GRANTED, None, "no_evidence"),
        (PENDING, None, "no_evidence"),
        (GRANTED, NOON, "older_than_withdrawal"),
        (GRANTED, NOON + DAY, "older_than_withdrawal"),
        (GRANTED, NOON + DAY + MINUTE, ""),
        (WITHDRAWN, None, ""),
        (WITHDRAWN, NOON - DAY, ""),
    ],
)
async def test_an_import_never_undoes_a_withdrawal(
    desk: Desk, state: ConsentState, evidence_at: datetime | None, ending: str
) -> None:
    """Withdrawn on the second day; the list comes on the fifth."""
    await Post.open(desk)
    await desk.take(signed_up())
    desk.now = NOON + DAY
    no = Consent(channel=Channel.EMAIL, address=ADA["email"], via="one_click")
    await desk.take(consent_events.withdrawn(no, at=NOON + DAY))
    said = ConsentImport(
        channel=Channel.EMAIL, address=ADA["email"], state=state, evidence_at=evidence_at
    )
    told = consent_events.imported(said, at=NOON + 4 * DAY)
    assert await take(desk, told) == ("done", ending)
    rows = await desk.rows(
        "select state from consents where channel = 'email' order by occurred_at desc, id limit 1"
    )
    expected = "granted" if state is GRANTED and not ending else "withdrawn"
    assert rows[0].state == expected


async def test_a_shop_heard_for_the_first_time_does_not_undo_a_withdrawal(desk: Desk) -> None:
    """What a second shop has kept since whenever is no act of the person; opting in there is."""
    post = await Post.open(desk)
    await desk.take(signed_up(), texted("m1", "STOP", at=NOON + HOUR))
    desk.now = NOON + DAY
    copied = event("customer.updated", "x:1", {**CONSENTING, "id": "x"}, store="woocommerce/main",
                   at=NOON + DAY)  # fmt: skip
    await desk.take(copied)
    [letter] = await post.announce(post.letter())
    assert letter.reason.startswith("opted_out")
    opted_in = event("customer.opted_in", "x:2", {**CONSENTING, "id": "x"},
                     store="woocommerce/main", at=NOON + DAY)  # fmt: skip
    await desk.take(opted_in)
    [letter] = await post.announce(post.letter())
    assert letter.state == "pending"


async def test_pressing_unsubscribe_twice_is_once(desk: Desk) -> None:
    await Post.open(desk)
    await desk.take(signed_up())
    no = Consent(channel=Channel.EMAIL, address=ADA["email"], via="one_click")
    assert await take(desk, consent_events.withdrawn(no, at=NOON + HOUR)) == ("done", "")
    again = consent_events.withdrawn(no, at=NOON + HOUR + MINUTE)
    assert await take(desk, again) == ("done", "already_withdrawn")
    assert (await log(desk))[2:] == [("email", "marketing", "withdrawn")]


# --- texts ---------------------------------------------------------------------------------------


async def test_a_wish_to_stop_in_plain_words_pauses_until_somebody_decided(desk: Desk) -> None:
    post = await Post.open(desk)
    await desk.take(signed_up(), texted("m1", "please stop texting me", at=NOON + HOUR))
    await desk.take(texted("m2", "do not text me again!", at=NOON + 2 * HOUR))
    [review] = await desk.rows("select id, body, state from reviews")
    assert (review.body, review.state) == ("please stop texting me", "open")
    for purpose in ("marketing", "transactional"):
        [letter] = await post.announce(post.letter(purpose=purpose))
        assert letter.reason.startswith("paused_for_review")
    [elsewhere] = await post.announce(post.letter("email"))
    assert elsewhere.state == "pending"


@pytest.mark.parametrize(("decision", "state"), [("continue", "pending"), ("stop", "suppressed")])
async def test_the_decision_of_a_person_counts_once(desk: Desk, decision: Any, state: str) -> None:
    post = await Post.open(desk)
    await desk.take(signed_up(), texted("m1", "please stop texting me", at=NOON + HOUR))
    [review] = await desk.rows("select id from reviews")
    told = consent_events.decided(review.id, decision, by="Grace", at=NOON + 2 * HOUR)
    assert await take(desk, told) == ("done", "")
    assert not await desk.accept(consent_events.decided(review.id, "stop", by="Bo", at=NOON + DAY))
    [row] = await desk.rows("select state, decision, decided_by from reviews")
    assert tuple(row) == ("decided", decision, "Grace")
    [letter] = await post.announce(post.letter())
    assert letter.state == state


@pytest.mark.parametrize("is_known", [True, False])
async def test_help_is_answered_once_for_each_text(desk: Desk, is_known: bool) -> None:
    await Post.open(desk)
    if is_known:
        await desk.take(signed_up())
    await desk.take(texted("m1", "HELP", at=NOON + HOUR))
    rows = await desk.rows("select state, purpose, target, input from deliveries")
    assert [(row.state, row.purpose, row.target) for row in rows] == [
        ("pending", "transactional", ADA["phone"])
    ]
    assert rows[0].input["body"] == "Reply STOP to opt out."


@pytest.mark.parametrize("before", ["STOP", "please stop texting me"])
async def test_help_is_answered_also_to_whoever_stopped_and_nothing_else_is(
    desk: Desk, before: str
) -> None:
    post = await Post.open(desk, **KEYWORD)
    await desk.take(signed_up(), texted("m1", before, at=NOON + HOUR))
    ready, desk.directory = desk.directory, type(desk.directory)({})
    desk.now = NOON + 2 * HOUR
    await desk.take(texted("m2", "HELP", at=desk.now))
    desk.directory = ready
    [waits] = await post.announce(post.letter(purpose="transactional"))
    assert waits.state == "suppressed"
    assert [one.input["body"] for one in await post.send_due()] == ["Reply STOP to opt out."]
    await desk.take(texted("m3", "help", at=desk.now))
    rows = await desk.rows("select state from deliveries where rule = 'sms_help' order by id")
    assert [row.state for row in rows] == ["sent", "pending"]


async def test_an_answer_to_help_that_was_held_for_a_day_does_not_go(desk: Desk) -> None:
    post = await Post.open(desk)
    ready, desk.directory = desk.directory, type(desk.directory)({})
    await desk.take(texted("m1", "HELP", at=NOON))
    desk.directory, desk.now = ready, NOON + DAY
    assert await post.send_due() == []
    assert await post.states() == [("suppressed", "would_be_late")]


async def test_a_rule_cannot_pass_for_the_answer_to_help(desk: Desk) -> None:
    post = await Post.open(desk)
    sends = {"send_message": {"channel": "sms", "template": "sms_help", "purpose": "transactional"}}
    desk.rules = RuleSet.load([{"id": "greets", "on": ["sms.received"], "then": [sends]}])
    await desk.take(signed_up(), texted("m1", "STOP", at=NOON), texted("m2", "hi", at=NOON + HOUR))
    rows = await desk.rows("select state, reason from deliveries where rule = 'greets'")
    assert rows
    assert {row.reason.partition(":")[0] for row in rows} == {"opted_out"}
    assert await post.send_due() == []


async def test_a_bounce_belongs_to_the_address_and_ends_with_a_new_one(desk: Desk) -> None:
    post = await Post.open(desk)
    bounced = report("message.bounced", "b1", "email", "ADA@example.com", permanent=True)
    await desk.take(signed_up(), bounced)
    [letter] = await post.announce(post.letter("email", purpose="transactional"))
    assert letter.reason.startswith("hard_bounce")
    new = post.letter("email", purpose="transactional", address="ada.new@example.com")
    [letter] = await post.announce(new)
    assert letter.state == "pending"


async def test_whoever_said_no_with_one_account_is_not_written_to_by_the_other(
    desk: Desk,
) -> None:
    """Accounts that become one keep the stricter word."""
    post = await Post.open(desk)
    other = {"id": "c2", "email": "ada.old@example.com", "consents": {"email": "withdrawn"}}
    await desk.take(signed_up(), signed_up(other))
    await desk.take(event("member.merged", "m", {"source": {"id": "c2"}, "target": {"id": "c1"}}))
    [letter] = await post.announce(post.letter("email"))
    assert letter.reason.startswith("opted_out")
    [sms] = await post.announce(post.letter("sms"))
    assert sms.state == "pending"
