"""Two workers at once: no event twice, no member's events in two batches."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import pytest

from deployments.demo.cast import BALM, KIT, LAVENDER, NEROLI
from tests.system.another_worker import another_worker, name_of
from tests.system.shop import Bought, Shop
from tests.system.watch import Watch

pytestmark = pytest.mark.durability

MEMBERS, EACH = 20, 15


async def test_two_workers_share_the_work_and_keep_the_order_of_each_members_events(
    shop: Shop, watch: Watch
) -> None:
    people = shop.people(MEMBERS)
    await shop.sign_up(people)
    await watch.worked_off()
    orders = shop.orders(people * EACH, (BALM, NEROLI, LAVENDER, KIT, BALM, NEROLI, LAVENDER))
    async with another_worker(watch.hub) as other:
        await shop.sell(orders)
        await watch.calm()
        shares = await events_by_worker(watch, orders)
        assert set(shares) == await living(watch), "each of the two has worked"
        print(f"\nshares: {dict(shares)}")
        assert name_of(other, set(shares))
    await watch.check_books(orders)
    assert await watch.wrong_messages() == []
    await nobodys_events_met(watch, orders)


async def living(watch: Watch) -> set[str]:
    return {row.name for row in await watch.rows("select name from workers")}


async def events_by_worker(watch: Watch, orders: list[Bought]) -> Counter[str]:
    runs = Counter(str(row.run_id) for row in await booked(watch, orders))
    wanted = {"flow_runs": {"id": {"any_": list(runs)}}, "limit": 200}
    reply = await watch.api.post("/flow_runs/filter", json=wanted)
    shares = Counter[str]()
    for run in reply.json():
        shares[run["labels"]["prefect.worker.name"]] += runs[run["id"]]
    return shares


async def nobodys_events_met(watch: Watch, orders: list[Bought]) -> None:
    """Each balance is the one before and the points, so no two events saw the same one.

    Milestones and their bonuses come in between: they are events of the member as well.
    """
    orders_of = defaultdict(list)
    for row in await booked(watch, orders):
        orders_of[row.member_id].append(row)
    assert len(orders_of) == MEMBERS
    for member, bought in orders_of.items():
        chain = await watch.rows(_CHAIN, member=member)
        assert [row.balance - row.points for row in chain] == [
            0,
            *(row.balance for row in chain[:-1]),
        ]
        in_books = sorted(bought, key=lambda row: row.balance)
        assert [row.id for row in in_books] == sorted(row.id for row in bought)


async def booked(watch: Watch, orders: list[Bought]) -> list[Any]:
    return await watch.rows(
        "select id, member_id, run_id, (outcome->>'balance')::bigint as balance from inbox"
        " where type = 'order.paid' and state = 'done' and key = any(:keys)",
        keys=[str(one.id) for one in orders],
    )


_CHAIN = """
select (outcome->>'points')::bigint as points, (outcome->>'balance')::bigint as balance
from inbox where member_id = :member and (outcome->>'points')::bigint > 0 order by 2
"""
