"""A code works as often as it may, for whom it may, however many try at once."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from flows.booking import book
from loyalty.events import Event
from loyalty.gift_code_plans import PrintPlan
from loyalty.store import gift_code_batches, gift_codes, inbox
from rules import RuleSet
from tests.flows.booking.accounts import BO, ending, erased, merged, programme
from tests.flows.booking.desk import ADA, NOON, SHOP, Desk, signed_up
from tests.flows.booking.test_at_once import book_alone, person
from tests.flows.gift_codes.counter import made, typed


async def code_of(desk: Desk, event: Event) -> str:
    """The code with which an event ended; `ok` for plain success."""
    state, code = await ending(desk, event)
    return "ok" if (state, code) == ("done", "") else code


async def member(desk: Desk, customer: dict[str, str] = ADA) -> None:
    """Somebody who is known."""
    await desk.take(signed_up(dict(customer)))


async def test_a_code_is_booked_once_with_its_reason(desk: Desk) -> None:
    await member(desk)
    await made(desk, "SPRING-24AB")
    first, again, later = (
        typed("spring 24ab", "r1"),
        typed("spring 24ab", "r1"),
        typed("SPRING24AB"),
    )
    await desk.take(first, again, later)
    assert await code_of(desk, first) == "ok"
    assert await code_of(desk, later) == "code_used"
    assert await desk.points() == 100
    rows = await desk.rows("select reason, points, kind, counts_at from entries")
    assert [tuple(row) for row in rows] == [("gift code SPRING-24AB (Spring)", 100, "earn", NOON)]


async def test_who_is_not_known_uses_up_nothing(desk: Desk) -> None:
    await made(desk, "A-1")
    stranger, nobody = typed("A-1", customer=BO), typed("A-1", "r", customer=None)
    await desk.take(stranger, nobody)
    assert await code_of(desk, stranger) == "unknown_member"
    assert await code_of(desk, nobody) == "unknown_member"
    await member(desk)
    mine = typed("A-1")
    await desk.take(mine)
    assert await code_of(desk, mine) == "ok"


async def test_whoever_is_signed_in_is_named_by_the_hubs_own_id(desk: Desk) -> None:
    await member(desk)
    await made(desk, "A-1")
    (row,) = await desk.rows("select id from members")
    mine = typed("A-1", customer=None, member_id=str(row.id))
    nobody = typed("A-1", "r2", customer=None, member_id=str(row.id).replace("0", "1"))
    await desk.take(nobody, mine)
    assert await code_of(desk, nobody) == "unknown_member"
    assert await code_of(desk, mine) == "ok"


async def test_many_at_once_use_one_code_once(desk: Desk) -> None:
    await made(desk, "ONE-1")
    people = [person(n) for n in range(6)]
    for one in people:
        await member(desk, one)
    events = [typed("one1", f"r{n}", customer=one) for n, one in enumerate(people)]
    await desk.accept(*events)
    await asyncio.gather(*(book_alone(desk, "redemptions") for _ in range(4)))
    ends = sorted([await code_of(desk, one) for one in events])
    assert ends == ["code_used"] * 5 + ["ok"]
    (row,) = await desk.rows("select sum(points) as points from entries")
    assert row.points == 100
    await desk.check_books()


async def test_many_at_once_share_a_code_with_so_many_uses_and_a_batch_with_fewer(
    desk: Desk,
) -> None:
    await made(desk, "ALL-1", "ALL-2", max_uses=4, batch_uses=5)
    people = [person(n) for n in range(6)]
    for one in people:
        await member(desk, one)
    events = [
        typed(code, f"{code}:{n}", customer=one)
        for n, one in enumerate(people)
        for code in ("ALL-1", "ALL-2")
    ]
    await desk.accept(*events)
    await asyncio.gather(*(book_alone(desk, "redemptions") for _ in range(4)))
    ends = [await code_of(desk, one) for one in events]
    assert ends.count("ok") == 5
    assert set(ends) <= {"ok", "code_used", "batch_used_up"}
    rows = await desk.rows("select code, uses from gift_codes order by code")
    assert sum(row.uses for row in rows) == 5
    assert max(row.uses for row in rows) <= 4
    (row,) = await desk.rows("select uses from gift_code_batches")
    assert row.uses == 5


async def test_several_of_one_batch_of_events_count_together(desk: Desk) -> None:
    """What the same transaction has used already is used."""
    await member(desk)
    await made(desk, "A-1", "A-2", "A-3", batch_per_member=2)
    events = [typed(code, f"r{n}") for n, code in enumerate(["A-1", "a1", "A-2", "A-3"])]
    await desk.accept(*events)
    await desk.work_off()
    assert [await code_of(desk, one) for one in events] == ["ok", "code_used", "ok", "batch_limit"]


async def test_the_database_itself_lets_no_use_be_twice(desk: Desk) -> None:
    await member(desk)
    batch_id = await made(desk, "A-1")
    await desk.take(typed("A-1"))
    (use,) = await desk.rows("select * from gift_code_uses")
    copy = """
        insert into gift_code_uses select code_id, number + :more, batch_id, member_id,
            member_number, event_id, points, used_at from gift_code_uses
    """
    for more in (0, 1):
        with pytest.raises(IntegrityError):
            async with desk.database.begin() as connection:
                await connection.execute(text(copy), {"more": more})
    assert use.batch_id == batch_id


async def _book_and_die(desk: Desk) -> None:
    async with desk.database.begin() as connection:
        items = await inbox.claim(connection, "redemptions", limit=10, now=desk.now)
        await book(connection, items, desk.terms(), run_id=None)
        raise ZeroDivisionError


async def test_a_kill_before_the_commit_leaves_the_code_unused(desk: Desk) -> None:
    await member(desk)
    await made(desk, "A-1")
    event = typed("A-1")
    await desk.accept(event)
    with pytest.raises(ZeroDivisionError):
        await _book_and_die(desk)
    assert await desk.points() == 0
    await desk.work_off()
    assert await code_of(desk, event) == "ok"
    assert await desk.points() == 100


async def test_days_count_in_the_programmes_zone(desk: Desk) -> None:
    desk.programme = programme(zone="Pacific/Auckland")
    await member(desk)
    await made(desk, "A-1", "A-2", valid_from=date(2026, 3, 3), valid_to=date(2026, 3, 3))
    early = typed("A-1", "early", at=NOON - timedelta(hours=2))
    on_the_day, late = typed("A-1", "day"), typed("A-2", "late", at=NOON + timedelta(hours=23))
    await desk.take(early, on_the_day, late)
    ends = [await code_of(desk, one) for one in (early, on_the_day, late)]
    assert ends == ["code_not_yet_valid", "ok", "code_expired"]


async def test_a_withdrawn_code_is_worth_nothing_and_a_used_one_stays_booked(desk: Desk) -> None:
    await member(desk)
    batch_id = await made(desk, "A-1", "A-2")
    await desk.take(typed("A-1"))
    async with desk.database.begin() as connection:
        batch = await gift_code_batches.find(connection, str(batch_id))
        assert batch is not None
        for expected in (1, 0):
            done = await gift_code_batches.void_unused(
                connection, batch, by="ops", reason="lost", now=NOON
            )
            assert done == expected
        (left,) = await gift_code_batches.listing(connection)
    assert (left.codes, left.withdrawn, left.used, left.unused) == (2, 1, 1, 0)
    void = typed("A-2")
    await desk.take(void)
    assert await code_of(desk, void) == "code_void"
    assert await desk.points() == 100
    (line,) = await desk.rows("select actor, object, detail from audit")
    assert tuple(line) == ("ops", "Spring", {"codes": 1, "reason": "lost"})


# --- guessing


async def test_five_wrong_codes_lock_the_member_and_nobody_else(desk: Desk) -> None:
    await member(desk)
    await member(desk, BO)
    await made(desk, "REAL-1", "REAL-2")
    await desk.take(*(typed(f"WRONG-{n}") for n in range(5)))
    mine, theirs = typed("REAL-1"), typed("REAL-2", customer=BO)
    await desk.take(mine, theirs)
    assert await code_of(desk, mine) == "too_many_attempts"
    assert await code_of(desk, theirs) == "ok"
    desk.now += timedelta(minutes=15)
    again = typed("REAL-1", "again", at=desk.now)
    await desk.take(again)
    assert await code_of(desk, again) == "ok"


async def test_guesses_at_once_are_all_counted(desk: Desk) -> None:
    await member(desk)
    await member(desk, BO)
    await made(desk, "REAL-1")
    guesses = [
        typed(f"WRONG-{n}", customer=customer, origin="digest")
        for n in range(3)
        for customer in (ADA, BO)
    ]
    desk.programme = programme(
        gift_codes={"max_failures": 100, "max_failures_per_address": 6, "lock_minutes": 15}
    )
    await desk.accept(*guesses)
    await asyncio.gather(*(book_alone(desk, "redemptions") for _ in range(4)))
    late, elsewhere = typed("REAL-1", "r1", origin="digest"), typed("REAL-1", "r2", origin="other")
    await desk.take(late, elsewhere)
    assert await code_of(desk, late) == "too_many_attempts"
    assert await code_of(desk, elsewhere) == "ok"


async def test_a_slip_in_a_printed_code_is_told_apart_and_still_a_guess(desk: Desk) -> None:
    await member(desk)
    plan = PrintPlan(name="Fair", count=1, points=50, prefix="FAIR")
    async with desk.database.begin() as connection:
        batch_id = await gift_code_batches.create_once(connection, plan, by="t", now=NOON)
        shown = plan.shape.shown(plan.shape.code("QLABCDEFGH2"))
        new = [gift_code_batches.NewCode(plan.shape.code("QLABCDEFGH2"), shown, 50)]
        await gift_code_batches.add(connection, batch_id, new)
    slip, misread = typed(shown.replace("AB", "AC")), typed(shown.replace("QL", "o1").lower())
    await desk.take(slip, misread)
    assert await code_of(desk, slip) == "code_mistyped"
    assert await code_of(desk, misread) == "ok"
    async with desk.database.begin() as connection:
        (row,) = await desk.rows("select key from gift_code_guards")
        assert await gift_codes.failures(connection, [row.key], now=NOON) == 1


async def test_refusals_that_are_no_guess_lock_nobody(desk: Desk) -> None:
    await member(desk)
    await made(desk, "A-1", "A-2")
    await desk.take(typed("A-1"), *(typed("A-1", f"r{n}") for n in range(9)))
    mine = typed("A-2")
    await desk.take(mine)
    assert await code_of(desk, mine) == "ok"


# --- rules, accounts, being forgotten


async def test_rules_add_to_a_code_and_see_its_batch(desk: Desk) -> None:
    bonus = {
        "id": "fair-bonus",
        "on": ["gift_code.redeemed"],
        "when": ['gift_code.batch == "Spring"', "gift_code.points >= 100"],
        "then": [{"award": {"points": "7", "flat": True}}],
    }
    desk.rules = RuleSet.load([bonus])
    await member(desk)
    await made(desk, "A-1")
    spoofed = typed("NONE-1", "r0", batch="Spring", points=500)
    await desk.take(spoofed, typed("A-1", batch="Other", points=5_000))
    assert await code_of(desk, spoofed) == "code_unknown"
    assert await desk.points() == 107


async def test_a_person_has_used_the_codes_of_both_accounts(desk: Desk) -> None:
    await member(desk)
    await member(desk, BO)
    await made(desk, "A-1", max_uses=9, per_member=1)
    await desk.take(typed("A-1", customer=BO))
    await desk.take(merged(BO, ADA))
    together = typed("A-1", "together")
    await desk.take(together)
    assert await code_of(desk, together) == "code_used"
    await desk.take(merged(BO, ADA, kind="member.unmerged", key="undo"))
    apart, still = typed("A-1", "apart"), typed("A-1", "still", customer=BO)
    await desk.take(apart, still)
    assert await code_of(desk, apart) == "ok"
    assert await code_of(desk, still) == "code_used"


async def test_whoever_is_forgotten_is_not_in_what_they_typed(desk: Desk) -> None:
    await member(desk)
    await made(desk, "A-1")
    await desk.take(typed("ada@example.com", origin="digest"), typed("A-1", origin="digest"))
    await desk.take(erased(ADA))
    rows = await desk.rows("select data from inbox where type = 'gift_code.redeemed'")
    assert [row.data["code"] for row in rows] == ["forgotten", "forgotten"]
    assert all(row.data["origin"] == "" and row.data["customer"] is None for row in rows)
    (use,) = await desk.rows("select points from gift_code_uses")
    assert use.points == 100


async def test_a_store_names_its_own_requests(desk: Desk) -> None:
    await member(desk)
    await made(desk, "A-1", max_uses=2, per_member=2)
    mine = typed("A-1", "7")
    theirs = mine.model_copy(update={"store": "widget"})
    assert mine.store == SHOP
    await desk.take(mine)
    await desk.accept(theirs)
    assert {mine.business_key, theirs.business_key} == {
        "shopify/main:gift_code.redeemed:7",
        "widget:gift_code.redeemed:7",
    }
