"""Members hear of their code once, and are reminded before it expires, through the gate."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from flows.rewards_upkeep import keep_rewards
from loyalty import reward_events
from tests.flows.booking.desk import CONSENTING, signed_up
from tests.flows.rewards.shelf import RewardDesk, item

DAY = timedelta(days=1)
SHOP_URL = "https://tea.example"
GERMAN = {**CONSENTING, "locale": "de-DE"}


async def issued(desk: RewardDesk, **changes: Any) -> None:
    await desk.take(signed_up(GERMAN))
    names = {"en": "5 off", "de": "5 € Rabatt"}
    await desk.offer(item(names=names, shop_url=SHOP_URL, **changes))
    await desk.ask(await desk.member(100, GERMAN))
    await desk.end("sent")


async def told(desk: RewardDesk, template: str) -> list[Any]:
    return await desk.rows(
        "select capability, state, reason, input, purpose from deliveries where rule = :rule"
        " order by id",
        rule=template,
    )


async def test_the_code_is_told_once_in_the_members_language(desk: RewardDesk) -> None:
    await issued(desk)
    code = (await desk.the_one()).code
    [message] = await told(desk, "reward_issued")
    words = message.input.get("body") or message.input["text"]
    assert (message.state, message.purpose) == ("pending", "transactional")
    assert code in words
    assert "5 € Rabatt" in words
    assert f"{SHOP_URL}/discount/{code}" in words


async def test_what_was_voided_on_its_way_is_not_told(desk: RewardDesk) -> None:
    await desk.offer(item())
    await desk.ask(await desk.member(100, GERMAN))
    void = reward_events.voided(
        await desk.the_one(), by="a", reason="", gives_back=True, now=desk.now
    )
    await desk.take(void)
    await desk.end("sent")
    assert await told(desk, "reward_issued") == []


async def test_each_reminder_goes_once_and_none_after_the_end(desk: RewardDesk) -> None:
    await issued(desk, reminder_days=[7, 1])
    await keep_rewards(desk.database, desk.terms())
    assert await told(desk, "reward_reminder") == []
    counts = []
    for day in (24, 24, 25, 30, 30, 31):
        at = desk.now
        desk.now += day * DAY
        rounds = [keep_rewards(desk.database, desk.terms()) for _ in range(2)]
        await asyncio.gather(*rounds)
        counts.append(len(await told(desk, "reward_reminder")))
        desk.now = at
    assert counts == [1, 1, 1, 2, 2, 2]


async def test_after_a_long_silence_one_reminder_goes_and_not_one_for_each_day(
    desk: RewardDesk,
) -> None:
    await issued(desk, reminder_days=[14, 7, 3])
    desk.now += 29 * DAY
    await keep_rewards(desk.database, desk.terms())
    await keep_rewards(desk.database, desk.terms())
    assert len(await told(desk, "reward_reminder")) == 1


async def test_nobody_without_consent_is_reminded(desk: RewardDesk) -> None:
    await desk.offer(item(reminder_days=[7]))
    await desk.ask(await desk.member(100))
    await desk.end("sent")
    desk.now += 25 * DAY
    await keep_rewards(desk.database, desk.terms())
    [message] = await told(desk, "reward_reminder")
    assert message.state == "suppressed"
