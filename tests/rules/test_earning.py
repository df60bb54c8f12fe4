"""What purchases earn: rates, multipliers, exclusions, one rounding, and the words for it."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from math import floor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loyalty.events import EventType, Payment
from loyalty.programme import Programme
from rules import RuleSet, RuleSetError, decide
from tests.rules.purchases import (
    EARN,
    MEMBER,
    base,
    decided,
    order,
    points,
    rule,
    tiered,
    told,
    total,
)
from tests.rules.samples import event_of

WEEKEND = rule("weekend", {"multiply": {"by": 2}}, days=[6, 7])
COFFEE = rule("coffee", {"multiply": {"by": 3, "lines": '"coffee" in line.tags'}})
NO_SALE = rule("no-sale", {"exclude": {"lines": '"sale" in line.tags'}})


class TestRates:
    @pytest.mark.parametrize(
        ("price", "earn", "granted", "arithmetic"),
        [
            ("25.00", EARN, 25, "25.00 of goods × 1 point = 25"),
            ("79.90", EARN, 79, "79.90 of goods × 1 point = 79.9, rounded down to 79"),
            (
                "3.00",
                {"points": 5, "per": "2.50"},
                6,
                "3.00 of goods × 5 points per 2.50 = 6",
            ),
            (
                "3.00",
                {"points": 5, "per": "2.50", "steps": "whole"},
                5,
                "3.00 of goods has 1 full step of 2.50, × 5 points = 5",
            ),
            (
                "2.49",
                {"points": 5, "per": "2.50", "steps": "whole"},
                None,
                "",
            ),
            (
                "10.00",
                {"points": 1, "per": 3},
                3,
                "10.00 of goods × 1 point per 3 = 3.333333…, rounded down to 3",
            ),
        ],
    )
    def test_points_by_value(
        self, price: str, earn: dict[str, Any], granted: int | None, arithmetic: str
    ) -> None:
        decision = decided(order(price), rule("base", {"earn": earn}))
        assert points(decision) == ({"base": granted} if granted else {})
        if granted:
            assert told(decision) == arithmetic

    def test_rates_that_never_end_add_up_exactly(self) -> None:
        """Three thirds of a point are a point: no digit is lost on the way."""
        thirds = [rule(f"r{n}", {"earn": {"points": 1, "per": 3}}) for n in range(3)]
        assert decided(order("1.00"), *thirds).points == 1

    @pytest.mark.parametrize(
        ("mode", "granted"), [("floor", 2), ("ceil", 3), ("half_up", 3), ("half_even", 2)]
    )
    def test_the_programme_says_how_it_is_rounded(self, mode: str, granted: int) -> None:
        assert decided(order("2.50"), base(), rounding=mode).points == granted

    def test_small_units_of_a_point_are_booked(self) -> None:
        decision = decided(order("19.99"), base(points="0.05"), unit_scale=2)
        assert decision.points == 99
        assert told(decision) == "19.99 of goods × 0.05 points = 0.9995, rounded down to 0.99"

    def test_the_sum_is_rounded_once_for_the_order(self) -> None:
        halves = [rule(f"r{n}", {"earn": {"points": "0.5", "per": 1}}) for n in "abc"]
        decision = decided(order("1.00"), *halves)
        assert points(decision) == {"rb": 1}
        assert told(decision, "rb").endswith("rounded together with the other rules to 1")

    def test_or_line_by_line(self) -> None:
        bought = order({"unit_price": "0.99", "quantity": 3}, "1.99")
        assert decided(bought, base(), rounding_scope="line").points == 3
        assert decided(bought, base()).points == 4

    def test_a_payment_earns_too(self) -> None:
        data = {"id": "p", "currency": "EUR", "amount": "23.50", "tip": "3.00"}
        event = event_of(EventType.PAYMENT_COMPLETED, Payment.model_validate(data))
        rules = RuleSet.load([{**base(), "on": "payment.completed"}])
        decision = decide(event, MEMBER, Programme(), rules)
        assert decision.awards[0].arithmetic == ("20.50 paid × 1 point = 20.5, rounded down to 20")

    def test_shipping_earns_where_the_programme_counts_it(self) -> None:
        bought = order("10.00", shipping="5.00")
        decision = decided(bought, base(), eligible={"shipping": True})
        assert decision.points == 15
        on_lines = base(lines="line.quantity > 0")
        assert decided(bought, on_lines, eligible={"shipping": True}).points == 10


class TestFactors:
    """The sample event happens on a Saturday."""

    def test_a_multiplier_multiplies_and_says_so(self) -> None:
        decision = decided(order("25.00"), base(), WEEKEND)
        assert points(decision) == {"base": 50}
        assert told(decision) == "25.00 of goods × 1 point × 2 (weekend) = 50"
        assert decision.awards[0].multiplied_by == ("weekend",)
        assert decision.fired == ("base", "weekend")

    def test_some_lines_are_multiplied(self) -> None:
        decision = decided(order("20.00 coffee", "10.00"), base(), COFFEE)
        assert told(decision) == (
            "20.00 of goods × 1 point × 3 (coffee) + 10.00 of goods × 1 point = 70"
        )
        [trace] = [trace for trace in decision.traces if trace.rule == "base"]
        assert [(line.line, line.told) for line in trace.lines] == [("L1", "earns × 3 (coffee)")]

    @pytest.mark.parametrize(
        ("how", "granted", "factor"),
        [
            ("product", 150, "1.5 (gold) × 2 (weekend) × 5 (five)"),
            ("additive", 65, "6.5 (gold 1.5 and five 5 and weekend 2, added)"),
            ("max", 50, "5 (gold 1.5 and five 5 and weekend 2, the highest counts)"),
        ],
    )
    def test_factors_combine_as_the_programme_says(
        self, how: str, granted: int, factor: str
    ) -> None:
        five = rule("five", {"multiply": {"by": 5}})
        decision = decided(
            order("10.00"), base(), WEEKEND, five, member=tiered("gold", "1.5"), multipliers=how
        )
        assert decision.points == granted
        if how != "product":
            assert factor in told(decision)

    def test_bonuses_are_multiplied_unless_flat(self) -> None:
        decision = decided(
            order("10.00"),
            rule("bonus", {"award": {"points": 50}}),
            rule("flat", {"award": {"points": 50, "flat": True}}),
            WEEKEND,
            member=tiered("gold", "1.5"),
        )
        assert points(decision) == {"bonus": 150, "flat": 50}
        assert [award.flat for award in decision.awards] == [False, True]
        assert told(decision, "bonus") == "50, times 1.5 (gold) × 2 (weekend) = 150.0"

    def test_whole_steps_take_the_average_factor(self) -> None:
        """No step is lost between lines of different factors: 30.00 has one of 25.00."""
        steps = base(per="25.00", points=10, steps="whole")
        decision = decided(order("20.00 coffee", "10.00"), steps, COFFEE)
        assert decision.awards[0].wanted.quantize(Decimal("0.01")) == Decimal("23.33")
        assert decision.points == 23

    @pytest.mark.parametrize("by", ["-1", "1001", "order.tip - 1"])
    def test_a_factor_out_of_range_fails_its_rule_alone(self, by: str) -> None:
        decision = decided(order("10.00"), base(), rule("odd", {"multiply": {"by": by}}))
        assert points(decision) == {"base": 10}
        assert decision.errors[0].startswith("odd: the factor would be ")

    @pytest.mark.parametrize("multipliers", [4, 60])
    def test_more_points_than_can_be_fails_the_rule_that_earns(self, multipliers: int) -> None:
        many = [rule(f"m{n}", {"multiply": {"by": 1000}}) for n in range(multipliers)]
        decision = decided(order("10.00"), base(), rule("b", {"award": {"points": 1}}), *many)
        assert decision.points == 0
        assert [error.split(":")[0] for error in decision.errors] == ["b", "base"]


class TestBestSingleRule:
    big = rule("big", {"award": {"points": 50, "flat": True}}, when=["order.eligible >= 25"])

    def test_the_best_of_multipliers_and_bonuses_wins(self) -> None:
        """Weekend 60, coffee 70, 30 + 50 = 80: the bonus wins."""
        decision = decided(
            order("20.00 coffee", "10.00"),
            base(), WEEKEND, COFFEE, self.big,
            multipliers="best_single_rule",
        )  # fmt: skip
        assert decision.points == 80
        assert decision.fired == ("base", "big")
        lost = {one.rule: one for one in decision.verdicts if one.verdict == "lost"}
        assert {(one.by, one.at) for one in lost.values()} == {("big", "multipliers")}
        assert {trace.why for trace in decision.traces if trace.rule in lost} == {
            "Its conditions held, but `big` gives more, and the programme lets one rule win "
            "for a purchase."
        }

    def test_equals_go_to_the_earlier(self) -> None:
        twice = [rule(name, {"multiply": {"by": 2}}) for name in ("b", "a")]
        decision = decided(order("5.00"), base(), *twice, multipliers="best_single_rule")
        assert decision.fired == ("a", "base")

    def test_a_deduction_is_no_bonus(self) -> None:
        fee = rule("fee", {"deduct": {"points": 5}})
        decision = decided(order("30.00"), base(), fee, self.big, multipliers="best_single_rule")
        assert points(decision) == {"base": 30, "big": 50, "fee": -5}


class TestExclusions:
    def test_excluded_lines_earn_nothing_and_are_named(self) -> None:
        decision = decided(order("40.00", "60.00 sale", "20.00"), base(), NO_SALE)
        assert points(decision) == {"base": 60}
        assert [(one.line, one.rule) for one in decision.left_out] == [("L2", "no-sale")]
        [trace] = [trace for trace in decision.traces if trace.rule == "base"]
        assert [(one.line, one.told) for one in trace.lines] == [("L2", "left out by `no-sale`")]

    def test_a_line_that_the_rule_is_not_for_is_told(self) -> None:
        coffee = base(lines='"coffee" in line.tags')
        decision = decided(order("40.00", "60.00 coffee"), coffee)
        assert points(decision) == {"base": 60}
        [line] = decision.traces[0].lines
        assert line.told == 'left out: `"coffee" in line.tags` does not hold for it'

    def test_a_loser_excludes_nothing(self) -> None:
        rivals = [
            rule("a", {"award": {"points": 1}}, group="first"),
            {**NO_SALE, "group": "first"},
        ]
        assert points(decided(order("60.00 sale"), base(), *rivals)) == {"a": 1, "base": 60}


class TestGroupsByPoints:
    def test_multipliers_compete_by_what_they_would_bring(self) -> None:
        rivals = [
            {**WEEKEND, "group": "highest"},
            {**COFFEE, "group": "highest"},
            rule("ten", {"award": {"points": 10}}, group="highest"),
        ]
        assert decided(order("20.00"), base(), *rivals).fired == ("base", "weekend")
        assert decided(order("20.00 coffee"), base(), *rivals).fired == ("base", "coffee")
        assert decided(order("5.00"), base(), *rivals).fired == ("base", "ten")


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({"on": "customer.created"}, "customer.created has no value to earn by"),
        (
            {"on": "payment.completed", "then": [{"exclude": {"lines": "True"}}]},
            "payment.completed has no lines: only orders do",
        ),
        ({"then": [{"earn": {**EARN, "lines": "line.colour == 'red'"}}]}, "no field `colour`"),
        ({"then": [{"earn": {**EARN, "per": 0}}]}, "then[0].earn.per"),
        (
            {"then": [{"earn": EARN}, {"award": {"points": 1}}]},
            "`then` has `earn` and `award`: write a rule for each",
        ),
        (
            {"then": [{"multiply": {"by": 2}}, {"multiply": {"by": 3}}]},
            "`then` has `multiply` twice",
        ),
    ],
)
def test_what_cannot_be_reckoned_is_refused(document: dict[str, Any], problem: str) -> None:
    with pytest.raises(RuleSetError) as caught:
        RuleSet.load([{**base(), **document}])
    assert problem in str(caught.value)


PRICES = st.decimals("0.01", "999.99", places=2).map(str)
TAGS = st.sampled_from(["", " coffee", " sale", " coffee sale"])
LINES = st.lists(st.tuples(PRICES, TAGS).map("".join), min_size=1, max_size=5)
FACTORS = st.decimals("0", "5", places=1).map(str)
SETTINGS = st.fixed_dictionaries(
    {
        "rounding": st.sampled_from(["floor", "ceil", "half_up", "half_even"]),
        "multipliers": st.sampled_from(["product", "additive", "max"]),
        "unit_scale": st.integers(0, 2),
    }
)
PERS = st.sampled_from(["1.00", "3", "7", "0.5"])


def _rules(pers: list[str], factors: list[str]) -> list[dict[str, Any]]:
    earning = [rule(f"e{n}", {"earn": {"points": "1", "per": per}}) for n, per in enumerate(pers)]
    conditions = ['"coffee" in line.tags', "line.quantity > 0"]
    return earning + [
        rule(f"m{n}", {"multiply": {"by": by, "lines": conditions[n % 2]}})
        for n, by in enumerate(factors)
    ]


@settings(max_examples=60, deadline=None)
@given(LINES, st.lists(PERS, min_size=1, max_size=3), st.lists(FACTORS, max_size=3))
def test_the_total_is_the_rounded_exact_sum(
    lines: list[str], pers: list[str], factors: list[str]
) -> None:
    """Against plain fractions, whatever the rates and factors."""
    exact = Fraction(0)
    for line in lines:
        price, *tags = line.split()
        factor = Fraction(1)
        for n, by in enumerate(factors):
            if n % 2 or "coffee" in tags:
                factor *= Fraction(by)
        exact += sum((Fraction(price) * factor / Fraction(per) for per in pers), Fraction(0))
    decision = decided(order(*lines), *_rules(pers, factors), explain=False)
    assert decision.points == floor(exact)
    assert all(award.points > 0 for award in decision.awards)


@settings(max_examples=40, deadline=None)
@given(LINES, SETTINGS, st.lists(FACTORS, max_size=2))
def test_the_order_in_which_rules_are_given_changes_nothing(
    lines: list[str], chosen: dict[str, Any], factors: list[str]
) -> None:
    documents = _rules(["1.00", "3"], factors)
    bought = order(*lines)
    found = [decided(bought, *some, **chosen) for some in list(permutations(documents))[:6]]
    assert all(one == found[0] for one in found)


@settings(max_examples=40, deadline=None)
@given(LINES)
def test_line_filters_part_an_order_without_rest(lines: list[str]) -> None:
    bought = order(*lines)
    condition = '"coffee" in line.tags'
    parts = [
        decided(bought, base(points=100, lines=one), explain=False).points
        for one in (condition, f"not ({condition})")
    ]
    assert sum(parts) == decided(bought, base(points=100), explain=False).points
    assert sum(parts) == 100 * total(line.split()[0] for line in lines)


@settings(max_examples=30, deadline=None)
@given(LINES, SETTINGS, st.sampled_from(["order", "line"]))
def test_an_order_of_which_nothing_is_left_earns_nothing(
    lines: list[str], chosen: dict[str, Any], scope: str
) -> None:
    kept = order(*lines)
    rest = kept.model_copy(
        update={"lines": tuple(line.model_copy(update={"quantity": 0}) for line in kept.lines)}
    )
    documents = _rules(["1.00", "3"], ["2"])
    assert decided(rest, *documents, **chosen, rounding_scope=scope).points == 0
