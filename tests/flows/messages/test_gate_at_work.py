"""The gate on a real database: asked when a message is planned, and again before it goes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from loyalty.events import ConsentState, Event
from loyalty.store import people
from tests.flows.booking.desk import ADA, CONSENTING, Desk, report, signed_up, texted
from tests.flows.messages.post import NIGHT, Post

GRANTED, WITHDRAWN = ConsentState.GRANTED, ConsentState.WITHDRAWN
EVENING = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


async def evening(desk: Desk, **messaging: object) -> Post:
    """Half past ten in the evening, and Ada has said yes to everything."""
    post = await Post.open(desk, **(NIGHT | messaging))
    desk.now = EVENING
    for channel in ("email", "sms"):
        await post.said(channel, GRANTED, at=EVENING - timedelta(days=30))
    return post


async def test_what_the_night_puts_off_goes_in_the_morning_and_not_before(desk: Desk) -> None:
    post = await evening(desk)
    [letter] = await post.announce(post.letter())
    assert (letter.state, letter.next_attempt_at) == ("parked", MORNING)
    desk.now = MORNING - timedelta(seconds=1)
    assert await post.send_due() == []
    desk.now = MORNING
    assert [one.id for one in await post.send_due()] == [letter.id]
    assert await post.states() == [("sent", "")]
    assert await post.verdicts(letter.id) == [("defer", "quiet_hours"), ("send", "")]


STOPS = [
    pytest.param(texted("m1", "STOP", at=EVENING), "opted_out", id="STOP"),
    pytest.param(
        texted("m1", "please stop texting me", at=EVENING), "paused_for_review", id="wish"
    ),
    pytest.param(
        report("message.bounced", "b1", "sms", ADA["phone"], permanent=True),
        "hard_bounce",
        id="bounce",
    ),
    pytest.param(report("message.complained", "b1", "sms", ADA["phone"]), "complaint", id="spam"),
    pytest.param(report("message.unsubscribed", "u", "sms", ADA["phone"]), "opted_out", id="left"),
]  # fmt: skip


@pytest.mark.parametrize(("word", "reason"), STOPS)
async def test_what_waits_does_not_go_once_the_person_or_the_address_says_no(
    desk: Desk, word: Event, reason: str
) -> None:
    post = await evening(desk)
    [letter] = await post.announce(post.letter())
    desk.now = EVENING + timedelta(hours=1)
    await desk.take(word.model_copy(update={"time": desk.now}))
    desk.now = MORNING
    assert await post.send_due() == []
    assert await post.states() == [("suppressed", reason)]
    assert await post.verdicts(letter.id) == [("defer", "quiet_hours"), ("suppress", reason)]


async def test_what_a_paused_connection_held_is_asked_about_when_it_is_ready(desk: Desk) -> None:
    post = await evening(desk)
    desk.now = MORNING
    ready, desk.directory = desk.directory, type(desk.directory)({})
    await post.announce(post.letter(), post.letter("email"))
    assert {state for state, _ in await post.states()} == {"held"}
    desk.directory = ready
    await desk.take(texted("m1", "STOP", at=MORNING))
    desk.now = MORNING + timedelta(days=2)
    assert [one.capability for one in await post.send_due()] == ["email"]
    assert sorted(await post.states()) == [("sent", ""), ("suppressed", "opted_out")]


class _Killed(Exception):
    """The process ends here."""


async def _ask_and_die(post: Post) -> None:
    async with post.desk.database.begin() as connection:
        await post.take(connection)
        raise _Killed


async def test_a_worker_that_dies_while_it_asks_leaves_everything_as_it_was(desk: Desk) -> None:
    post = await evening(desk)
    [letter] = await post.announce(post.letter())
    await desk.take(texted("m1", "STOP", at=EVENING))
    desk.now = MORNING
    with pytest.raises(_Killed):
        await _ask_and_die(post)
    assert await post.states() == [("parked", "quiet_hours")]
    assert len(await post.verdicts(letter.id)) == 1
    assert await post.send_due() == []
    assert await post.states() == [("suppressed", "opted_out")]


async def test_a_message_that_is_put_off_again_waits_for_the_next_morning(desk: Desk) -> None:
    """A worker that was away all day finds it in the evening."""
    post = await evening(desk)
    [letter] = await post.announce(post.letter())
    desk.now = EVENING + timedelta(days=1)
    assert await post.send_due() == []
    [row] = await desk.rows("select state, next_attempt_at, owner from deliveries")
    assert tuple(row) == ("parked", MORNING + timedelta(days=1), "")
    assert await post.verdicts(letter.id) == [("defer", "quiet_hours")] * 2


async def test_what_waited_too_long_is_of_no_use_any_more(desk: Desk) -> None:
    post = await evening(desk)
    await post.announce(post.letter(valid_until=MORNING + timedelta(minutes=30)))
    desk.now = MORNING + timedelta(minutes=30)
    assert await post.send_due() == []
    assert await post.states() == [("suppressed", "would_be_late")]


async def test_where_a_member_moved_the_new_clock_counts(desk: Desk) -> None:
    post = await evening(desk)
    await desk.take(signed_up({**CONSENTING, "zone": "UTC"}))
    await post.announce(post.letter())
    [letter] = await desk.rows("select * from deliveries")
    await desk.rows("update deliveries set member_id = (select id from members) returning 1")
    await desk.rows("update members set zone = 'America/Los_Angeles' returning 1")
    desk.now = MORNING
    assert await post.send_due() == []
    [row] = await desk.rows("select next_attempt_at from deliveries")
    assert row.next_attempt_at == datetime(2026, 3, 3, 16, tzinfo=UTC)
    assert letter.next_attempt_at == MORNING


# --- caps ------------------------------------------------------------------------------------

ONE = {"frequency_caps": [{"channel": "sms", "class": "marketing", "count": 1, "hours": 24}]}
TWO = {"frequency_caps": [{"channel": "sms", "class": "marketing", "count": 2, "hours": 24}]}


async def test_messages_of_one_transaction_count_among_themselves(desk: Desk) -> None:
    post = await Post.open(desk, **TWO)
    await post.said("sms", GRANTED)
    await post.announce(*(post.letter() for _ in range(4)))
    assert [state for state, _ in await post.states()] == ["pending"] * 2 + ["suppressed"] * 2


async def test_two_transactions_at_once_do_not_both_take_the_last_place(desk: Desk) -> None:
    post = await Post.open(desk, **ONE)
    crowd = [f"+49151123400{number:02}" for number in range(8)]
    for address in crowd:
        await post.said("sms", GRANTED, address=address)
    offers = [[post.letter(address=one) for one in crowd] for _ in range(4)]
    await asyncio.gather(*(post.announce(*letters) for letters in offers))
    rows = await desk.rows("select target, state, count(*) as n from deliveries group by 1, 2")
    assert {(row.target, row.state): row.n for row in rows} == {
        **{(one, "pending"): 1 for one in crowd},
        **{(one, "suppressed"): 3 for one in crowd},
    }


async def test_one_key_is_one_message_however_many_announce_it_at_once(desk: Desk) -> None:
    post = await Post.open(desk, **TWO)
    await post.said("sms", GRANTED)
    letter = post.letter()
    found = await asyncio.gather(*(post.announce(letter) for _ in range(5)))
    assert sorted(len(one) for one in found) == [0, 0, 0, 0, 1]
    assert await post.states() == [("pending", "")]
    assert len(await desk.rows("select 1 from verdicts")) == 1


async def test_in_the_morning_the_higher_priority_goes_first(desk: Desk) -> None:
    """Two wait; a third of a higher priority takes a place, and the last of the others loses."""
    post = await evening(desk, **TWO)
    waiting = await post.announce(post.letter(), post.letter())
    desk.now = EVENING + timedelta(minutes=5)
    [like] = await post.announce(post.letter())
    [higher] = await post.announce(post.letter(priority=10))
    assert (like.state, higher.state) == ("suppressed", "parked")
    desk.now = MORNING
    sent = {one.id for one in await post.send_due()}
    assert len(sent) == 2
    assert higher.id in sent
    [loser] = [one.id for one in waiting if one.id not in sent]
    assert (await post.verdicts(loser))[-1] == ("suppress", "frequency_cap")


async def test_what_was_refused_or_failed_for_good_takes_no_place(desk: Desk) -> None:
    post = await Post.open(desk, **ONE)
    await post.announce(post.letter())
    assert await post.states() == [("suppressed", "no_consent")]
    await post.said("sms", GRANTED)
    [letter] = await post.announce(post.letter())
    assert letter.state == "pending"
    await desk.rows("update deliveries set state = 'dead' where id = :id returning 1", id=letter.id)
    [again] = await post.announce(post.letter())
    assert again.state == "pending"
    [receipt] = await post.announce(post.letter(purpose="transactional"))
    assert receipt.state == "pending"


async def test_the_first_channel_that_the_gate_allows_is_taken(desk: Desk) -> None:
    post = await Post.open(desk)
    await desk.take(signed_up({**ADA, "consents": {"email": "granted"}}))
    [row] = await desk.rows("select id from members")
    async with desk.database.begin() as connection:
        member = (await people.lock(connection, [row.id]))[row.id]
    [letter] = await post.announce(post.letter("auto", member=member, address=""))
    assert (letter.capability, letter.target, letter.state) == ("email", ADA["email"], "pending")
