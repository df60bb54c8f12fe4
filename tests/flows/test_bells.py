"""The bell: one run at work per trigger, no ring lost, nobody woken twice."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from flows.bells import Bell, Bells


async def settle() -> None:
    """Lets everybody who can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


def stand_by(bell: Bell, seconds: float = 5) -> asyncio.Task[bool]:
    """A run that stands by."""
    return asyncio.create_task(bell.stand_by(seconds))


async def test_a_ring_wakes_one_run_and_the_next_only_when_it_is_through() -> None:
    bell = Bell()
    first, second = stand_by(bell), stand_by(bell)
    await settle()
    bell.ring()
    await settle()
    assert (first.done(), second.done()) == (True, False)
    bell.ring()
    await settle()
    assert not second.done()
    bell.release()
    assert await second


async def test_two_rings_in_one_breath_wake_one_run() -> None:
    """A batch of many rings comes before the first run has had its turn."""
    bell = Bell()
    runs = [stand_by(bell) for _ in range(3)]
    await settle()
    for _ in range(5):
        bell.ring()
    await settle()
    assert [run.done() for run in runs] == [True, False, False]
    for run in runs[1:]:
        run.cancel()


async def test_what_was_rung_before_anybody_stood_by_is_not_lost() -> None:
    bell = Bell()
    bell.ring()
    assert await bell.stand_by(5)
    assert not await bell.stand_by(0.01)


async def test_what_is_rung_while_a_run_is_at_work_wakes_the_next() -> None:
    bell = Bell()
    bell.ring()
    assert await bell.stand_by(5)
    waiting = stand_by(bell)
    bell.ring()
    bell.release()
    assert await waiting


async def test_a_paused_trigger_keeps_its_rings() -> None:
    bell = Bell()
    bell.hold(True)
    waiting = stand_by(bell)
    bell.ring()
    await settle()
    assert not waiting.done()
    bell.hold(False)
    assert await waiting


async def test_the_busy_run_hears_what_comes_meanwhile() -> None:
    bell = Bell()
    bell.ring()
    assert await bell.stand_by(5)
    assert not await bell.linger(0.01)
    bell.ring()
    assert await bell.linger(0.01)
    assert not await bell.linger(0.01)
    bell.ring()
    bell.hold(True)
    assert not await bell.linger(5)
    bell.release()
    bell.hold(False)
    assert await bell.stand_by(5)


async def test_whoever_is_sent_away_has_no_work() -> None:
    bell = Bell()
    waiting = [stand_by(bell) for _ in range(2)]
    await settle()
    bell.dismiss()
    assert await asyncio.gather(*waiting) == [False, False]
    assert not bell.is_busy


@pytest.mark.parametrize("end", ["cancelled", "timed out"])
async def test_a_run_that_ends_as_it_is_woken_passes_the_work_on(end: str) -> None:
    bell = Bell()
    first = stand_by(bell, 0.01 if end == "timed out" else 5)
    second = stand_by(bell)
    await settle()
    if end == "timed out":
        await asyncio.sleep(0.009)
    bell.ring()
    if end == "cancelled":
        first.cancel()
    was_woken = False
    with suppress(asyncio.CancelledError):
        was_woken = await first
    if was_woken:
        bell.release()
        bell.ring()
    assert await asyncio.wait_for(second, 1)
    assert bell.waiters == []


async def test_each_trigger_has_its_own_bell() -> None:
    bells = Bells()
    bells.of("orders").ring()
    assert bells.of("orders") is bells.of("orders")
    assert not await bells.of("refunds").stand_by(0.01)
    assert await bells.of("orders").stand_by(0.01)
