"""Opens and clicks of people, and what only looks like them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from loyalty.engagement import Figures, Kind, Marks, Touch, rate, take
from loyalty.lifecycle_policy import TrackingPolicy

SENT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
POLICY = TrackingPolicy()
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"


def after(seconds: float) -> datetime:
    return SENT + timedelta(seconds=seconds)


def told(*touches: Touch, policy: TrackingPolicy = POLICY) -> Marks:
    """What is known after all of these."""
    marks: Marks = {}
    for touch in touches:
        marks = take(marks, touch, sent_at=SENT, policy=policy)
    return marks


def clicked(seconds: float, link: str = "a", **more: object) -> Touch:
    return Touch(Kind.CLICKED, after(seconds), link=link, **{"user_agent": PHONE, **more})  # type: ignore[arg-type]


def opened(seconds: float, **more: object) -> Touch:
    return Touch(Kind.OPENED, after(seconds), **{"user_agent": PHONE, **more})  # type: ignore[arg-type]


def counted(marks: Marks) -> set[tuple[str, str]]:
    return {(kind.value, "machine" if machine else "person") for kind, machine in marks}


@pytest.mark.parametrize(
    ("touch", "expected"),
    [
        (opened(60), "person"),
        (opened(9.9), "machine"),
        (opened(10), "person"),
        (opened(-1), "machine"),
        (opened(60, user_agent="Mozilla/5.0"), "machine"),
        (opened(60, user_agent=""), "person"),
        (opened(60, is_said_machine=True), "machine"),
        (opened(60, is_prefetch=True), "machine"),
        (opened(60, user_agent="Mozilla/5.0 (scanner)"), "machine"),
        (opened(60, user_agent="Mozilla/5.0 GoogleImageProxy"), "person"),
        (opened(60, user_agent="python-requests/2.32"), "machine"),
        (opened(60, user_agent="Mozilla/5.0 (compatible; bingbot/2.0)"), "machine"),
    ],
)
def test_an_open_is_a_persons_or_a_machines(touch: Touch, expected: str) -> None:
    assert counted(told(touch)) == {("opened", expected)}


def test_a_persons_click_implies_that_they_read_it() -> None:
    assert counted(told(clicked(60))) == {("clicked", "person"), ("opened", "person")}
    alone = told(clicked(60), policy=TrackingPolicy(click_implies_open=False))
    assert counted(alone) == {("clicked", "person")}


def test_a_machines_click_implies_nothing() -> None:
    assert counted(told(clicked(3))) == {("clicked", "machine")}


def test_two_links_at_the_same_moment_are_a_scanner_however_late() -> None:
    burst = [clicked(7200 + n * 0.4, link=str(n)) for n in range(10)]
    assert counted(told(*burst)) == {("clicked", "machine")}


def test_a_burst_takes_back_nothing_that_a_person_did_before() -> None:
    marks = told(opened(60), clicked(120, "a"), clicked(300, "a"), clicked(7200, "b"))
    scanned = marks
    for n in range(3):
        scanned = take(scanned, clicked(9000 + n * 0.1, str(n)), sent_at=SENT, policy=POLICY)
    assert scanned[Kind.OPENED, False].at == after(60)
    assert scanned[Kind.CLICKED, False].at == after(120)


def test_the_same_link_twice_is_an_impatient_person() -> None:
    assert (Kind.CLICKED, True) not in told(clicked(60, "a"), clicked(60.3, "a"))


def test_a_late_report_of_delivery_makes_no_machine_of_an_earlier_click() -> None:
    late = Touch(Kind.DELIVERED, after(3600))
    assert counted(told(clicked(1800), late, opened(3700))) >= {("clicked", "person")}


def test_the_first_instant_stays_and_the_times_are_counted() -> None:
    mark = told(opened(60), opened(50), opened(70))[Kind.OPENED, False]
    assert (mark.at, mark.last_at, mark.times) == (after(50), after(70), 3)


def test_rates_are_over_what_was_delivered() -> None:
    figures = Figures(sent=4, delivered=3, opens_human=2, clicks_human=1, joined=3)
    assert (figures.open_rate, figures.click_rate) == (Decimal("0.6667"), Decimal("0.3333"))
    assert figures.join_rate == 1
    assert Figures(sent=2).open_rate is None
    assert rate(1, 800) == Decimal("0.0013")
