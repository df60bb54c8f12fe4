"""A message goes from channel to channel until one reaches its person, and never by two at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from flows.fallback import chain_of, go_on_where_due, hear
from loyalty.engagement import Kind, Touch
from loyalty.events import Channel
from loyalty.lifecycle_policy import FallbackPolicy, TrackingPolicy
from loyalty.store import deliveries, engagement, fallbacks
from loyalty.store.database import Database
from loyalty.store.deliveries import Delivery
from tests.flows.lifecycle.post import NOON, rows, send, step

POLICY = FallbackPolicy(chain=(Channel.SMS, Channel.EMAIL), wait_minutes=30)
LATER = NOON + timedelta(minutes=30)


async def begin(
    database: Database, steps: Sequence[Delivery], policy: FallbackPolicy = POLICY
) -> list[Delivery]:
    """Plans a message with all its channels; returns what was planned at first."""
    chain = chain_of(steps, policy, now=NOON)
    async with database.begin() as connection:
        await deliveries.plan(connection, chain.planned)
        if chain.waiting is not None:
            await fallbacks.add(connection, [chain.waiting])
    return chain.planned


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


async def test_a_channel_that_the_gate_refuses_is_skipped_and_says_why(database: Database) -> None:
    first, second = step("sms", state="suppressed", reason="opted_out"), step("email")
    await begin(database, [first, second])
    found = await rows(database, "select capability, state from deliveries order by id")
    assert [(one.capability, one.state) for one in found] == [
        ("sms", "suppressed"),
        ("email", "pending"),
    ]
    assert await rows(database, "select * from fallbacks") == []


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
