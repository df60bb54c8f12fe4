"""Prefect's global concurrency limits are the budgets in force: edited there, obeyed here."""

from __future__ import annotations

import asyncio
import time

from deployments.demo.cast import BALM
from tests.system.conftest import set_limit
from tests.system.shop import Shop
from tests.system.watch import Watch

BURST, PER_SECOND = 2, 4.0


async def test_a_limit_that_is_edited_in_prefect_is_obeyed_within_ten_seconds(
    shop: Shop, watch: Watch
) -> None:
    [buyer] = shop.people(1)
    await shop.sign_up([buyer])
    await watch.worked_off()
    await set_limit(watch.api, "twilio", BURST, PER_SECOND)
    await asyncio.sleep(10)

    before = len(await watch.records("twilio"))
    started = time.monotonic()
    await shop.sell(shop.orders([buyer] * 60, [BALM]))
    while (passed := time.monotonic() - started) < 5:
        arrived = len(await watch.records("twilio")) - before
        assert arrived <= BURST + PER_SECOND * (time.monotonic() - started) + 1
        await asyncio.sleep(0.3)
    assert arrived >= PER_SECOND * passed * 0.6, "a limit is not to be wasted either"

    await set_limit(watch.api, "twilio", 500, 500.0)
    took = await watch.worked_off(10)
    assert len(await watch.records("twilio")) - before >= 60
    print(f"\n{arrived} texts in {passed:.1f} s, the rest {took:.1f} s after the limit was raised")
