"""What is collected is said once, when the window closes, with what is true then."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from flows.digests import close_where_due
from loyalty.lifecycle_policy import DigestPolicy
from loyalty.store import digests
from loyalty.store.database import Database
from loyalty.texts import Texts
from rules import RuleSet
from tests.flows.booking.accounts import erased, merged
from tests.flows.booking.desk import CONSENTING, Desk, paid, refunded, signed_up
from tests.flows.lifecycle.post import NOON, rows

TEXT = "{{ values.points }} of {{ values.count }}, {{ values.balance }} in all"
TOLD = {"send_message": {"channel": "email", "template": "earned", "if": "result.points > 0"}}
EARNS = {"earn": {"points": "1", "per": "1.00", "steps": "proportional"}}
RULES = RuleSet.load(
    [
        {"id": "earn", "on": ["order.paid"], "then": [EARNS]},
        {"id": "tell", "on": ["order.paid"], "priority": -100, "then": [TOLD]},
    ]
)
END = NOON + timedelta(minutes=30)


@pytest_asyncio.fixture
async def desk(database: Database) -> Desk:
    """Collects what is earned for half an hour; Ada has signed up and wants e-mails."""
    text = {"email": {"subject": "Points", "text": TEXT}, "sms": TEXT}
    found = Desk(database, rules=RULES, texts=Texts({"earned": text, "points_digest": text}))
    policy = {"earned": DigestPolicy(minutes=30)}
    found.programme = found.programme.model_copy(update={"digests": policy})
    await found.take(signed_up(CONSENTING))
    return found


async def close(desk: Desk, now: datetime = END) -> int:
    desk.now = now
    async with desk.database.begin() as connection:
        return await close_where_due(connection, desk.terms())


async def said(desk: Desk) -> list[str]:
    """What was said by e-mail, in order."""
    found = await rows(desk.database, "select input from deliveries order by id")
    return [one.input["text"] for one in found]


async def states(desk: Desk) -> list[str]:
    return [one.state for one in await rows(desk.database, "select state from digests order by id")]


async def order(desk: Desk, id: str, total: str, minutes: int = 0, **more: Any) -> None:
    desk.now = NOON + timedelta(minutes=minutes)
    await desk.take(paid(total, id=id, **more))


async def test_one_message_tells_the_truth_of_its_own_time(desk: Desk) -> None:
    for number, minutes in enumerate((0, 10, 20)):
        await order(desk, f"o{number}", "20.00", minutes)
    await desk.take(refunded("r1", "20.00", order="o1"))
    assert await said(desk) == []
    await close(desk)
    assert await said(desk) == ["40 of 2, 40 in all"]
    await close(desk, END + timedelta(hours=1))
    assert await said(desk) == ["40 of 2, 40 in all"]


async def test_the_window_opens_with_the_first_event_and_moves_no_further(desk: Desk) -> None:
    await order(desk, "o1", "20.00")
    await order(desk, "o2", "20.00", minutes=29)
    assert await close(desk, END - timedelta(microseconds=1)) == 0
    assert await close(desk) == 1
    assert await said(desk) == ["40 of 2, 40 in all"]


async def test_where_nothing_is_left_nothing_is_said(desk: Desk) -> None:
    await order(desk, "o1", "20.00")
    await desk.take(refunded("r1", "20.00", order="o1"))
    await close(desk)
    assert (await said(desk), await states(desk)) == ([], ["empty"])


async def test_what_comes_after_the_end_opens_the_next_window(desk: Desk) -> None:
    await order(desk, "o1", "20.00")
    await close(desk)
    await order(desk, "o2", "30.00", minutes=31)
    await close(desk, END + timedelta(minutes=31))
    assert await said(desk) == ["20 of 1, 20 in all", "30 of 1, 50 in all"]


async def test_workers_at_the_same_moment_say_it_once(desk: Desk) -> None:
    for number in range(12):
        who = {**CONSENTING, "id": f"c{number}", "email": f"m{number}@example.com", "phone": None}
        await desk.take(signed_up(who), paid("20.00", id=f"o{number}", customer=who))
    await asyncio.gather(*(close(desk) for _ in range(4)))
    assert len(await said(desk)) == 12
    assert set(await states(desk)) == {"sent"}


async def test_booking_and_closing_at_the_same_moment_lose_nothing(desk: Desk) -> None:
    await order(desk, "o0", "10.00")
    desk.now = END
    await desk.accept(*(paid("10.00", id=f"o{n}") for n in range(1, 6)))
    terms = desk.terms()

    async def shut() -> None:
        for _ in range(5):
            async with desk.database.begin() as connection:
                await close_where_due(connection, terms)

    await asyncio.gather(desk.work_off(), shut())
    await close(desk, END + timedelta(hours=1))
    points = [int(one.partition(" ")[0]) for one in await said(desk)]
    assert sum(points) == 60


async def test_a_killed_worker_has_said_nothing_and_the_next_says_it(desk: Desk) -> None:
    await order(desk, "o1", "20.00")
    desk.now = END

    async def killed() -> None:
        async with desk.database.begin() as connection:
            await close_where_due(connection, desk.terms())
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        await killed()
    assert (await said(desk), await states(desk)) == ([], ["open"])
    await close(desk)
    assert await said(desk) == ["20 of 1, 20 in all"]


async def test_late_news_is_planned_alone_so_that_the_gate_refuses_it(desk: Desk) -> None:
    desk.programme = desk.programme.model_copy(update={"max_lateness_hours": 1})
    await order(desk, "o1", "20.00", minutes=600, at=NOON)
    (one,) = await rows(desk.database, "select state, reason from deliveries")
    assert (one.state, one.reason.partition(":")[0]) == ("suppressed", "would_be_late")
    assert await states(desk) == []


async def test_when_the_next_window_closes_is_known(desk: Desk) -> None:
    await order(desk, "o1", "20.00", minutes=7)
    async with desk.database.begin() as connection:
        assert await digests.next_due(connection) == NOON + timedelta(minutes=37)


BOB = {"id": "c2", "email": "bob@example.com", "first_name": "Bob"}


async def test_accounts_that_become_one_hear_once_of_both(desk: Desk) -> None:
    await desk.take(signed_up({**BOB, "consents": {"email": "granted"}}))
    await order(desk, "o1", "20.00")
    await order(desk, "o2", "30.00", minutes=5, customer=BOB)
    await desk.take(merged(source=BOB, target=CONSENTING))
    assert sorted(await states(desk)) == ["merged", "open"]
    await close(desk)
    assert await said(desk) == ["50 of 2, 50 in all"]


async def test_a_forgotten_person_hears_nothing(desk: Desk) -> None:
    await order(desk, "o1", "20.00")
    await desk.take(erased())
    await close(desk)
    assert (await said(desk), await states(desk)) == ([], ["empty"])
    (one,) = await rows(desk.database, "select effect from digests")
    assert one.effect == {}
