"""Deliveries at the console: found, sent again, said to have arrived, given up; always with why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from loyalty.store import deliveries
from loyalty.store.database import Database
from loyalty.store.deliveries import Delivery
from loyalty.store.ids import new_id
from tests.gateway.visitor import Visitor

HERE = "/console/deliveries"
Plan = Callable[..., Awaitable[UUID]]


@pytest.fixture
def plan(database: Database) -> Plan:
    """Writes a delivery in a state; answers its id."""

    async def planned(state: str, *, target: str = "ada@example.org") -> UUID:
        now = datetime.now(UTC)
        id = new_id(now)
        one = Delivery(
            id=id, key=f"key-{id}", capability="email", connector="smtp", connection="main",
            action="send_email", input={"text": "<b>hello</b>"}, state=state, created_at=now,
            target=target, reason=f"because {state}",
        )  # fmt: skip
        async with database.begin() as connection:
            await deliveries.plan(connection, [one])
        return id

    return planned


async def _states(visitor: Visitor) -> dict[str, str]:
    rows = await visitor.running.rows("select id, state from deliveries")
    return {str(row.id): row.state for row in rows}


async def test_what_did_not_go_out_is_listed_and_can_be_narrowed(
    visitor: Visitor, plan: Plan
) -> None:
    dead, sent = await plan("dead"), await plan("sent")
    page = (await visitor.get(HERE)).text
    assert f"{HERE}/{dead}" in page
    assert f"{HERE}/{sent}" not in page
    assert f"{HERE}/{sent}" in (await visitor.get(f"{HERE}?state=sent")).text
    assert f"{HERE}/{dead}" not in (await visitor.get(f"{HERE}?route=twilio/main")).text
    assert f"{HERE}/{dead}" in (await visitor.get(f"{HERE}?route=smtp&key={dead}")).text


async def test_one_delivery_shows_what_it_says_as_text(visitor: Visitor, plan: Plan) -> None:
    page = (await visitor.get(f"{HERE}/{await plan('dead')}")).text
    assert "&lt;b&gt;hello&lt;/b&gt;" in page
    assert "because dead" in page
    assert (await visitor.get(f"{HERE}/{uuid4()}")).status_code == 404


async def test_many_are_sent_again_with_a_line_in_the_log_for_each(
    visitor: Visitor, plan: Plan
) -> None:
    ids = [str(await plan("dead")) for _ in range(3)]
    fields = {"id": ids, "act": "again", "reason": "relay is back", "back": f"{HERE}?state=dead"}
    answer = await visitor.post(HERE, fields)
    assert answer.headers["location"] == f"{HERE}?state=dead"
    assert await visitor.said(answer) == "3 deliveries sent again."
    assert set((await _states(visitor)).values()) == {"pending"}
    rows = await visitor.running.rows(
        "select actor from audit where action = 'delivery.sent_again'"
    )
    assert [row.actor for row in rows] == ["console:Ines Ops"] * 3


async def test_what_may_have_arrived_is_asked_about_before_it_is_sent_again(
    visitor: Visitor, plan: Plan
) -> None:
    one = str(await plan("unknown"))
    fields = {"id": one, "act": "again", "reason": "checked"}
    asked = await visitor.post(HERE, fields)
    assert asked.status_code == 200
    assert "may arrive twice" in asked.text
    assert (await _states(visitor))[one] == "unknown"
    done = await visitor.post(HERE, {**fields, "confirmed": "yes"})
    assert await visitor.said(done) == "1 delivery sent again."


@pytest.mark.parametrize(
    ("state", "act", "after"),
    [("unknown", "sent", "sent"), ("dead", "cancel", "cancelled"), ("sent", "again", "sent"),
     ("dead", "sent", "dead")],
)  # fmt: skip
async def test_only_what_a_state_allows_is_done(
    visitor: Visitor, plan: Plan, state: str, act: str, after: str
) -> None:
    one = str(await plan(state))
    fields = {"id": one, "act": act, "reason": "x", "confirmed": "yes"}
    assert (await visitor.post(HERE, fields)).status_code == 303
    assert (await _states(visitor))[one] == after


async def test_nothing_is_done_without_reason_or_choice(visitor: Visitor, plan: Plan) -> None:
    one = str(await plan("dead"))
    for fields in ({"id": one, "act": "again"}, {"act": "again", "reason": "x"},
                   {"id": one, "act": "burn", "reason": "x"},
                   {"id": "x", "act": "again", "reason": "x"}):  # fmt: skip
        assert (await visitor.post(HERE, fields)).status_code in (303, 400)
    assert (await _states(visitor))[one] == "dead"


async def test_long_lists_go_on(visitor: Visitor, plan: Plan) -> None:
    ids = [str(await plan("dead")) for _ in range(53)]
    first = (await visitor.get(HERE)).text
    assert sum(f"{HERE}/{one}" in first for one in ids) == 50
    after = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = (await visitor.get(after)).text
    assert sum(f"{HERE}/{one}" in second for one in ids) == 3
    assert 'rel="prev"' in second
