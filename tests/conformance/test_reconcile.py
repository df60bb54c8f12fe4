"""What a webhook misses is polled, under the same business keys; subscriptions stay single."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.kit.poll import Page
from connectors.kit.subscriptions import Lifecycle, Wanted, ensure, remove, withdraw
from connectors.kit.webhook import InboundRequest, Proof, Source
from loyalty.events import EventType
from tests.conformance.bench import Bench, bench, missing, not_needed
from tests.conformance.candidate import Candidate

MONEY = {
    EventType.ORDER_PAID,
    EventType.ORDER_EDITED,
    EventType.ORDER_CANCELLED,
    EventType.ORDER_REFUNDED,
    EventType.PAYMENT_COMPLETED,
    EventType.REFUND_REVERSED,
}
NOW = datetime.now(UTC).replace(microsecond=0)
HERE = "https://hub.example/hooks/vendor/main"
ELSEWHERE = "https://elsewhere.example/hooks"


# --- polls -----------------------------------------------------------------------------------


def _needs_poll(one: Candidate) -> bool:
    webhook = one.manifest.webhook
    triggers = webhook.triggers.values() if webhook else ()
    return any(trigger.rings or MONEY & set(trigger.event_types) for trigger in triggers)


async def _pages(found: Bench, source: Source, cursor: str) -> list[Page]:
    poll = found.manifest.poll
    assert poll is not None
    return [page async for page in poll.changed_since(found.client, source, cursor=cursor, now=NOW)]


@pytest.mark.criterion("reconcile")
async def test_a_poll_tells_what_the_webhook_tells(one: Candidate) -> None:
    if one.manifest.poll is None:
        if _needs_poll(one):
            missing("it tells of sales and has no poll")
        not_needed("it tells of no sales")
    source = Source(one.slug, "main")
    async with bench(one) as found:
        try:
            told = found.sandbox.stage()
        except NotImplementedError as error:
            missing(str(error))
        pages = await _pages(found, source, "")
        events = [event for page in pages for event in page.events]
        assert events
        assert {event.type for event in events} <= set(one.manifest.poll.event_types)
        assert {event.store for event in events} == {source.store}
        assert [reason for page in pages for reason in page.unreadable] == []
        keys = {event.business_key for event in events}
        assert keys == {event.business_key for page in pages for event in page.events}
        webhooks = {key for topic, payload in told for key in _keys(found, source, topic, payload)}
        assert webhooks <= keys, f"only the webhook tells {sorted(webhooks - keys)}"
        again = await _pages(found, source, pages[-1].cursor)
        assert {event.business_key for page in again for event in page.events} <= keys


def _keys(found: Bench, source: Source, topic: str, payload: dict[str, object]) -> set[str]:
    webhook = found.manifest.webhook
    assert webhook is not None
    prepared: InboundRequest = found.sandbox.prepare(  # type: ignore[attr-defined]
        HERE, topic, payload, account=found.account
    )
    webhook.verify(prepared, found.account)
    decoded = webhook.decode(prepared.body)
    trigger = webhook.triggers[webhook.topic(prepared, decoded)]
    return {event.business_key for event in trigger.parse(decoded, prepared, source)}


@pytest.mark.criterion("reconcile")
async def test_nothing_to_tell_is_no_error(one: Candidate) -> None:
    if one.manifest.poll is None:
        not_needed("it has no poll")
    async with bench(one) as found:
        pages = await _pages(found, Source(one.slug, "main"), "")
        assert [event for page in pages for event in page.events] == []


@pytest.mark.criterion("webhooks")
def test_what_proves_nothing_moves_no_points(one: Candidate) -> None:
    """Without a signature over the body, money is told by the poll alone."""
    webhook = one.manifest.webhook
    if webhook is None or webhook.proof is Proof.SIGNATURE:
        not_needed("its webhooks are signed, or there are none")
    for trigger in webhook.triggers.values():
        assert not MONEY & set(trigger.event_types), f"{trigger.vendor_event} should only ring"
        assert not trigger.rings or one.manifest.poll is not None, "it rings, and nobody asks"


# --- subscriptions ---------------------------------------------------------------------------


def _lifecycle(one: Candidate) -> Lifecycle:
    found = one.manifest.subscriptions
    if found is None:
        webhook = one.manifest.webhook
        if webhook is None or not webhook.triggers:
            not_needed("nothing comes in from there")
        if "subscriptions" in one.manifest.exempt:
            not_needed(one.manifest.exempt["subscriptions"])
        missing("its webhooks are subscribed by hand")
    return found


@pytest.mark.criterion("subscriptions")
async def test_made_twice_there_is_one_of_each(one: Candidate) -> None:
    lifecycle = _lifecycle(one)
    async with bench(one) as found:
        wanted, foreign = Wanted(HERE, lifecycle.topics), Wanted(ELSEWHERE, lifecycle.topics)
        await ensure(lifecycle, found.client, foreign, now=NOW)
        first = await ensure(lifecycle, found.client, wanted, now=NOW)
        assert first.created
        second = await ensure(lifecycle, found.client, wanted, now=NOW)
        assert (second.created, second.removed) == ([], [])
        there = await lifecycle.listed(found.client)
        mine = [one for one in there if one.address == HERE]
        expected = len(set(lifecycle.topics)) if lifecycle.one_per_topic else 1
        assert len(mine) == expected
        assert len(there) - len(mine) == expected
        assert {topic for one in mine for topic in one.topics} == set(lifecycle.topics)


@pytest.mark.criterion("subscriptions")
async def test_a_duplicate_and_an_unwanted_topic_are_removed(one: Candidate) -> None:
    lifecycle = _lifecycle(one)
    async with bench(one) as found:
        topics = lifecycle.topics[:1] if lifecycle.one_per_topic else lifecycle.topics
        await lifecycle.create(found.client, Wanted(HERE, topics))
        done = await ensure(lifecycle, found.client, Wanted(HERE, topics), now=NOW)
        assert len(done.current) == 1
        await withdraw(lifecycle, found.client, HERE)
        left = await lifecycle.listed(found.client)
        assert [one for one in left if one.address == HERE] == []


@pytest.mark.criterion("subscriptions")
async def test_what_is_gone_is_removed_all_the_same(one: Candidate) -> None:
    lifecycle = _lifecycle(one)
    async with bench(one) as found:
        topics = lifecycle.topics[:1] if lifecycle.one_per_topic else lifecycle.topics
        made = await lifecycle.create(found.client, Wanted(HERE, topics))
        await remove(lifecycle, found.client, made.id)
        await remove(lifecycle, found.client, made.id)
        assert made.id not in {one.id for one in await lifecycle.listed(found.client)}


@pytest.mark.criterion("subscriptions")
async def test_it_is_renewed_before_it_ends(one: Candidate) -> None:
    lifecycle = _lifecycle(one)
    async with bench(one) as found:
        made = await ensure(lifecycle, found.client, Wanted(HERE, lifecycle.topics), now=NOW)
        if made.ends_at is None:
            assert lifecycle.renew is None
            not_needed("its subscriptions have no end")
        assert lifecycle.renew is not None
        assert lifecycle.renew_before < made.ends_at - NOW + timedelta(minutes=1)
        near = replace(lifecycle, renew_before=made.ends_at - NOW + timedelta(hours=1))
        renewed = await ensure(near, found.client, Wanted(HERE, lifecycle.topics), now=NOW)
        assert len(renewed.renewed) == len(made.current)
        assert renewed.created == []
