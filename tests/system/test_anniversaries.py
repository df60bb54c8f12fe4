"""The scheduled deployment, started by hand: each anniversary is found once, however often."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from tests.system.flow_runs import reaches, start
from tests.system.shop import SIGN_UP_POINTS, Shop
from tests.system.watch import Watch


async def test_an_anniversary_is_found_once_however_often_the_flow_runs(
    shop: Shop, watch: Watch
) -> None:
    veterans = shop.people(3, joined="")
    novices = shop.people(2)
    await shop.sign_up([*veterans, *novices])
    await watch.calm()
    await asyncio.gather(*(run_by_hand(watch) for _ in range(3)))
    await run_by_hand(watch, as_of=datetime.now(UTC).isoformat())
    await watch.worked_off()

    for person in veterans:
        assert await earned(watch, person.email(shop.day)) == SIGN_UP_POINTS + 25
        mails = [
            one
            for one in await watch.records("smtp")
            if one["to"] == person.email(shop.day) and "1 year with" in one["subject"]
        ]
        assert len(mails) == 1
    for person in novices:
        assert await earned(watch, person.email(shop.day)) == SIGN_UP_POINTS
    assert await watch.wrong_messages() == []


async def run_by_hand(watch: Watch, **parameters: str) -> None:
    """Starts the deployment as its form in the UI does, and waits for the run's end."""
    await reaches(watch, await start(watch, "anniversaries", **parameters), "COMPLETED")


async def earned(watch: Watch, email: str) -> int:
    rows = await watch.rows(
        "select sum(e.points) as points from entries e join members m on m.id = e.member_id"
        " where m.email = :email",
        email=email,
    )
    return int(rows[0].points)
