"""What members and the team see of rewards is true at the instant, before any job has run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from flows.rewards_upkeep import Voiding, keep_rewards, void_all
from loyalty.catalogue import RewardItem
from loyalty.reward_use import use_target
from loyalty.store import catalogue, my_rewards, reward_lists
from loyalty.store.books import BookTerms
from loyalty.store.catalogue import ChangedMeanwhile
from loyalty.store.reward_lists import Wanted
from tests.flows.booking.accounts import BO
from tests.flows.booking.desk import paid
from tests.flows.rewards.shelf import RewardDesk, item

LATER = timedelta(days=40)


async def offers(desk: RewardDesk, member: Any, locale: str = "") -> dict[str, my_rewards.Offer]:
    async with desk.database.begin() as connection:
        found = await my_rewards.offers(
            connection, member, BookTerms.of(desk.programme, None), locale=locale, now=desk.now
        )
    return {one.id: one for one in found}


async def mine(desk: RewardDesk, member: Any) -> list[my_rewards.MyReward]:
    async with desk.database.begin() as connection:
        return await my_rewards.mine(connection, member, locale="en", now=desk.now)


async def test_the_catalogue_says_what_a_member_can_have_and_why_not_the_rest(
    desk: RewardDesk,
) -> None:
    await desk.offer(
        item("cheap", place=1, names={"en": "5 off", "de": "5 € Rabatt"}),
        item("dear", points=102, place=2),
        item("gold", tiers=["gold"], place=3),
        item("off", is_active=False),
        item("over", ends="2026-01-01T00:00:00Z"),
        item("card", kind="gift_card", points=None, value=None, points_per_unit=10,
             least_amount="10", most_amount="50", place=4),
    )  # fmt: skip
    found = await offers(desk, await desk.member(101), "de-CH")
    assert list(found) == ["cheap", "dear", "gold", "card"]
    assert (found["cheap"].can_have, found["cheap"].name) == (True, "5 € Rabatt")
    assert (found["dear"].can_have, found["dear"].why_not) == (False, "1 point is missing")
    assert found["gold"].why_not == "this reward is for gold members"
    assert (found["card"].can_have, found["card"].points) == (True, 100)


async def test_a_member_sees_a_wish_grow_into_a_code_and_end(desk: RewardDesk) -> None:
    await desk.offer(item(shop_url="https://tea.example/"))
    member = await desk.member(100)
    await desk.accept(desk.request(member))
    assert [(one.state, one.code) for one in await mine(desk, member)] == [("requested", "")]
    await desk.work_off()
    assert [(one.state, one.code) for one in await mine(desk, member)] == [("held", "")]
    await desk.end("sent")
    [have] = await mine(desk, member)
    code = (await desk.the_one()).code
    assert (have.state, have.code) == ("issued", code)
    assert have.use is not None
    assert have.use.url == f"https://tea.example/discount/{code}?redirect=%2F"
    desk.now += LATER
    [gone] = await mine(desk, member)
    assert (gone.state, gone.use) == ("expired", None)


async def test_a_refused_wish_says_why(desk: RewardDesk) -> None:
    await desk.offer(item())
    member = await desk.member(40)
    await desk.ask(member)
    assert [(one.state, one.words) for one in await mine(desk, member)] == [
        ("refused", "60 points are missing")
    ]


@pytest.mark.parametrize(
    ("kind", "store", "applies"),
    [
        ("discount", "shopify/main", True),
        ("discount", "woocommerce/main", False),
        ("gift_card", "shopify/main", False),
        ("product", "shopify/main", False),
        ("store_credit", "shopify/main", True),
    ],
)
def test_only_a_link_that_really_applies_the_code_promises_to(
    kind: str, store: str, applies: bool
) -> None:
    one = item(kind=kind, product="MUG", shop_url="https://tea.example")
    found = use_target(one, store=store, code="A/B C")
    assert found.applies_code is applies
    assert " " not in found.url


async def test_the_team_finds_rewards_by_person_code_and_state(desk: RewardDesk) -> None:
    await desk.offer(item())
    await desk.ask(await desk.member(100))
    await desk.ask(await desk.member(100, BO))
    codes = [one.code for one in await desk.all()]

    async def found(**wanted: str) -> list[str]:
        async with desk.database.begin() as connection:
            listed = await reward_lists.listed(connection, Wanted(**wanted), now=desk.now)
        return [one.reward.code for one in listed]

    assert await found() == codes[::-1]
    assert await found(who="BO@example.com") == [codes[1]]
    assert await found(who=codes[0].lower()) == [codes[0]]
    assert await found(state="held", item="five-off") == codes[::-1]
    assert await found(who="' or 1=1 --") == []
    desk.now += LATER
    await desk.end("sent", "sent")
    assert await found(state="expired") == codes[::-1]


async def test_two_who_edit_at_once_do_not_undo_each_other(desk: RewardDesk) -> None:
    await desk.offer(item())
    await desk.offer(item(points=110), seen=1)
    with pytest.raises(ChangedMeanwhile, match="open it again"):
        await desk.offer(item(points=120), seen=1)
    with pytest.raises(ChangedMeanwhile, match="in the catalogue already"):
        await desk.offer(item())
    async with desk.database.begin() as connection:
        [kept] = await catalogue.items(connection)
    assert (kept.item.points, kept.version) == (110, 2)
    rows = await desk.rows("select action, detail -> 'version' as v from audit order by id")
    assert [(row.action, row.v) for row in rows] == [
        ("catalogue.added", 1), ("catalogue.changed", 2),
    ]  # fmt: skip


BAD = [
    ({"points": None}, "either `points` or `points_per_unit`"),
    ({"points_per_unit": 5}, "either `points` or `points_per_unit`"),
    ({"value": None}, "a discount needs a `value`"),
    ({"value": "120", "is_percent": True}, "at most 100 per cent"),
    ({"kind": "product"}, "which `product`"),
    ({"reminder_days": [31]}, "earlier than the reward"),
    ({"valid_days": None, "reminder_days": [3]}, "needs `valid_days`"),
    ({"starts": "2026-02-01T00:00:00Z", "ends": "2026-01-01T00:00:00Z"}, "ends before it starts"),
    ({"image_url": "javascript:alert(1)"}, "pattern"),
    ({"image_url": 'https://x.example/"onload="'}, "pattern"),
    ({"code_prefix": "a b"}, "pattern"),
]


@pytest.mark.parametrize(("changes", "says"), BAD, ids=[says for _, says in BAD])
def test_an_item_that_cannot_be_kept_says_why(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        item(**changes)


def test_an_item_reads_back_as_it_was_written() -> None:
    one = item("card", kind="gift_card", points=None, value=None, points_per_unit=10,
               least_amount="0.10", most_amount="50", reminder_days=[3, 7, 3])  # fmt: skip
    again = RewardItem.model_validate(one.model_dump(mode="json", exclude_defaults=True))
    assert again == one
    assert again.reminder_days == (7, 3)


async def test_voiding_all_of_an_item_can_be_stopped_and_started_again(
    desk: RewardDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reward_lists, "BATCH", 2)
    await desk.offer(item(), item("other"))
    member = await desk.member(1000)
    for number in range(5):
        await desk.ask(member, id=f"r{number}")
    await desk.end("sent", "sent", "sent", "sent", "sent")
    await desk.take(paid("0.00", id="9", codes=[(await desk.all())[0].code]))
    await desk.ask(member, "other", id="kept")
    voiding = Voiding(Wanted(item="five-off"), by="anna", reason="recalled", gives_back=True)

    async def stop(voided: int) -> None:
        raise KeyboardInterrupt

    async def go_on(voided: int) -> None: ...

    with pytest.raises(KeyboardInterrupt):
        await void_all(desk.database, voiding, now=desk.now, progress=stop)
    await void_all(desk.database, voiding, now=desk.now, progress=go_on)
    await desk.work_off()
    states = [one.state for one in await desk.all()]
    assert states == ["used", "voided", "voided", "voided", "voided", "held"]
    assert await desk.balance() == (800, 100)


async def test_the_hourly_round_catches_up_and_does_nothing_twice(desk: RewardDesk) -> None:
    await desk.offer(item(returns_on_expiry=True))
    member = await desk.member(300)
    for number in range(3):
        await desk.ask(member, id=f"r{number}")
    await desk.end("sent", "sent", "sent")
    desk.now += LATER
    assert (await keep_rewards(desk.database, desk.terms())).expired == 3
    assert (await keep_rewards(desk.database, desk.terms())).expired == 0
    await desk.work_off()
    assert await desk.balance() == (300, 0)
