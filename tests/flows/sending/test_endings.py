"""How a delivery ends, by what the vendor answers: the error tree, on real HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors.kit.sandbox import Fault
from connectors.webhook.sandbox import SANDBOX_ACCOUNT, WebhookSandbox
from flows.deliver import take
from loyalty.store import budgets, connections
from rules.shipped import shipped_rules
from tests.flows.sending.office import Office
from tests.flows.sending.sink import Sink

HOOK = "webhook/main"
SINK = "sink/main"
CALL = {"type": "t", "timestamp": "2026-03-02T12:00:00Z", "data": {"n": 1}}


def notes(count: int, text: str = "hello") -> list[dict[str, Any]]:
    """Inputs for the sink."""
    return [{"text": text}] * count


async def test_what_is_sent_is_marked_sent(office: Office, endpoint: WebhookSandbox) -> None:
    hub = office.hub()
    planned = await office.plan(hub, HOOK, "call", [CALL] * 50)
    sender = await office.send(hub, HOOK, planned)
    assert sender.counts == {"sent": 50}
    assert sorted(one["id"] for one in endpoint.records) == sorted(one.key for one in planned)
    rows = await office.rows()
    assert {(row.state, row.attempts, row.owner, row.lease_until) for row in rows} == {
        ("sent", 1, "", None)
    }
    assert all(row.sent_at and row.vendor_id == row.key for row in rows)
    assert len(await office.rows("select 1 from attempts where outcome = 'sent'")) == 50


async def test_refused_credentials_hold_everything_and_are_told_once(
    office: Office, endpoint: WebhookSandbox
) -> None:
    wrong = {**SANDBOX_ACCOUNT, "secret": "whsec_d3JvbmctZm9yLXRoaXMtZW5kcG9pbnQhISE="}
    url = (await endpoint_account(office))["url"]
    await office.connect(HOOK, {**wrong, "url": url})
    hub = office.hub()
    sender = await office.send(hub, HOOK, await office.plan(hub, HOOK, "call", [CALL] * 100))
    assert sender.counts == {"held": 100}
    assert [one.kind for one in sender.troubles] == ["refused"]
    assert len(endpoint.calls) == 1
    assert endpoint.calls["POST /webhook/inbox"] <= 64
    (stored,) = await office.rows("select * from connections")
    assert (stored.state, stored.reason[:24]) == ("refused", "the credentials were ref")
    assert {(row.state, row.attempts) for row in await office.rows()} == {("held", 0)}
    assert await office.take_due(hub) == []

    await office.connect(HOOK, {**SANDBOX_ACCOUNT, "url": url})
    again = await office.resend(hub, HOOK)
    assert again.counts == {"sent": 100}
    assert len(endpoint.records) == 100


async def endpoint_account(office: Office) -> dict[str, Any]:
    """The account that is stored for the endpoint."""
    (stored,) = await office.rows("select * from connections")
    return office.hub().vault.open(stored.sealed)


async def test_a_pause_that_the_vendor_asks_for_spends_no_attempt(
    office: Office, sink: Sink
) -> None:
    sink.faults.append(Fault(status=429, retry_after="120", times=100))
    hub = office.hub()
    before = hub.clock()
    planned = await office.plan(hub, SINK, "keyed", notes(40))
    sender = await office.send(hub, SINK, planned)
    assert sender.counts == {"parked": 40}
    assert len(sink.calls) == 1
    assert sink.calls["POST /sink/keyed"] == 16  # one chunk learns of it, nobody else calls
    rows = await office.rows()
    assert {row.attempts for row in rows} == {0}
    assert all(row.next_attempt_at > before + timedelta(seconds=115) for row in rows)
    assert await office.take_due(hub) == []
    async with office.database.begin() as connection:
        grant = await budgets.take(connection, "limit:sink:main", 1, now=hub.clock())
    assert grant.slots == 0
    assert grant.retry_at is not None
    assert grant.retry_at > before + timedelta(seconds=115)

    sink.faults.clear()
    assert (await office.resend(hub, SINK)).counts == {"sent": 40}
    assert len(sink.keys) == len(set(sink.keys)) == 40


@pytest.mark.parametrize("how", ["500", "a time-out after accepting", "a cut line"])
@pytest.mark.parametrize(
    ("action", "state"), [("keyed", "parked"), ("found", "parked"), ("plain", "unknown")]
)
async def test_after_an_unknown_outcome_only_what_is_safe_is_sent_again(
    office: Office, sink: Sink, action: str, state: str, how: str
) -> None:
    faults = {
        "500": Fault(status=500, when="after"),
        "a time-out after accepting": Fault(status=0, when="after"),
        "a cut line": Fault(status=500, when="after", hang_seconds=1.5),
    }
    sink.faults.append(faults[how])
    hub = office.hub()
    planned = await office.plan(hub, SINK, action, notes(1))
    sender = await office.send(hub, SINK, planned)
    assert sender.counts == {state: 1}
    assert [one.kind for one in sender.troubles] == (["unknown"] if state == "unknown" else [])
    await office.resend(hub, SINK)
    assert sink.keys == [planned[0].key]
    (row,) = await office.rows()
    assert row.state == ("unknown" if state == "unknown" else "sent")


@pytest.mark.parametrize("action", ["found", "found_batch"])
async def test_what_was_not_done_is_found_missing_and_sent(
    office: Office, sink: Sink, action: str
) -> None:
    sink.faults.append(Fault(status=500, when="before"))
    hub = office.hub()
    await office.send(hub, SINK, await office.plan(hub, SINK, action, notes(3)))
    await office.plan(hub, SINK, action, notes(4), owner="")
    await office.resend(hub, SINK)
    assert len(sink.keys) == len(set(sink.keys)) == 7
    assert set(await office.states()) == {"sent"}


async def test_what_was_lost_in_a_batch_is_looked_for_and_not_sent_twice(
    office: Office, sink: Sink
) -> None:
    sink.faults.append(Fault(status=500, when="after"))
    hub = office.hub()
    await office.send(hub, SINK, await office.plan(hub, SINK, "found_batch", notes(5)))
    await office.plan(hub, SINK, "found_batch", notes(5), owner="")
    assert (await office.resend(hub, SINK)).counts == {"sent": 10}
    assert len(sink.keys) == len(set(sink.keys)) == 10
    assert sink.calls["GET /sink/find"] == 5


async def test_what_the_vendor_refuses_is_dead_with_its_reason(office: Office, sink: Sink) -> None:
    sink.faults.append(Fault(status=400, body="the field text is too short"))
    hub = office.hub()
    sender = await office.send(hub, SINK, await office.plan(hub, SINK, "plain", notes(1)))
    assert [(one.kind, one.slug) for one in sender.troubles] == [("dead", SINK)]
    (row,) = await office.rows()
    assert row.state == "dead"
    assert "text is too short" in row.reason
    assert (await office.resend(hub, SINK)).counts == {}


@pytest.mark.parametrize("status", [502, 503])
async def test_a_vendor_that_is_away_is_tried_again_later(
    office: Office, sink: Sink, status: int
) -> None:
    sink.faults.append(Fault(status=status))
    hub = office.hub()
    before = hub.clock()
    await office.send(hub, SINK, await office.plan(hub, SINK, "plain", notes(1)))
    (row,) = await office.rows()
    assert (row.state, row.attempts) == ("parked", 1)
    assert timedelta(seconds=1) < row.next_attempt_at - before < timedelta(seconds=4)
    assert (await office.resend(hub, SINK)).counts == {"sent": 1}
    assert (await office.rows())[0].attempts == 2


async def test_a_vendor_that_refuses_connections_gets_longer_and_longer_pauses(
    office: Office,
) -> None:
    await office.connect(SINK, {"base_url": "http://127.0.0.1:9/sink"})
    hub = office.hub()
    await office.send(hub, SINK, await office.plan(hub, SINK, "plain", notes(1)))
    pauses = []
    for _ in range(12):
        (row,) = await office.rows()
        if row.state == "parked":
            pauses.append((row.next_attempt_at - hub.clock()).total_seconds())
            await office.resend(hub, SINK)
    assert [2**n < pause / 0.74 < 2 ** (n + 2) for n, pause in enumerate(pauses)] == [True] * 11
    (row,) = await office.rows()
    assert (row.state, row.attempts) == ("dead", 12)
    assert row.reason.startswith("given up after 12 attempts: the vendor could not be reached")


async def test_each_job_of_a_batch_has_its_own_end(office: Office, sink: Sink) -> None:
    hub = office.hub()
    mixed = [{"text": "good"}, {"text": "bad"}, {"wrong": "field"}, {"text": "good"}]
    sender = await office.send(hub, SINK, await office.plan(hub, SINK, "batch", mixed))
    assert await office.states() == ["sent", "dead", "dead", "sent"]
    assert sender.counts == {"sent": 2, "dead": 2}
    assert len(sink.arrivals) == 1


async def test_a_full_batch_costs_one_slot(office: Office, sink: Sink) -> None:
    await office.connect(SINK, await sink_account(office), burst=4, per_second=0)
    hub = office.hub()
    sender = await office.send(hub, SINK, await office.plan(hub, SINK, "batch", notes(25)))
    assert sender.counts == {"sent": 20, "parked": 5}
    assert len(sink.arrivals) == 4


async def sink_account(office: Office) -> dict[str, Any]:
    """The account that is stored for the sink."""
    (stored,) = await office.rows("select * from connections where connector = 'sink'")
    return office.hub().vault.open(stored.sealed)


async def test_two_actions_of_one_connection_are_each_done_their_own_way(
    office: Office, sink: Sink
) -> None:
    hub = office.hub()
    planned = [
        (await office.plan(hub, SINK, action, notes(1)))[0]
        for _ in range(4)
        for action in ("keyed", "batch", "plain")
    ]
    sender = await office.send(hub, SINK, planned)
    assert sender.counts == {"sent": 12}
    assert dict(sink.calls) == {
        "POST /sink/keyed": 4,
        "POST /sink/plain": 4,
        "POST /sink/batch": 1,
    }


async def test_an_action_that_is_gone_is_dead_and_stops_no_other(
    office: Office, sink: Sink
) -> None:
    hub = office.hub()
    planned = [
        (await office.plan(hub, SINK, action, notes(1)))[0] for action in ("gone", "keyed", "gone")
    ]
    sender = await office.send(hub, SINK, planned)
    assert await office.states() == ["dead", "sent", "dead"]
    assert [one.kind for one in sender.troubles] == ["dead", "dead"]


@pytest.mark.parametrize("state", ["paused", "refused", "invalid", "absent"])
async def test_nothing_goes_through_a_connection_that_is_not_active(
    office: Office, sink: Sink, state: str
) -> None:
    hub = office.hub()
    planned = await office.plan(hub, SINK, "keyed", notes(3))
    async with office.database.begin() as connection:
        await connections.set_state(
            connection, "sink", "main", state=state, reason="on holiday", now=hub.clock()
        )
    sender = await office.send(hub, SINK, planned)
    assert sender.counts == {"held": 3}
    assert {row.reason for row in await office.rows()} == {f"sink/main is {state}: on holiday"}
    assert sink.arrivals == []
    (stored,) = await office.rows("select state from connections")
    assert stored.state == state


async def test_a_connection_sealed_with_another_key_is_refused_and_holds(
    office: Office, endpoint: WebhookSandbox
) -> None:
    hub = office.hub()
    planned = await office.plan(hub, HOOK, "call", [CALL] * 3)
    (office.home / "secret.key").unlink()
    stranger = office.hub()
    sender = await office.send(stranger, HOOK, planned)
    assert sender.counts == {"held": 3}
    (trouble,) = sender.troubles
    assert "another key" in trouble.reason
    assert len(endpoint.records) == 0


async def test_without_a_budget_nothing_is_sent_and_nothing_is_lost(
    office: Office, sink: Sink
) -> None:
    async with office.database.begin() as connection:
        await connection.exec_driver_sql("delete from budgets")
    hub = office.hub()
    sender = await office.send(hub, SINK, await office.plan(hub, SINK, "keyed", notes(3)))
    assert sender.counts == {"parked": 3}
    assert sink.arrivals == []


async def test_what_a_dead_worker_was_sending_is_sent_again_or_left_to_a_person(
    office: Office, endpoint: WebhookSandbox
) -> None:
    """A text to the team cannot be repeated safely, a call with a key can."""
    dead, alive = office.hub("dead"), office.hub("alive")
    await office.plan(dead, HOOK, "call", [CALL])
    await office.plan(dead, "slack/main", "post_message", [{"text": "hello"}])
    async with office.database.begin() as connection:
        await connection.exec_driver_sql("update deliveries set state = 'sending', attempts = 1")
    await office.publish(shipped_rules())
    await office.beat(alive)
    assert await take(alive, 100) == ([], [])

    async with office.database.begin() as connection:
        await connection.exec_driver_sql("delete from workers where name = 'dead'")
    due, troubles = await take(alive, 100)
    assert [one.route for one in due] == [HOOK]
    assert [(one.kind, one.slug) for one in troubles] == [("unknown", "slack/main")]
    assert (await office.send(alive, HOOK, due)).counts == {"sent": 1}
    assert await office.states() == ["sent", "unknown"]
    assert [one["id"] for one in endpoint.records] == [due[0].key]
