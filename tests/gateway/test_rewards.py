"""The catalogue and the rewards of members at the console."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from loyalty.catalogue import RewardItem
from loyalty.store import catalogue, errands
from loyalty.store.rewards import Reward
from tests.flows.rewards.shelf import RewardDesk, item
from tests.gateway.visitor import Visitor

HOME = "/console/rewards"
NEW = f"{HOME}/catalogue/new"
FORM = {
    "id": "five-off",
    "names": "en: 5 € off\nde: 5 € Rabatt",
    "kind": "discount",
    "value": "5,00",
    "points": "500",
    "valid_days": "30",
    "reminder_days": "1, 7",
    "starts": "2026-03-01",
    "ends": "2026-12-31",
    "is_active": "yes",
    "seen": "0",
}


async def items(visitor: Visitor) -> list[RewardItem]:
    async with visitor.running.database.begin() as connection:
        return [one.item for one in await catalogue.items(connection)]


async def test_an_item_is_added_shown_and_changed(visitor: Visitor) -> None:
    assert "five-off is kept" in await visitor.said(await visitor.post(NEW, FORM))
    [kept] = await items(visitor)
    assert (str(kept.value), kept.points, kept.reminder_days) == ("5.00", 500, (7, 1))
    assert kept.ends is not None
    assert kept.ends.isoformat() == "2027-01-01T00:00:00+00:00"
    page = await visitor.get(f"{HOME}/catalogue/five-off")
    assert "en: 5 € off\nde: 5 € Rabatt" in page.text, "in the order in which they were written"
    for shown in ('value="500"', 'value="7, 1"', 'value="2026-12-31"'):
        assert shown in page.text
    changed = {**FORM, "points": "600", "seen": "1", "id": "another"}
    answer = await visitor.post(f"{HOME}/catalogue/five-off", changed)
    assert "five-off is kept" in await visitor.said(answer)
    assert [(one.id, one.points) for one in await items(visitor)] == [("five-off", 600)]
    rows = await visitor.running.rows(
        "select actor, action from audit where object = 'five-off' order by id desc limit 2"
    )
    assert [tuple(row) for row in rows] == [
        ("console:Ines Ops", "catalogue.changed"), ("console:Ines Ops", "catalogue.added"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"points": ""}, "points_per_unit"),
        ({"points": "many"}, "Give a number of points above 0"),
        ({"names": "5 off"}, "Write a line for each language"),
        ({"id": "Fünf"}, "Use small letters"),
        ({"id": "new"}, "choose another"),
        ({"value": "1e999"}, "Give a number above 0"),
        ({"shop_url": "javascript:alert(1)"}, "begins with https://"),
        ({"ends": "2026-02-30"}, "Give a day"),
        ({"reminder_days": "40"}, "earlier than the reward"),
        ({"kind": "yacht"}, "Input should be"),
    ],
)
async def test_a_form_that_does_not_fit_is_shown_again_with_advice(
    visitor: Visitor, changes: dict[str, str], says: str
) -> None:
    answer = await visitor.post(NEW, {**FORM, **changes})
    assert answer.status_code == 422
    assert says in answer.text
    assert "5 € Rabatt" in answer.text or "names" in changes
    assert await items(visitor) == []


async def test_two_people_who_edit_at_once_do_not_undo_each_other(visitor: Visitor) -> None:
    await visitor.post(NEW, FORM)
    await visitor.post(f"{HOME}/catalogue/five-off", {**FORM, "seen": "1", "points": "1"})
    answer = await visitor.post(f"{HOME}/catalogue/five-off", {**FORM, "seen": "1"})
    assert answer.status_code == 409
    assert "open it again" in answer.text
    assert [one.points for one in await items(visitor)] == [1]


@pytest_asyncio.fixture
async def desk(visitor: Visitor) -> RewardDesk:
    """Members with rewards, on the gateway's database."""
    found = RewardDesk(visitor.running.database, now=datetime.now(UTC))
    await found.offer(item(names={"en": "<b>5 off</b>"}), item("mug", kind="product", product="M"))
    member = await found.member(1000)
    for number in range(3):
        await found.ask(member, id=f"r{number}")
    await found.ask(member, "mug", id="m")
    await found.end("sent", "sent", "sent", "sent")
    return found


async def test_rewards_are_found_and_shown(visitor: Visitor, desk: RewardDesk) -> None:
    first = (await desk.all())[0]
    page = await visitor.get(f"{HOME}?who={first.code.lower()}")
    assert page.text.count("/console/rewards/one/") == 1
    assert "<b>5 off</b>" not in page.text
    page = await visitor.get(f"{HOME}/one/{first.id}")
    assert first.code in page.text
    assert "Take it back" in page.text
    assert (await visitor.get(f"{HOME}/one/{UUID(int=7)}")).status_code == 404


async def booked(visitor: Visitor, desk: RewardDesk, answer: httpx.Response) -> list[Reward]:
    await visitor.said(answer)
    await desk.work_off()
    return await desk.all()


async def test_one_is_taken_back_once(visitor: Visitor, desk: RewardDesk) -> None:
    first = (await desk.all())[0]
    page = f"{HOME}/one/{first.id}"
    assert "Say why" in await visitor.said(await visitor.post(f"{page}/void", {}))
    for _ in range(2):
        fields = {"reason": "a mistake", "gives_back": "yes"}
        found = await booked(visitor, desk, await visitor.post(f"{page}/void", fields))
    assert [one.state for one in found] == ["voided", "issued", "issued", "issued"]
    assert found[0].reason == "voided by console:Ines Ops: a mistake"
    assert await desk.balance() == (700, 0)
    after = (await visitor.get(page)).text
    assert "Take it back" not in after
    assert ">disabling the code</a>" in after


async def test_credit_that_no_shop_takes_back_is_told_on_its_page(
    visitor: Visitor, desk: RewardDesk
) -> None:
    await desk.offer(item("credit", kind="store_credit"))
    await desk.ask((await desk.all())[0].member_id, "credit", id="s")
    credit = (await desk.all())[-1]
    await desk.end("sent", of=[d for d in await desk.issuing() if d.id == credit.delivery_id])
    page = f"{HOME}/one/{credit.id}"
    await desk.rows(
        "update rewards set store = 'woocommerce/main' where id = :id returning 1", id=credit.id
    )
    await booked(visitor, desk, await visitor.post(f"{page}/void", {"reason": "a mistake"}))
    assert "take it back there" in (await visitor.get(page)).text


async def test_a_product_is_handed_out(visitor: Visitor, desk: RewardDesk) -> None:
    mug = (await desk.all())[-1]
    found = await booked(visitor, desk, await visitor.post(f"{HOME}/one/{mug.id}/hand-out", {}))
    assert found[-1].state == "used"


async def test_all_of_an_item_are_taken_back_after_a_second_look(
    visitor: Visitor, desk: RewardDesk
) -> None:
    fields = {"item": "five-off", "reason": "recalled", "gives_back": "yes"}
    asked = await visitor.post(f"{HOME}/void-all", fields)
    assert asked.status_code == 200
    assert "Take back 3 rewards?" in asked.text
    async with visitor.running.database.begin() as connection:
        assert await errands.latest(connection) == []
    answer = await visitor.post(f"{HOME}/void-all", {**fields, "confirmed": "yes"})
    assert "3 rewards are being taken back" in await visitor.said(answer)
    async with visitor.running.database.begin() as connection:
        [errand] = await errands.latest(connection)
    assert errand.deployment == "void-rewards"
    assert errand.parameters["really"] is True
    assert errand.parameters["item"] == "five-off"
    assert (await visitor.post(f"{HOME}/void-all", {"item": ""})).status_code == 422
