"""Who subscribed a type of event hears of it, planned in the transaction that booked it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from loyalty.store import hooks_out
from loyalty.store.connections import StoredConnection
from tests.flows.booking.desk import ADA, NOON, Desk, event, paid, signed_up

ZAP = "https://hooks.zapier.com/hooks/standard/1/{}/"


@pytest.fixture
def zaps(desk: Desk) -> Desk:
    """A desk with the connection `zapier/main`."""
    return connected(desk, "active")


def connected(desk: Desk, state: str) -> Desk:
    stored = StoredConnection("zapier", "main", state, "paused by Kim", b"x", "f")
    desk.directory = type(desk.directory)({**desk.directory.connections, "zapier/main": stored})
    return desk


async def subscribe(desk: Desk, kind: str, zap: str = "a", **more: Any) -> UUID:
    async with desk.database.begin() as connection:
        id, _ = await hooks_out.subscribe(
            connection, "zapier/main", event=kind, target_url=ZAP.format(zap), now=NOON, **more
        )
        desk.hooks = await hooks_out.load(connection)
    return id


async def told(desk: Desk) -> list[Any]:
    return await desk.rows("select * from deliveries where capability = 'hook' order by id")


async def test_a_subscriber_hears_of_a_sale_and_what_it_came_to(zaps: Desk) -> None:
    hook = await subscribe(zaps, "order.paid")
    sale = paid("59.90")
    await zaps.take(signed_up(), sale)
    [one] = await told(zaps)
    assert (one.connector, one.connection, one.action) == ("zapier", "main", "deliver")
    assert (one.state, one.owner, one.target) == ("pending", "desk", str(hook))
    assert one.member_id is not None
    assert one.input["target_url"] == ZAP.format("a")
    body = one.input["event"]
    assert body["id"] == str(one.event_id)
    assert body["type"] == "order.paid"
    assert body["data"]["total"] == "59.90"
    assert body["memberid"] == str(one.member_id)
    assert body["balance"] == await zaps.points()


async def test_each_subscriber_hears_once_however_often_the_event_comes(zaps: Desk) -> None:
    for zap in ("a", "b"):
        await subscribe(zaps, "order.paid", zap)
    for _ in range(3):
        await zaps.take(paid("10.00"))
    assert [one.input["target_url"] for one in await told(zaps)] == [
        ZAP.format("a"),
        ZAP.format("b"),
    ]


async def test_other_events_are_not_told(zaps: Desk) -> None:
    await subscribe(zaps, "order.refunded")
    await zaps.take(signed_up(), paid("10.00"))
    assert await told(zaps) == []


async def test_what_the_hub_found_out_itself_is_told_too(club: Desk) -> None:
    connected(club, "active")
    await subscribe(club, "tier.changed")
    await club.take(signed_up(), paid("400.00"))
    assert [one.input["event"]["type"] for one in await told(club)] == ["tier.changed"]


@pytest.mark.parametrize(("include_own", "expected"), [(False, 0), (True, 1)])
async def test_what_zaps_report_starts_zaps_only_where_asked_for(
    zaps: Desk, include_own: bool, expected: int
) -> None:
    await subscribe(zaps, "customer.created", include_own=include_own)
    await zaps.take(signed_up(store="zapier/main"))
    assert len(await told(zaps)) == expected


async def test_a_paused_connection_holds_what_is_to_be_told(desk: Desk) -> None:
    connected(desk, "paused")
    await subscribe(desk, "order.paid")
    await desk.take(paid("10.00"))
    [one] = await told(desk)
    assert (one.state, one.owner) == ("held", "")
    assert "paused by Kim" in one.reason


@pytest.mark.parametrize("state", ["absent", None])
async def test_a_connection_that_is_gone_is_told_nothing(desk: Desk, state: str | None) -> None:
    if state:
        connected(desk, state)
    await subscribe(desk, "order.paid")
    await desk.take(paid("10.00"))
    assert await told(desk) == []


async def test_of_a_person_who_was_forgotten_only_the_shops_id_is_told(zaps: Desk) -> None:
    await subscribe(zaps, "customer.created")
    await subscribe(zaps, "member.erased")
    await zaps.take(signed_up(), event("member.erased", "e-1", {"customer": ADA}))
    before, after = await told(zaps)
    assert before.input == {}
    assert before.state == "cancelled"
    assert after.input["event"]["data"] == {"customer": {"id": "c1"}}
    assert "ada@example.com" not in str(after._asdict())


async def test_a_subscription_that_ended_takes_what_waits_with_it(desk: Desk) -> None:
    connected(desk, "paused")
    hook = await subscribe(desk, "order.paid")
    await desk.take(paid("10.00"))
    async with desk.database.begin() as connection:
        assert not await hooks_out.unsubscribe(connection, "zapier/other", hook, now=NOON)
        assert await hooks_out.unsubscribe(connection, "zapier/main", hook, now=NOON)
        assert await hooks_out.unsubscribe(connection, "zapier/main", hook, now=NOON)
        assert await hooks_out.load(connection) == {}
    [one] = await told(desk)
    assert (one.state, one.reason) == ("cancelled", "the subscription has ended: unsubscribed")


async def test_subscribing_again_is_the_same_subscription_until_it_ended(desk: Desk) -> None:
    first = await subscribe(desk, "order.paid")
    assert await subscribe(desk, "order.paid") == first
    async with desk.database.begin() as connection:
        await hooks_out.unsubscribe(connection, "zapier/main", first, now=NOON)
    assert await subscribe(desk, "order.paid") != first


async def test_a_connection_has_so_many_subscriptions_and_no_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks_out, "MOST", 1)
    first = await subscribe(desk, "order.paid")
    assert await subscribe(desk, "order.paid") == first
    with pytest.raises(hooks_out.TooMany):
        await subscribe(desk, "order.paid", "b")
