"""`hub rewards`: list, take back, hand out, the catalogue."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from loyalty.store.database import Database
from loyalty.store.rewards import Reward
from tests.flows.rewards.shelf import RewardDesk, item


@pytest.fixture
def shelf(shop: Any) -> list[Reward]:
    """Two coupons and a mug of one member; one coupon is used."""

    async def fill() -> list[Reward]:
        database = Database(shop.url)
        desk = RewardDesk(database, now=datetime.now(UTC))
        await desk.offer(item(), item("mug", kind="product", product="M", points=50))
        member = await desk.member(500)
        for number, wanted in enumerate(("five-off", "five-off", "mug")):
            await desk.ask(member, wanted, id=f"r{number}")
        await desk.end("sent", "sent", "sent")
        found = await desk.all()
        await database.aclose()
        return found

    return asyncio.run(fill())


def booked(shop: Any) -> list[str]:
    """The rewards' states once everything is worked off."""

    async def work() -> list[str]:
        database = Database(shop.url)
        desk = RewardDesk(database, now=datetime.now(UTC))
        await desk.work_off()
        states = [one.state for one in await desk.all()]
        await database.aclose()
        return states

    return asyncio.run(work())


def test_an_empty_shelf_is_said_to_be_empty(hub: Any, shop: Any) -> None:
    assert "No rewards yet" in hub("rewards", "list").out
    assert hub("rewards", "list", "--json").json == {"rewards": []}
    assert "is empty" in hub("rewards", "catalogue").out


def test_codes_are_shortened_unless_asked_for(hub: Any, shelf: list[Reward]) -> None:
    code = shelf[0].code
    assert code not in hub("rewards", "list").out
    assert code not in hub("rewards", "list", "--json").out
    found = hub("rewards", "list", "--who", code, "--full", "--json").json["rewards"]
    assert [one["code"] for one in found] == [code]
    assert hub("rewards", "list", "--state", "lost").code == 2


def test_the_catalogue_counts(hub: Any, shelf: list[Reward]) -> None:
    found = {one["id"]: one for one in hub("rewards", "catalogue", "--json").json["items"]}
    assert found["five-off"]["counts"] == {"issued": 2}
    assert found["mug"]["points"] == 50


def test_one_is_taken_back(hub: Any, shop: Any, shelf: list[Reward]) -> None:
    one = str(shelf[0].id)
    assert hub("rewards", "void", one).code == 2
    asked = hub("rewards", "void", one, "--reason", "a mistake")
    assert (asked.code, "would take 1 reward back" in asked.err) == (1, True)
    answer = hub("rewards", "void", one, str(uuid4()), "--reason", "a mistake", "--yes", "--json")
    assert answer.code == 1
    assert answer.json["voided"] == 1
    assert list(answer.json["left"].values()) == ["not known"]
    assert booked(shop) == ["voided", "issued", "issued"]
    assert hub("rewards", "void", one, "--reason", "again", "--yes").code == 1


def test_all_of_an_item_are_taken_back(hub: Any, shop: Any, shelf: list[Reward]) -> None:
    answer = hub("rewards", "void", "--item", "five-off", "--reason", "recalled", "--yes", "--json")
    assert answer.json == {"voided": 2, "left": {}}
    assert booked(shop) == ["voided", "voided", "issued"]


def test_a_mug_is_handed_out_once(hub: Any, shop: Any, shelf: list[Reward]) -> None:
    mug = str(shelf[2].id)
    assert hub("rewards", "use", mug, "--json").json == {"used": 1}
    assert booked(shop) == ["issued", "issued", "used"]
    assert hub("rewards", "use", mug).code == 1
    assert hub("rewards", "use", "nonsense").code == 2
