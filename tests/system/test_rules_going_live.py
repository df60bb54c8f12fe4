"""A rule's way on the running hub: proposed, tried, agreed to, in force, and taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from deployments.demo.cast import GIFT_BOX
from loyalty.store import rulebook
from tests.running_hub import until
from tests.system.flow_runs import artifact, reaches, start
from tests.system.shop import Shop
from tests.system.watch import Watch

RULE = """
id: system-test-tea
description: A thousand and one points for orders of the system test.
on: order.paid
when: [order.total >= 150]
then: [{award: {points: 1001, flat: true}}]
examples:
  - event: {type: order.paid, data: {id: "1", currency: EUR, total: 800.00}}
    expect: {fires: true, points: 1001}
"""


async def answer(watch: Watch, run_id: str, **values: Any) -> None:
    """Presses Resume with the form filled in, once the form is there.

    Prefect writes the form down after the run's state says that it is paused.
    """

    async def form() -> bool:
        found = await watch.api.post(
            f"/flow_runs/{run_id}/input/filter", json={"prefix": "suspended-"}
        )
        return any(each["key"].endswith("-schema") for each in found.json())

    await until(form, 30)
    reply = await watch.api.post(f"/flow_runs/{run_id}/resume", json={"run_input": values})
    assert reply.json()["status"] == "ACCEPT", reply.text


async def active(watch: Watch) -> str:
    (row,) = await watch.rows("select version from rule_sets where state = 'active'")
    return str(row.version)


async def asking_for_approval(watch: Watch, is_on: bool) -> None:
    """Switches the programme's wish for a second person."""
    async with watch.books.begin() as connection:
        programme = await rulebook.programme(connection)
        changed = programme.model_copy(update={"approvals": is_on})
        await rulebook.save_programme(connection, changed, now=datetime.now(UTC))


async def test_a_rule_is_proposed_tried_agreed_to_live_and_taken_back(
    shop: Shop, watch: Watch
) -> None:
    before = await active(watch)
    (buyer,) = shop.people(1)
    await shop.sign_up([buyer])
    await watch.calm()
    await asking_for_approval(watch, True)
    try:
        run = await start(watch, "propose-rule", author="Ada", reason="A system test.", rule=RULE)
        await reaches(watch, run, "COMPLETED")
        told = await artifact(watch, run, "propose-rule")
        (draft,) = await watch.rows("select * from rule_sets where state = 'draft'")
        assert draft.version in told
        assert "+ system-test-tea is new" in told
        assert "A second person has to agree" in told
        assert await active(watch) == before

        run = await start(watch, "simulate-rules", version=draft.version, days=2)
        await reaches(watch, run, "COMPLETED")
        assert "Nothing was posted" in await artifact(watch, run, "simulate-rules")

        run = await start(watch, "publish-rules", version=draft.version, published_by="Ada")
        paused = await reaches(watch, run, "PAUSED")
        assert paused["state_name"] == "Suspended"
        await answer(watch, run, approved_by="Ada")
        await until(lambda: asked_again(watch, run, paused["state"]["id"]), 30)
        assert await active(watch) == before
        await answer(watch, run, approved_by="Grace")
        await reaches(watch, run, "COMPLETED")
        assert await active(watch) == draft.version

        (order,) = shop.orders([buyer], [GIFT_BOX])
        await shop.sell([order])
        await watch.worked_off()
        rows = await watch.rows(
            "select points, version from entries where rule = 'system-test-tea' and sale = :sale",
            sale=f"shopify/main:{order.id}",
        )
        assert [(row.points, row.version) for row in rows] == [(1001, draft.version)]
    finally:
        await asking_for_approval(watch, False)
        run = await start(watch, "publish-rules", version=before, published_by="Grace")
        await reaches(watch, run, "COMPLETED")
    assert await active(watch) == before
    (last, *_) = await watch.rows(
        "select version, before, actor from rule_switches order by id desc"
    )
    assert tuple(last) == (before, draft.version, "Grace")


async def asked_again(watch: Watch, run_id: str, earlier: str) -> bool:
    """Whether the run is suspended once more, after an answer that did not do."""
    run = (await watch.api.get(f"/flow_runs/{run_id}")).json()
    return run["state_type"] == "PAUSED" and run["state"]["id"] != earlier
