"""Any order and any repetition of the same news ends in the same books: the real desks, in memory.

Orders, refunds, edits, cancellations and reversals of refunds of one member, without
redemptions, caps, tiers and milestones (the invariants at the end of the scenario file).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flows.booking import handlers_of
from flows.clerk import Clerk
from flows.directory import Directory
from flows.planning import Planner
from flows.terms import Terms
from flows.workset import Workset
from loyalty.book import PointsBook
from loyalty.events import Event
from loyalty.programme import Programme
from loyalty.store.inbox import Claimed, Closing
from loyalty.store.people import Member
from loyalty.texts import Texts
from rules import RuleSet
from tests.flows.booking.desk import NOON, cancelled, edited, event, line, paid, piece, refunded

MEMBER = UUID(int=1)
RULES = RuleSet.load(
    [
        {"id": "base", "on": ["order.paid"], "then": [{"earn": {"points": "1", "per": "1.00"}}]},
        {
            "id": "tea",
            "on": ["order.paid"],
            "then": [{"multiply": {"by": "1.5", "lines": 'line.sku == "TEA"'}}],
        },
        {
            "id": "large",
            "on": ["order.paid"],
            "when": ["order.eligible >= 50"],
            "then": [{"award": {"points": "25", "flat": True}}],
        },
    ]
)
POLICIES: list[dict[str, Any]] = [
    {},
    {"expiry": {"mode": "days", "n": 30}},
    {"expiry": {"mode": "months", "n": 1}, "pending_days": 7, "rounding": "half_even"},
    {"rounding_scope": "line", "expiry": {"mode": "calendar", "month": 3, "day": 20}},
]


async def _unneeded(*_: Any) -> Any:
    raise LookupError("nothing is awarded under older rules here")


@dataclass
class Memory:
    """One member's books without a database; what waits for a sale waits here."""

    settings: dict[str, Any]
    work: Workset = field(default_factory=lambda: Workset(now=NOON))
    waiting: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    seen: set[str] = field(default_factory=set)
    number: int = 0

    def __post_init__(self) -> None:
        self.programme = Programme.model_validate(self.settings)
        self.work.members[MEMBER] = Member(MEMBER, joined_at=NOON, created_at=NOON)
        self.book = self.work.books[MEMBER] = PointsBook(
            MEMBER, expiry=self.programme.expiry, zone=self.programme.zone
        )

    def take(self, news: Event, now: datetime) -> None:
        """Takes an event as the inbox and the flows do: once, and parked where it has to wait."""
        if news.business_key in self.seen:
            return
        self.seen.add(news.business_key)
        self._work_off([news], now)

    def _work_off(self, todo: list[Event], now: datetime) -> None:
        while todo:
            news = todo.pop(0)
            closing = self._handle(news, now)
            assert closing.state in ("done", "parked"), closing.reason
            if closing.state == "parked":
                self.waiting[closing.waits_for].append(news)
            for key in self.work.released:
                todo += self.waiting.pop(key, [])
            self.work.released.clear()

    def _handle(self, news: Event, now: datetime) -> Closing:
        self.number += 1
        item = Claimed(self.number, news, received_at=now, attempts=0)
        self.work.now, self.work.member_of[item.id] = now, MEMBER
        terms = self._terms(now)
        desks, otherwise = handlers_of(terms, self.work), Clerk(terms, self.work).occurred
        self.lapse(now)
        closing = desks.get(news.type, otherwise)(item)
        self.lapse(now)
        return closing

    def lapse(self, now: datetime) -> None:
        """Writes down what has expired."""
        self.book.lapse(now, lambda: UUID(int=self.number << 64 | len(self.book.entries)))

    def _terms(self, now: datetime) -> Terms:
        texts = Texts({})
        planner = Planner(self.programme, texts, Directory({}), "memory", now)
        return Terms(
            self.programme, RULES, texts, planner, now, rules_of=_unneeded, programme_of=_unneeded
        )

    def state(self, now: datetime) -> dict[str, Any]:
        """What must not depend on the order of arrival."""
        self.lapse(now)
        remaining: dict[Any, int] = defaultdict(int)
        for lot in self.book.lots:
            remaining[lot.expires_at, lot.available_at] += lot.remaining
        member = self.work.members[MEMBER]
        balance = self.book.balance(now)
        assert balance.total == self.book.total == sum(e.points for e in self.book.entries)
        return {
            "balance": balance,
            "remaining": {key: points for key, points in remaining.items() if points},
            "debt": self.book.debt,
            "orders": member.orders_count,
            "spend": member.lifetime_spend,
            "awards": {key: sale.awards for key, sale in self.work.sales.items()},
        }


CENTS = st.integers(1, 9000).map(lambda cents: str(Decimal(cents).scaleb(-2)))


@st.composite
def stories(draw: st.DrawFn) -> list[Event]:
    """What happens to one or two orders."""
    news: list[Event] = []
    for order in ("1001", "1002")[: draw(st.integers(1, 2))]:
        at = NOON + timedelta(days=draw(st.integers(0, 9)))
        news.append(_version(draw, order, at=at, revision=0))
        for revision in range(1, 1 + draw(st.integers(0, 2))):
            news.append(_version(draw, order, at=at, revision=revision))
        for number in range(draw(st.integers(0, 3))):
            news += _refund(draw, order, f"{order}-r{number}")
        if draw(st.booleans()) and draw(st.booleans()):
            news.append(cancelled(order))
    return news


def _version(draw: st.DrawFn, order: str, *, at: datetime, revision: int) -> Event:
    prices = draw(st.lists(CENTS, min_size=1, max_size=3))
    lines = [
        line(price, at=f"L{n}", sku=draw(st.sampled_from(["TEA", "CUP"])))
        for n, price in enumerate(prices, 1)
    ]
    total = str(sum(map(Decimal, prices), Decimal(0)))
    kind = "order.edited" if revision else "order.paid"
    return paid(total, id=order, lines=lines, at=at, kind=kind, revision=revision)


def _refund(draw: st.DrawFn, order: str, name: str) -> list[Event]:
    amount = draw(CENTS)
    kind = draw(st.sampled_from(["amount", "line", "full"]))
    if kind == "line":
        part = piece(draw(st.sampled_from(["L1", "L2"])), amount, draw(st.integers(0, 1)))
        found = [refunded(name, amount, order=order, lines=[part])]
    else:
        found = [refunded(name, amount, order=order, full=kind == "full")]
    if draw(st.booleans()):
        data = {"refund_id": name, "order_id": order}
        found.append(event("refund.reversed", name, data))
    return found


def told(story: Sequence[Event], policy: dict[str, Any], *, over_days: int) -> dict[str, Any]:
    """The books once everything was told, evenly over so many days."""
    memory = Memory(policy)
    for at, news in enumerate(story):
        memory.take(news, NOON + timedelta(days=10) + timedelta(days=over_days * at) / len(story))
    assert not any(memory.waiting.values())
    return memory.state(NOON + timedelta(days=10 + over_days))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    stories(),
    st.sampled_from(POLICIES),
    st.sampled_from([0, 5, 40]),
    st.randoms(use_true_random=False),
)
@example(
    [paid("60.00"), refunded("r1", full=True), edited("90.00", 1)],
    POLICIES[1],
    40,
    Random(1),
)
def test_any_order_and_repetition_ends_in_the_same_books(
    story: list[Event], policy: dict[str, Any], over_days: int, random: Any
) -> None:
    shuffled = random.sample(story * 2, 2 * len(story))
    expected = told(story, policy, over_days=over_days)
    found = told(shuffled, policy, over_days=over_days)
    assert found == expected


@settings(max_examples=100, deadline=None)
@given(stories(), st.sampled_from(POLICIES), st.randoms(use_true_random=False))
def test_what_is_given_back_whole_leaves_nothing(
    story: list[Event], policy: dict[str, Any], random: Any
) -> None:
    orders = {news.data.id for news in story if news.type == "order.paid"}
    whole = [*story, *(refunded(f"{one}-all", full=True, order=one) for one in orders)]
    state = told(random.sample(whole, len(whole)), policy, over_days=3)
    assert (state["balance"].total, state["orders"], state["spend"]) == (0, 0, 0)
    assert not any(state["awards"].values())
