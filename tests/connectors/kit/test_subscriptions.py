"""Subscriptions: one of each, whatever was there before, and nobody else's touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from connectors.kit.errors import NotFound, Transient
from connectors.kit.subscriptions import (
    Lifecycle,
    Subscription,
    Wanted,
    ensure,
    silence,
    withdraw,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HERE, THERE = "https://hub.example/hooks/x/main", "https://else.example/x"


class Vendor:
    """Keeps subscriptions in memory, as a vendor would."""

    def __init__(self, *kept: Subscription) -> None:
        self.kept = {one.id: one for one in kept}
        self.numbers = count(1)
        self.fails_at = -1

    async def create(self, wanted: Wanted) -> Subscription:
        number = next(self.numbers)
        if number == self.fails_at:
            raise Transient("the vendor is not available")
        made = Subscription(f"new-{number}", wanted.address, wanted.topics, NOW + timedelta(days=7))
        self.kept[made.id] = made
        return made

    async def delete(self, identity: str) -> None:
        if self.kept.pop(identity, None) is None:
            raise NotFound("there is none")

    async def renew(self, one: Subscription) -> Subscription:
        self.kept[one.id] = replace(one, expires_at=NOW + timedelta(days=7))
        return self.kept[one.id]


async def _listed(client: Any) -> list[Subscription]:
    return list(client.kept.values())


LIFECYCLE = Lifecycle(
    topics=("orders", "refunds"),
    listed=_listed,
    create=lambda client, wanted: client.create(wanted),
    delete=lambda client, identity: client.delete(identity),
    renew=lambda client, one: client.renew(one),
    silent_after=timedelta(days=1),
)
WANTED = Wanted(HERE, LIFECYCLE.topics)


def one(identity: str, topic: str = "orders", address: str = HERE, **more: Any) -> Subscription:
    return Subscription(identity, address, (topic,), **more)


async def test_what_is_missing_is_made_and_a_second_time_nothing() -> None:
    vendor = Vendor(one("theirs", address=THERE))
    first = await ensure(LIFECYCLE, vendor, WANTED, now=NOW)
    assert sorted(made.topics for made in first.created) == [("orders",), ("refunds",)]
    assert first.ends_at == NOW + timedelta(days=7)
    second = await ensure(LIFECYCLE, vendor, WANTED, now=NOW)
    assert (second.created, second.removed, second.renewed) == ([], [], [])
    assert "theirs" in vendor.kept


@pytest.mark.parametrize(
    "spoilt",
    [
        one("a", "products"),
        one("a", is_active=False),
        one("a", expires_at=NOW),
    ],
    ids=["unwanted", "switched off", "ended"],
)
async def test_what_is_of_no_use_is_removed(spoilt: Subscription) -> None:
    vendor = Vendor(spoilt)
    done = await ensure(LIFECYCLE, vendor, WANTED, now=NOW)
    assert [gone.id for gone in done.removed] == ["a"]
    assert len(vendor.kept) == 2


async def test_of_duplicates_the_one_that_works_stays() -> None:
    vendor = Vendor(one("a", is_active=False), one("b"), one("c", "refunds"), one("d", "refunds"))
    done = await ensure(LIFECYCLE, vendor, WANTED, now=NOW)
    assert done.created == []
    assert {kept.topics for kept in vendor.kept.values()} == {("orders",), ("refunds",)}
    assert "b" in vendor.kept


async def test_what_ends_soon_is_renewed() -> None:
    soon, later = NOW + timedelta(hours=23), NOW + timedelta(days=3)
    vendor = Vendor(one("a", expires_at=soon), one("b", "refunds", expires_at=later))
    done = await ensure(LIFECYCLE, vendor, WANTED, now=NOW)
    assert [renewed.id for renewed in done.renewed] == ["a"]
    assert done.ends_at == later


async def test_after_a_failure_the_next_time_goes_on() -> None:
    vendor = Vendor()
    vendor.fails_at = 2
    with pytest.raises(Transient):
        await ensure(LIFECYCLE, vendor, WANTED, now=NOW)
    done = await ensure(LIFECYCLE, vendor, WANTED, now=NOW)
    assert len(done.created) == 1
    assert len(vendor.kept) == 2


async def test_one_for_all_topics_counts_by_all_of_them() -> None:
    together = replace(LIFECYCLE, one_per_topic=False)
    vendor = Vendor(one("a", "orders"))
    done = await ensure(together, vendor, WANTED, now=NOW)
    assert [made.topics for made in done.created] == [("orders", "refunds")]
    assert list(vendor.kept) == [done.created[0].id]


async def test_withdrawn_is_withdrawn_from_here_alone() -> None:
    vendor = Vendor(one("a"), one("b", "refunds"), one("theirs", address=THERE))
    assert await withdraw(LIFECYCLE, vendor, HERE) == 2
    assert list(vendor.kept) == ["theirs"]


@pytest.mark.parametrize(
    ("heard", "suspicious"),
    [(None, None), (timedelta(hours=24), None), (timedelta(hours=25), timedelta(hours=25))],
)
def test_silence_is_told_after_a_while(
    heard: timedelta | None, suspicious: timedelta | None
) -> None:
    last = None if heard is None else NOW - heard
    assert silence(LIFECYCLE, last, now=NOW) == suspicious
    assert silence(replace(LIFECYCLE, silent_after=None), last, now=NOW) is None
