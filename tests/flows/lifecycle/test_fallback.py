"""A message goes from channel to channel until one reaches its person, and never by two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import pytest
from sqlalchemy import text

from deployments.scenario.stage import furnish
from flows.announcing import Announcement, announce
from flows.fallback import begin_chains, go_on_where_due, hear
from flows.gatekeeping import judge_again
from loyalty.engagement import Kind, Touch
from loyalty.events import Channel, ConsentState
from loyalty.lifecycle_policy import FallbackPolicy, TrackingPolicy
from loyalty.store import deliveries, engagement, fallbacks, people
from loyalty.store.database import Database
from loyalty.store.deliveries import Delivery
from loyalty.store.people import ConsentNote
from loyalty.texts import Texts
from rules import RuleSet
from rules.problems import RuleSetError
from tests.flows.booking.desk import ADA, Desk, paid, signed_up
from tests.flows.lifecycle.post import NOON, rows, send, step

POLICY = FallbackPolicy(chain=(Channel.SMS, Channel.EMAIL), wait_minutes=30)
LATER = NOON + timedelta(minutes=30)


async def begin(
    database: Database, steps: Sequence[Delivery], policy: FallbackPolicy = POLICY
) -> list[Delivery]:
    """Plans a message with all its channels; returns what was planned at first."""
    first, *behind = steps
    first.behind = behind
    async with database.begin() as connection:
        new = await deliveries.plan(connection, [first])
        await begin_chains(connection, new, policy, now=NOON)
    return [first]


async def report(database: Database, one: Delivery, kind: Kind, at: datetime = NOON) -> None:
    """The vendor says what became of a delivery."""
    async with database.begin() as connection:
        touch = Touch(kind, at)
        recorded = await engagement.record(connection, [(one.id, touch)], policy=TrackingPolicy())
        told = [found for found in recorded if found is not None]
        await deliveries.plan(connection, await hear(connection, told, now=at))


async def go_on(database: Database, now: datetime) -> int:
    async with database.begin() as connection:
        return await go_on_where_due(connection, now=now)


async def planned(database: Database) -> list[str]:
    """The channels that were planned, in order."""
    return [one.capability for one in await rows(database, "select * from deliveries order by id")]


async def state(database: Database) -> str:
    (one,) = await rows(database, "select state from fallbacks")
    return str(one.state)


@pytest.fixture
def steps() -> list[Delivery]:
    return [step("sms"), step("email")]


async def test_what_arrived_goes_no_further(database: Database, steps: list[Delivery]) -> None:
    (sms,) = await begin(database, steps)
    await send(database, sms.id)
    await report(database, sms, Kind.DELIVERED)
    assert await go_on(database, LATER + timedelta(days=1)) == 0
    assert (await planned(database), await state(database)) == (["sms"], "arrived")


async def test_a_failure_leads_on_at_once_and_only_once(
    database: Database, steps: list[Delivery]
) -> None:
    (sms,) = await begin(database, steps)
    await send(database, sms.id)
    for _ in range(3):
        await report(database, sms, Kind.BOUNCED)
    await go_on(database, LATER + timedelta(days=1))
    assert await planned(database) == ["sms", "email"]
    (_, mail) = await rows(database, "select * from deliveries order by id")
    assert (mail.key, mail.state, mail.next_attempt_at) == ("m:email", "parked", NOON)
    assert "came back" in mail.reason


async def test_silence_leads_on_at_its_end_and_not_before(
    database: Database, steps: list[Delivery]
) -> None:
    (sms,) = await begin(database, steps)
    await send(database, sms.id)
    assert await go_on(database, LATER - timedelta(microseconds=1)) == 0
    assert await go_on(database, LATER) == 1
    assert await planned(database) == ["sms", "email"]


@pytest.mark.parametrize("kind", [Kind.DELIVERED, Kind.BOUNCED])
async def test_what_is_heard_late_of_a_channel_that_was_left_changes_nothing(
    database: Database, steps: list[Delivery], kind: Kind
) -> None:
    (sms,) = await begin(database, steps)
    await send(database, sms.id)
    await go_on(database, LATER)
    await report(database, sms, kind, LATER + timedelta(minutes=1))
    assert (await planned(database), await state(database)) == (["sms", "email"], "waiting")


async def test_silence_begins_when_it_was_sent_not_when_it_was_planned(
    database: Database, steps: list[Delivery]
) -> None:
    (sms,) = await begin(database, steps)
    assert await go_on(database, LATER + timedelta(hours=5)) == 0
    await send(database, sms.id, at=LATER)
    assert await go_on(database, LATER + timedelta(minutes=29)) == 0
    assert await go_on(database, LATER + timedelta(minutes=30)) == 1


@pytest.mark.parametrize("end", ["dead", "suppressed"])
async def test_what_could_not_be_sent_leads_on_at_once(
    database: Database, steps: list[Delivery], end: str
) -> None:
    (sms,) = await begin(database, steps)
    await send(database, sms.id, state=end)
    assert await go_on(database, NOON) == 1
    assert await planned(database) == ["sms", "email"]


async def test_what_a_person_called_off_goes_no_further(
    database: Database, steps: list[Delivery]
) -> None:
    (sms,) = await begin(database, steps)
    await send(database, sms.id, state="cancelled")
    await go_on(database, LATER)
    assert (await planned(database), await state(database)) == (["sms"], "ended")


async def announced(desk: Desk, purpose: Literal["marketing", "transactional"]) -> list[Delivery]:
    """Announces a message to Ada by whichever channel is open."""
    await desk.take(signed_up())
    async with desk.database.begin() as connection:
        (row,) = await connection.execute(text("select id from members"))
        (ada,) = (await people.lock(connection, [row.id])).values()
        message = Announcement(
            "k1", "reward_issued", "auto", purpose, ada, values=dict.fromkeys(
                ("reward", "code", "ends_at", "link"), "2026-12-31T00:00:00+00:00"
            ),
        )  # fmt: skip
        await announce(connection, [message], terms=desk.terms())
        return await announce(connection, [message], terms=desk.terms())


async def say(desk: Desk, channel: Channel, address: str, state: ConsentState) -> None:
    async with desk.database.begin() as connection:
        (row,) = await connection.execute(text("select id from members"))
        note = ConsentNote(row.id, channel, address, state, "test", NOON)
        await people.note_consents(connection, [note], now=NOON)


async def test_announcing_again_announces_nothing_and_begins_no_second_chain(
    desk: Desk, database: Database
) -> None:
    assert await announced(desk, "transactional") == []
    assert await planned(database) == ["sms"]
    assert len(await rows(database, "select * from fallbacks")) == 1


async def test_a_channel_that_the_gate_refuses_is_skipped(desk: Desk, database: Database) -> None:
    desk.programme = desk.programme.model_copy(update={"fallback": POLICY})
    await desk.take(signed_up())
    await say(desk, Channel.SMS, ADA["phone"], ConsentState.WITHDRAWN)
    await announced(desk, "marketing")
    assert await planned(database) == ["email"]
    assert await rows(database, "select * from fallbacks") == []


async def test_the_gate_is_asked_again_when_the_next_channel_would_go(
    desk: Desk, database: Database
) -> None:
    await furnish(database)
    desk.programme = desk.programme.model_copy(update={"fallback": POLICY})
    await announced(desk, "marketing")
    (sms,) = await rows(database, "select id from deliveries")
    await send(database, sms.id)
    await say(desk, Channel.EMAIL, ADA["email"], ConsentState.WITHDRAWN)
    desk.now = LATER
    await go_on(database, LATER)
    async with database.begin() as connection:
        taken = await deliveries.take_due(connection, owner="w", limit=10, now=LATER)
        assert await judge_again(connection, taken, desk.terms()) == []
    await go_on(database, LATER)
    (_, mail) = await rows(database, "select * from deliveries order by id")
    assert (mail.state, mail.reason.partition(":")[0]) == ("suppressed", "opted_out")
    assert await state(database) == "used_up"


async def test_without_a_time_only_a_failure_leads_on(
    database: Database, steps: list[Delivery]
) -> None:
    (sms,) = await begin(database, steps, FallbackPolicy())
    await send(database, sms.id)
    assert await go_on(database, NOON + timedelta(days=9)) == 0
    await report(database, sms, Kind.BOUNCED)
    assert await planned(database) == ["sms", "email"]


async def test_after_the_last_channel_nothing_follows(database: Database) -> None:
    (sms,) = await begin(database, [step("sms"), step("email")])
    await send(database, sms.id)
    await go_on(database, LATER)
    (_, mail) = await rows(database, "select * from deliveries order by id")
    await send(database, mail.id, state="dead")
    await go_on(database, LATER)
    assert (await planned(database), await state(database)) == (["sms", "email"], "used_up")


async def test_workers_and_reports_at_the_same_moment_lead_on_once(database: Database) -> None:
    sent = []
    for number in range(20):
        (sms,) = await begin(
            database, [step("sms", key=f"m{number}"), step("email", key=f"m{number}")]
        )
        sent.append(sms)
    await send(database, *(one.id for one in sent))
    await asyncio.gather(
        *(go_on(database, LATER) for _ in range(4)),
        *(report(database, one, Kind.BOUNCED, LATER) for one in sent),
    )
    found = await rows(database, "select key, count(*) as n from deliveries group by key")
    assert len(found) == 40
    assert {one.n for one in found} == {1}


async def test_a_killed_step_has_done_nothing(database: Database, steps: list[Delivery]) -> None:
    (sms,) = await begin(database, steps)
    await send(database, sms.id)

    async def killed() -> None:
        async with database.begin() as connection:
            await go_on_where_due(connection, now=LATER)
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        await killed()
    assert await planned(database) == ["sms"]
    assert await go_on(database, LATER) == 1
    assert await planned(database) == ["sms", "email"]


async def test_when_the_next_one_goes_on_is_known(
    database: Database, steps: list[Delivery]
) -> None:
    async def due(now: datetime) -> datetime | None:
        async with database.begin() as connection:
            return await fallbacks.next_due(connection, now=now)

    assert await due(NOON) is None
    (sms,) = await begin(database, steps)
    assert await due(NOON) is None
    await send(database, sms.id)
    assert await due(NOON) == LATER


LEFT_OPEN = RuleSet.load(
    [
        {
            "id": "thanks",
            "on": ["order.paid"],
            "then": [{"send_message": {"channel": "auto", "template": "thanks"}}],
        }
    ]
)
THANKS = Texts(
    {"thanks": {"sms": "Thanks.", "email": {"subject": "Thanks", "text": "{{ order.number }}"}}}
)


async def test_a_rule_may_leave_the_channel_open(desk: Desk, database: Database) -> None:
    desk.programme = desk.programme.model_copy(update={"fallback": POLICY})
    desk.rules, desk.texts = LEFT_OPEN, THANKS
    await desk.take(signed_up(), paid("10.00", id="1001"))
    assert await planned(database) == ["sms"]
    (sms,) = await rows(database, "select id from deliveries")
    await send(database, sms.id)
    assert await go_on(database, LATER) == 1
    (_, mail) = await rows(database, "select * from deliveries order by id")
    assert (mail.capability, mail.input["text"]) == ("email", "#1001")


async def test_a_rule_that_leaves_the_channel_open_fixes_no_connection() -> None:
    body = {"channel": "auto", "template": "thanks", "connection": "twilio/main"}
    with pytest.raises(RuleSetError, match="no connection can be fixed"):
        RuleSet.load([{"id": "x", "on": ["order.paid"], "then": [{"send_message": body}]}])
