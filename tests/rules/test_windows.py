"""When and for whom a rule is: days and hours on somebody's clock, audiences, holdouts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from loyalty.events import Event
from loyalty.facts import MemberFacts
from loyalty.programme import Programme
from rules import RuleSet, RuleSetError, decide
from rules.audience import BUCKETS, Holdout, bucket
from rules.decision import Verdict
from rules.explain import why
from tests.rules.samples import event_of, rule

BERLIN = Programme(zone="Europe/Berlin")
MEMBER = MemberFacts(
    id="m1",
    tier="gold",
    tags=("vip", "press"),
    segments=("lapsed",),
    locale="pt-BR",
    zone="Australia/Sydney",
    joined_at=datetime(2025, 5, 1, tzinfo=UTC),
)


def verdict(at: str, member: MemberFacts = MEMBER, **document: Any) -> Verdict:
    """How a rule comes out at an instant, in a programme of Berlin."""
    event: Event = event_of().model_copy(update={"time": datetime.fromisoformat(at)})
    rules = RuleSet.load([rule("a", otherwise=[{"award": {"points": 1}}], **document)])
    decision = decide(event, member, BERLIN, rules)
    assert bool(decision.awards) is (decision.fired == ("a",))
    return decision.verdicts[0]


@pytest.mark.parametrize(
    ("at", "window", "shut"),
    [
        ("2026-01-10T12:00:00+01:00", {"days": ["saturday"]}, ""),
        ("2026-01-10T12:00:00+01:00", {"days": [6, 7]}, ""),
        ("2026-01-09T23:30:00Z", {"days": "sat"}, ""),
        ("2026-01-09T22:59:59Z", {"days": "sat"}, "days"),
        ("2026-01-09T15:00:00Z", {"days": "sat", "zone": "member"}, ""),
        ("2026-01-09T15:00:00Z", {"days": "sat", "zone": "Asia/Tokyo"}, ""),
        ("2026-01-09T15:00:00Z", {"days": "sat", "zone": "UTC"}, "days"),
        ("2026-01-09T16:00:00+01:00", {"hours": "16:00-18:00"}, ""),
        ("2026-01-09T18:00:00+01:00", {"hours": "16:00-18:00"}, "hours"),
        ("2026-01-09T17:59:59+01:00", {"hours": {"from": "16:00", "to": "18:00"}}, ""),
        ("2026-01-09T23:00:00+01:00", {"hours": "22:00-24:00"}, ""),
        ("2026-01-10T00:00:00+01:00", {"hours": "22:00-24:00"}, "hours"),
        ("2026-01-10T01:59:59+01:00", {"hours": "22:00-02:00"}, ""),
        ("2026-01-10T02:00:00+01:00", {"hours": "22:00-02:00"}, "hours"),
    ],
)
def test_days_and_hours_are_those_of_the_clock(at: str, window: dict[str, Any], shut: str) -> None:
    found = verdict(at, **window)
    assert (found.verdict, found.at) == (("not in force", shut) if shut else ("fired", ""))


@pytest.mark.parametrize(
    ("at", "fires"),
    [
        ("2026-01-09T21:59:00+01:00", False),
        ("2026-01-09T22:00:00+01:00", True),
        ("2026-01-10T01:59:00+01:00", True),
        ("2026-01-10T22:00:00+01:00", False),
        ("2026-01-09T01:00:00+01:00", False),
    ],
)
def test_what_passes_midnight_belongs_to_the_day_it_began_on(at: str, fires: bool) -> None:
    """Friday night is Friday's until two on Saturday; Thursday night's end is not Friday's."""
    found = verdict(at, days=["friday"], hours="22:00-02:00")
    assert (found.verdict == "fired") is fires


@pytest.mark.parametrize(
    ("at", "fires"),
    [
        ("2026-03-29T01:59:59+01:00", False),
        ("2026-03-29T03:00:00+02:00", True),
        ("2026-03-29T04:00:00+02:00", False),
        ("2026-10-25T02:30:00+02:00", True),
        ("2026-10-25T02:30:00+01:00", True),
        ("2026-10-25T04:00:00+01:00", False),
    ],
)
def test_hours_hold_when_the_clocks_change(at: str, fires: bool) -> None:
    assert (verdict(at, hours="02:00-04:00").verdict == "fired") is fires


def test_a_member_without_a_zone_has_the_programmes() -> None:
    nowhere = MEMBER.model_copy(update={"zone": "Atlantis/Poseidonis"})
    for member in (MemberFacts(), nowhere):
        assert verdict("2026-01-09T23:30:00Z", member, days="sat", zone="member").verdict == "fired"


@pytest.mark.parametrize(
    ("audience", "missed"),
    [
        ({"tiers": ["silver", "gold"]}, ""),
        ({"tiers": "silver"}, "tiers"),
        ({"tags": ["vip", "new"]}, ""),
        ({"tags": ["vip", "new"], "match": "all"}, "tags"),
        ({"tags": ["vip", "press"], "match": "all"}, ""),
        ({"segments": ["active"]}, "segments"),
        ({"locales": ["pt", "de"]}, ""),
        ({"locales": ["pt-PT"]}, "locales"),
        ({"locales": ["p"]}, "locales"),
        ({"enrolled_since": "2025-05-01T00:00:00Z"}, ""),
        ({"enrolled_since": "2025-05-01T00:00:01Z"}, "enrolled_since"),
        ({"enrolled_before": "2025-05-01T00:00:00Z"}, "enrolled_before"),
        ({"tiers": "gold", "segments": "active"}, "segments"),
    ],
)
def test_a_rule_is_for_its_audience(audience: dict[str, Any], missed: str) -> None:
    found = verdict("2026-01-10T12:00:00Z", audience=audience)
    expected = ("not in audience", f"audience.{missed}") if missed else ("fired", "")
    assert (found.verdict, found.at) == expected


def test_nobody_who_never_enrolled_is_in_an_audience_by_enrolment() -> None:
    audience = {"enrolled_before": "2030-01-01T00:00:00Z"}
    found = verdict("2026-01-10T12:00:00Z", MemberFacts(), audience=audience)
    assert found.verdict == "not in audience"


class TestHoldout:
    def test_the_same_member_is_in_or_out_on_every_machine(self) -> None:
        """SHA-256 and nothing that a process or a platform could change."""
        assert [bucket(f"m{n}", "summer") for n in range(3)] == [63_104, 848_509, 51_016]

    def test_about_so_many_are_held_out(self) -> None:
        holdout = Holdout(percent=Decimal(10))
        held = sum(holdout.holds_out(f"m{n}", "a") for n in range(5000))
        assert 400 < held < 600

    def test_more_per_cent_keep_those_who_are_out(self) -> None:
        few, many = Holdout(percent=Decimal(5)), Holdout(percent=Decimal(20))
        assert all(many.holds_out(f"m{n}", "a") for n in range(500) if few.holds_out(f"m{n}", "a"))

    def test_rules_hold_out_different_members_unless_they_share_a_salt(self) -> None:
        own, shared = Holdout(percent=Decimal(50)), Holdout(percent=Decimal(50), salt="x")
        ids = [f"m{n}" for n in range(200)]
        assert [own.holds_out(one, "a") for one in ids] != [own.holds_out(one, "b") for one in ids]
        assert [shared.holds_out(one, "a") for one in ids] == [
            shared.holds_out(one, "b") for one in ids
        ]

    def test_none_and_all(self) -> None:
        for percent, fires in ((0, True), (100, False)):
            found = verdict("2026-01-10T12:00:00Z", holdout={"percent": percent})
            assert (found.verdict == "fired") is fires
        assert 0 <= bucket("", "") < BUCKETS


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (
            {"hours": "16:00-18:00"},
            "Did not fire: it is in force from 16:00 to 18:00 by the programme's clock.",
        ),
        (
            {"days": ["monday"], "zone": "member"},
            "Did not fire: it is in force on monday by the member's clock.",
        ),
        ({"audience": {"tiers": ["a", "b"]}}, "Did not fire: it is for the tier a or b."),
        (
            {"audience": {"tags": ["a", "b"], "match": "all"}},
            "Did not fire: it is for members tagged a and b.",
        ),
        (
            {"audience": {"enrolled_since": "2026-01-01T00:00:00Z"}},
            "Did not fire: it is for members who enrolled from 2026-01-01 00:00:00+00:00 on.",
        ),
        (
            {"holdout": {"percent": 100}},
            "Did not fire: the member is one of the 100 per cent who are held out for comparison.",
        ),
        ({"when": ["order.total > 500"]}, None),
        ({"when": ["order.total > 5"]}, None),
        ({"when": ["1 > 2", "order.total > 5"], "match": "any"}, None),
    ],
)
def test_a_stored_verdict_is_told_in_words(document: dict[str, Any], told: str | None) -> None:
    """From what is stored alone, in the words that were said when it happened."""
    rules = RuleSet.load([rule("a", **document)])
    event = event_of().model_copy(update={"time": datetime(2026, 1, 10, 12, tzinfo=UTC)})
    decision = decide(event, MEMBER, BERLIN, rules)
    stored = Verdict.model_validate(decision.verdicts[0].plain())
    assert why(stored, rules.rules[0]) == (told or decision.traces[0].why)
    assert decision.traces[0].why == why(stored, rules.rules[0])


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"hours": "late"}, "`late` are no hours: write them as 22:00-02:00"),
        ({"hours": "10:00-10:00"}, "begin and end at the same time"),
        ({"days": ["funday"]}, "`funday` is no day"),
        ({"days": [0]}, "`0` is no day"),
        ({"zone": "Mars/Olympus"}, "`Mars/Olympus` is no time zone"),
        ({"audience": {"tier": "gold"}}, "Did you mean `tiers`?"),
        ({"holdout": {"percent": 101}}, "holdout.percent"),
    ],
)
def test_mistakes_are_told(document: dict[str, Any], problem: str) -> None:
    with pytest.raises(RuleSetError) as caught:
        RuleSet.load([rule("a", **document)])
    assert problem in str(caught.value)
