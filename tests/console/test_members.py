"""Members at the console: found, explained, and given or taken points, once."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.console.points import read_points, shown_points
from loyalty.events import Event
from loyalty.programme import Programme
from loyalty.store import rulebook
from tests.flows.booking.desk import ADA, FLAT, Desk, event, paid
from tests.gateway.visitor import Visitor

RTL = "\u202eevil\u202c <img src=x onerror=alert(1)>"


def joined(**more: Any) -> Event:
    """Ada signs up."""
    return event("customer.created", "c1", {**ADA, "last_name": "Lovelace", **more})


async def _member(visitor: Visitor, desk: Desk, words: str = "ada@example.com") -> str:
    page = await visitor.get(f"/console/members?q={words}")
    found = re.search(r'href="(/console/members/[0-9a-f-]{36})"', page.text)
    assert found, page.text
    return found[1]


@pytest.mark.parametrize("words", ["Ada", "lovel", "ADA@example.com", "ada@", "%2B4915112345678"])
async def test_a_member_is_found_by_what_they_are_known_by(
    visitor: Visitor, desk: Desk, words: str
) -> None:
    await desk.take(joined())
    page = await visitor.get(f"/console/members?q={words}")
    assert "Ada Lovelace" in page.text


@pytest.mark.parametrize("words", ["%", "_", "\\", "'; drop table members; --", "x" * 5000, "%00"])
async def test_odd_searches_find_nobody_and_break_nothing(
    visitor: Visitor, desk: Desk, words: str
) -> None:
    await desk.take(joined())
    answer = await visitor.running.client.get(
        "/console/members", params={"q": words},
        headers={"cookie": f"hub_console={visitor.cookies['hub_console']}"},
    )  # fmt: skip
    assert answer.status_code == 200
    assert "Ada Lovelace" not in answer.text


async def test_every_movement_is_told_and_explained(visitor: Visitor, desk: Desk) -> None:
    await desk.take(joined(), paid("50.00"))
    address = await _member(visitor, desk)
    page = await visitor.get(address)
    assert "Earned with order 1001 by the rule" in page.text
    why = re.search(rf'href="({address}/why/\d+)" aria-label="Why: Earned with order', page.text)
    assert why
    told = await visitor.get(why[1])
    assert told.status_code == 200
    assert "Every rule that was asked" in told.text
    elsewhere = why[1].replace(address.rpartition("/")[2], str(uuid4()))
    assert (await visitor.get(elsewhere)).status_code == 404


async def test_points_given_by_hand_are_booked_once_with_name_and_reason(
    visitor: Visitor, desk: Desk
) -> None:
    await desk.take(joined())
    address = await _member(visitor, desk)
    fields = {"points": "50", "reason": "late parcel", "once": str(uuid4())}
    first = await visitor.post(f"{address}/points", fields)
    assert await visitor.said(first) == "50 points given."
    again = await asyncio.gather(*(visitor.post(f"{address}/points", fields) for _ in range(3)))
    assert {one.status_code for one in again} == {303}
    rows = await visitor.running.rows("select points from entries where kind = 'adjust'")
    assert [row.points for row in rows] == [50]
    page = (await visitor.get(address)).text
    assert "Given by hand by Ines Ops: late parcel" in page
    audit = await visitor.running.rows("select actor from audit where action = 'points.adjusted'")
    assert {row.actor for row in audit} == {"console:Ines Ops"}


async def test_what_cannot_be_taken_is_refused_in_words(visitor: Visitor, desk: Desk) -> None:
    await desk.take(joined())
    address = await _member(visitor, desk)
    fields = {"points": "-5000", "reason": "mistake", "once": str(uuid4())}
    said = await visitor.said(await visitor.post(f"{address}/points", fields))
    assert said.startswith("It was refused: 5000 points to take")


@pytest.mark.parametrize(
    ("points", "reason", "problem"),
    [("0", "x", "other than 0"), ("ten", "x", "other than 0"), ("1.5", "x", "other than 0"),
     ("9" * 30, "x", "other than 0"), ("5", "  ", "Say why")],
)  # fmt: skip
async def test_a_form_that_cannot_be_is_shown_again_with_its_problem(
    visitor: Visitor, desk: Desk, points: str, reason: str, problem: str
) -> None:
    await desk.take(joined())
    address = await _member(visitor, desk)
    answer = await visitor.post(f"{address}/points", {"points": points, "reason": reason})
    assert answer.status_code == 422
    assert problem in answer.text
    assert await visitor.running.rows("select 1 from entries where kind = 'adjust'") == []


async def test_many_points_wait_for_a_second_person(visitor: Visitor, desk: Desk) -> None:
    strict = Programme.model_validate(
        FLAT.model_dump() | {"adjust": FLAT.adjust.model_dump() | {"approval_above": 100}}
    )
    desk.programme = strict
    async with desk.database.begin() as connection:
        await rulebook.save_programme(connection, strict, now=desk.now)
    await desk.take(joined())
    address = await _member(visitor, desk)
    fields = {"points": "500", "reason": "contest", "once": str(uuid4())}
    assert "somebody other than Ines Ops" in await visitor.said(
        await visitor.post(f"{address}/points", fields)
    )
    key = re.search(r'name="key" value="([^"]+)"', (await visitor.get(address)).text)
    assert key
    own = await visitor.post(f"{address}/approve", {"key": key[1]})
    assert "somebody else has to agree" in await visitor.said(own)
    other = Visitor(visitor.running, visitor.home)
    await other.sign_in("Otto Zweit")
    agreed = await other.post(f"{address}/approve", {"key": key[1]})
    assert await other.said(agreed) == "Agreed; the points are booked."
    rows = await visitor.running.rows("select points from entries where kind = 'adjust'")
    assert [row.points for row in rows] == [500]


async def test_names_are_shown_as_text_and_cannot_turn_the_page_round(
    visitor: Visitor, desk: Desk
) -> None:
    await desk.take(joined(first_name=RTL))
    page = (await visitor.get(await _member(visitor, desk))).text
    assert "<img" not in page
    assert re.search(r"<h1><bdi>[^<]*evil", page)


async def test_unknown_members_are_refused_kindly(visitor: Visitor, desk: Desk) -> None:
    for path in (f"/console/members/{uuid4()}", f"/console/members/{UUID(int=0)}"):
        answer = await visitor.get(path)
        assert answer.status_code == 404
        assert "There is no such member" in answer.text


@pytest.mark.parametrize(
    ("text", "scale", "number"),
    [("50", 0, 50), ("-50", 0, -50), ("12.5", 2, 1250), ("0.001", 2, None), ("NaN", 0, None),
     ("1e3", 0, 1000), ("Infinity", 0, None), ("", 0, None), ("1 000", 0, 1000)],
)  # fmt: skip
def test_points_are_read_exactly(text: str, scale: int, number: int | None) -> None:
    assert read_points(text, scale) == number
    if number is not None:
        assert read_points(shown_points(number, scale), scale) == number
