"""What expressions yield: exact, and as the reference says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from loyalty.events import Customer, EventType
from loyalty.facts import RatedLine
from rules.language import BOOL, ExpressionError, RuleRuntimeError, compile_expression
from rules.language.functions import FUNCTIONS, function
from rules.language.words import in_words
from rules.subjects import line_scope
from tests.rules.samples import MEMBER, ORDER, OVERFLOW, environment, read, scope, value_of

TINY = " * ".join(["0.000000000001"] * 14)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1 + 0.2 == 0.3", True),
        ("floor(19.99 * 100)", 1999),
        ("1_000.50 * 2", Decimal("2001.00")),
        ("7 - -3", 10),
        ("-order.total", Decimal("-79.90")),
        ("7 % 4", 3),
        ("2 * 3 + 4 * 5", 26),
        ("ceil(79.01)", 80),
        ("ceil(-0.5)", 0),
        ("floor(-0.5)", -1),
        ("floor(2.349, 2)", Decimal("2.34")),
        ("round_half_up(2.5)", 3),
        ("round_half_up(-2.5)", -3),
        ("round_half_even(2.5)", 2),
        ("round_half_even(3.5)", 4),
        ("abs(-3.5)", Decimal("3.5")),
        ("min(3, 1, 2)", 1),
        ("max(order.total, 100)", 100),
        ("max(event.time, '2027-01-01T00:00:00Z')", datetime(2027, 1, 1, tzinfo=UTC)),
        ('lower("KIT") == "kit" and upper("kit") == "KIT"', True),
        ('starts_with("KIT-1", "KIT") and not ends_with("KIT-1", "KIT")', True),
        ('contains("STARTER-KIT", "ER-K")', True),
        ('trim("  a b \\n") == "a b" and length("zwölf 🍵") == 7', True),
        ('matches("STARTER-KIT-01", "STARTER-*-??")', True),
        ('matches("STARTER-KIT-01", "starter*")', False),
        ('matches("abcabc", "*abc") and matches("aXbXc", "a*b*c") and matches("", "*")', True),
        (
            'matches("ab", "a*b*b") or matches("a", "a*a") or matches("ab", "?") '
            'or matches("", "?")',
            False,
        ),
        ('matches("a.c", "a.c") and not matches("abc", "a.c") and matches("[x]\\n", "[?]*")', True),
        ('contains_word("green tea, loose", "tea")', True),
        ('contains_word("steam", "tea") or contains_word("tea_bag", "tea")', False),
        ('contains_word("C++ course", "C++") and contains_word("Grüner Tee", "Grüner Tee")', True),
        ("distinct(line.sku for line in order.lines)", 2),
        ("distinct(line.tax for line in order.lines if line.quantity > 0)", 1),
        ("distinct(member.tags)", 1),
        ("not (1 > 2 or 2 > 3)", True),
        ("1 < 2 < 3 != 4", True),
        ("3 > 2 > 2", False),
        ('order.currency in ["EUR", "USD"]', True),
        ('order.currency not in ["EUR", "USD"]', False),
        ("3 in [order.total, member.points - 509]", True),
        ('"vip" in member.tags and "new" not in member.tags', True),
        ("count(order.lines) == len(order.lines) == 2", True),
        ("count(line for line in order.lines if line.quantity > 1 if line.unit_price > 1)", 1),
        ("sum(line.quantity for line in order.lines)", 4),
        ("sum(line.tax for line in order.lines)", 0),
        ("min(line.unit_price for line in order.lines) or 0", 15),
        ("max(line.unit_price for line in order.lines if line.quantity > 9) is None", True),
        ("any(line.quantity > 3 for line in order.lines)", False),
        ("all(line.quantity > 0 for line in order.lines)", True),
        ('"none" if order.customer is None else order.customer.first_name', "none"),
        ('member.email or member.phone or "nowhere"', "nowhere"),
        ('member.locale or "de"', "de"),
        ('event.type == "order.paid"', True),
        ('weekday(event.time, "Asia/Tokyo")', "sunday"),
        ('hour(event.time, "America/New_York")', 18),
        ('year_of("2025-12-31T23:30:00Z", "Europe/Berlin")', 2026),
        ('days_between("2024-02-28", "2024-03-01")', 2),
        ('days_between("2024-03-01", "2024-02-28")', -2),
        ('days_between("2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z")', 1),
        ("hour(event.time)", 0),
        ("weekday(event.time)", "sunday"),
        ('minute("2026-01-01T05:15:00Z", "Asia/Kathmandu")', 0),
        ("month(event.time) == 1 and day_of_month(event.time) == 4", True),
        ('month("2024-02-29") == 2 and day_of_month("2024-02-29") == 29', True),
        ('weekday("2024-02-29")', "thursday"),
        ("date_of(event.time)", date(2026, 1, 4)),
        ('date_of(event.time, "UTC")', date(2026, 1, 3)),
        ('local(event.time, "Asia/Tokyo").hour', 8),
        ('local(event.time).date == "2026-01-04" and local(event.time).minute == 30', True),
        ('hours_between("2026-03-28T12:00:00+01:00", "2026-03-29T12:00:00+02:00")', 23),
        ('hours_between(event.time, "2026-01-03T23:00:00Z")', Decimal("-0.5")),
        ('days_since("2026-01-01")', 3),
        ('days_since("2026-01-01T00:00:00Z", event.time, "UTC")', 2),
        ('days_since("2026-01-05")', -1),
        ('anniversary("2024-02-29", 2025, "feb28")', date(2025, 2, 28)),
        ('anniversary("2024-02-29", 2025, "mar1")', date(2025, 3, 1)),
        ('anniversary("2024-02-29", 2100, "mar1")', date(2100, 3, 1)),
        ('anniversary("2024-02-29", 2028, "mar1")', date(2028, 2, 29)),
        ('anniversary("2024-06-05", 2025, "mar1")', date(2025, 6, 5)),
        ('is_birthday("2000-01-04", "feb28")', True),
        ('is_birthday("2000-01-04", "feb28", event.time, "UTC")', False),
        ('is_anniversary("2026-01-04", "feb28")', False),
        ('is_birthday("2000-02-29", "feb28", "2026-02-28T12:00:00Z")', True),
        ('is_birthday("2000-02-29", "mar1", "2026-02-28T12:00:00Z")', False),
        ('is_birthday("2000-02-29", "mar1", "2026-03-01T12:00:00Z")', True),
        ('is_birthday("2000-02-29", "feb28", "2028-02-28T12:00:00Z")', False),
        ('is_birthday("2000-02-29", "feb28", "2028-02-29T12:00:00Z")', True),
        ('age("2000-01-04", "feb28")', 26),
        ('age("2000-01-05", "feb28")', 25),
        ('age("2004-02-29", "feb28", "2022-02-28T12:00:00Z")', 18),
        ('age("2004-02-29", "mar1", "2022-02-28T12:00:00Z")', 17),
        ('years_since("2027-01-01", "mar1")', -1),
        ("member.points_pending + member.points_redeemed + member.redemptions_count", 0),
        ('"vip" in member.segments or member.last_order_at is not None', False),
        ("order.total\n  >= 50   # comments and lines are fine\n", True),
        ('"zwölf Köche 🍵"', "zwölf Köche 🍵"),
        ('"a\\"b\\\\n\\n"', 'a"b\\n\n'),
        ('"two " "parts"', "two parts"),
    ],
)
def test_an_expression_yields(text: str, expected: Any) -> None:
    assert value_of(text) == expected


@pytest.mark.parametrize(
    ("function", "element", "expected"),
    [
        ("any", "line.quantity > 2", True),
        ("all", "line.quantity > 2", False),
        ("sum", "line.quantity", 4),
        ("count", "line", 2),
        ("distinct", "line.sku", 2),
        ("min", "line.quantity", 1),
        ("max", "line.quantity", 3),
    ],
)
@pytest.mark.parametrize(
    "condition", ["", " if line.unit_price > 0", " if order.total > line.tax if order.total > 0"]
)
def test_it_makes_no_difference_whether_a_list_is_judged_by_its_items_alone(
    function: str, element: str, expected: object, condition: str
) -> None:
    """Loops that look at nothing but the item run another way; they yield the same."""
    text = f"{function}({element} for line in order.lines{condition})"
    assert value_of(f"({text}) or 0" if function in {"min", "max"} else text) == expected


def test_an_empty_list_has_the_neutral_answers() -> None:
    empty = environment(data=ORDER.model_copy(update={"lines": ()}))
    texts = {
        "any(line.quantity > 0 for line in order.lines)": False,
        "all(line.quantity > 0 for line in order.lines)": True,
        "sum(line.quantity for line in order.lines)": 0,
        "count(order.lines)": 0,
        "max(line.quantity for line in order.lines)": None,
    }
    assert {text: read(text).run(empty) for text in texts} == texts


def test_a_default_stands_in_for_an_empty_number_but_not_for_zero() -> None:
    text = "sum(line.gross or 5 for line in order.lines)"
    lines = [
        ORDER.lines[0].model_copy(update={"gross": gross})
        for gross in (None, Decimal(0), Decimal(2))
    ]
    assert read(text).run(environment(data=ORDER.model_copy(update={"lines": lines}))) == 7


def test_a_test_for_emptiness_lets_the_value_be_used_after_it() -> None:
    known = environment(member=MEMBER.model_copy(update={"birthday": date(1990, 5, 5)}))
    text = 'member.birthday is not None and member.birthday < "2000-01-01"'
    assert read(text).run(known) is True
    assert read(text).run(environment()) is False


def test_what_an_earlier_condition_established_is_known_later() -> None:
    first = read("order.customer is not None")
    second = read('order.customer.country == "DE"', known=first.if_true)
    assert second.leans
    customer = Customer(id="c1", country="DE")
    assert second.run(environment(data=ORDER.model_copy(update={"customer": customer}))) is True


class TestOneLine:
    LINE = RatedLine(id="L1", sku="TEA", quantity=2, unit_price=5, eligible=9, tags=("organic",))

    def run(self, text: str, **lets: str) -> Any:
        names = line_scope(EventType.ORDER_PAID, lets)
        found = compile_expression(text, names)
        values = environment()
        values[names.names["line"].slot] = self.LINE
        assert found.values(values)
        return found.run(values)

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('"organic" in line.tags and not line.is_gift_card', True),
            ("line.eligible / line.quantity if line.quantity > 0 else 0", Decimal("4.5")),
            ('any(starts_with(tag, "org") for tag in line.tags)', True),
            ("count(other for other in order.lines if other.quantity > line.quantity)", 1),
            ("line.gross is None and line.eligible < half", True),
        ],
    )
    def test_a_condition_sees_the_line_and_all_else(self, text: str, expected: Any) -> None:
        assert self.run(text, half="order.eligible / 2") == expected

    def test_named_values_do_not_see_it(self) -> None:
        names = line_scope(EventType.ORDER_PAID, {"mine": "line.quantity"})
        with pytest.raises(ExpressionError):
            compile_expression("mine > 1", names)
        assert "no `line`" in str(names.problems["mine"])

    def test_its_name_cannot_be_taken_by_an_item(self) -> None:
        with pytest.raises(ExpressionError, match="`line` is taken"):
            self.run("any(line.quantity > 1 for line in order.lines)")

    def test_an_event_without_lines_has_none(self) -> None:
        with pytest.raises(ExpressionError, match="no `line` in a rule for payment"):
            compile_expression("line.eligible > 1", line_scope(EventType.PAYMENT_COMPLETED))
        names = line_scope(EventType.PAYMENT_COMPLETED)
        assert compile_expression("payment.eligible * payment.fx_rate", names)


def test_what_is_known_of_a_line_is_not_known_of_the_items_of_a_list() -> None:
    known = compile_expression("line.gross is not None", line_scope(EventType.ORDER_PAID)).if_true
    with pytest.raises(ExpressionError, match=r"`line\.gross` may be empty"):
        read("sum(line.gross for line in order.lines)", known=known)


def test_a_text_that_grows_without_bound_fails() -> None:
    member = MEMBER.model_copy(update={"first_name": "ß" * 9_000})
    expression = read("length(upper(member.first_name))")
    with pytest.raises(RuleRuntimeError, match="longer than 10,000 characters"):
        expression.run(environment(member=member))


def test_a_named_moment_shows_its_fields_in_words() -> None:
    lets = {"now": "local(event.time)"}
    expression = read('now.hour == 0 and now.weekday == "sunday"', lets=lets)
    values = environment()
    assert expression.run(values) is True
    assert expression.values(values) == {"now.hour": "0", "now.weekday": '"sunday"'}
    assert in_words(compile_expression("local(event.time)", scope()).run(values)) == (
        "sunday 2026-01-04 00:30"
    )


def test_the_usual_arguments_are_told_with_their_values() -> None:
    expression = read("hour(event.time) < 6")
    assert expression.values(environment()) == {
        "event.time": "2026-01-03 23:30:00+00:00",
        "programme.zone": '"Europe/Berlin"',
    }
    assert expression.filled_in(environment()) == "hour(2026-01-03 23:30:00+00:00) < 6"


def test_consents_are_fields_by_channel() -> None:
    customer = Customer(id="c1", consents={"sms": "granted"})
    text = (
        "order.customer is not None and order.customer.consents.sms is not None "
        'and order.customer.consents.sms == "granted" and order.customer.consents.email is None'
    )
    order = ORDER.model_copy(update={"customer": customer})
    assert read(text).run(environment(data=order)) is True


class TestNamedValues:
    def test_they_are_worked_out_once(self) -> None:
        lets = {"double": "order.total * 2", "fourfold": "double + double"}
        env = environment()
        assert read("fourfold + double", lets=lets).run(env) == Decimal("479.40")
        assert Decimal("159.80") in env

    def test_their_order_does_not_matter(self) -> None:
        assert value_of("b", b="a + 1", a="1") == 2

    def test_they_can_be_used_inside_a_list_of_another(self) -> None:
        lets = {"most": "max(line.quantity for line in order.lines) or 0"}
        assert value_of("count(x for x in order.lines if x.quantity == most)", **lets) == 1

    def test_one_that_never_comes_to_use_never_fails(self) -> None:
        assert value_of("True or huge > 1", huge=OVERFLOW) is True
        with pytest.raises(RuleRuntimeError, match="out of range"):
            value_of("False or huge > 1", huge=OVERFLOW)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (OVERFLOW, "out of range"),
        (f"{OVERFLOW} % 7", "out of range"),
        ("1000000000000000 * " * 4 + "1000000000000000 % 0.000000000001", "out of range"),
        (f"1 / ({TINY})", "division by zero"),
        (f"1 % ({TINY})", "out of range|division by zero"),
        (f"sum(line.quantity * {OVERFLOW} for line in order.lines)", "out of range"),
        ("floor(order.total, member.points)", "the places are a whole number"),
        ("anniversary('2000-01-01', 0, 'mar1')", "the year is a whole number"),
        ("anniversary('2000-01-01', 2000.5, 'mar1')", "the year is a whole number"),
        ("is_birthday('2000-01-01', member.tier)", "feb28"),
        ("contains_word('tea', member.zone)", "the word is empty"),
        ("hour(event.time, 'Europe' if order.id == '1001' else 'UTC')", "no time zone 'Europe'"),
        ("hour(event.time, order.id)", "no time zone '1001'"),
        ("hour(event.time, member.zone)", "no time zone ''"),
        ('hour("9999-12-31T23:30:00Z", programme.zone)', "outside the calendar"),
    ],
)
def test_what_cannot_be_worked_out_fails_with_its_place(text: str, problem: str) -> None:
    expression = read(text)
    with pytest.raises(RuleRuntimeError, match=problem) as caught:
        expression.run(environment())
    assert "^" in caught.value.caret
    assert f"(in `{text}`)" in caught.value.reason


def test_no_number_is_rounded_before_its_sixtieth_digit() -> None:
    most = "999999999999999.999999999999"
    whole = int(most.replace(".", "")) ** 2
    found = value_of(f"{most} * {most}")
    assert found.as_tuple() == (0, tuple(map(int, str(whole))), -24)


def test_a_function_is_added_with_its_annotations_alone() -> None:
    @function("The number of letters.")
    def letters(text: str) -> int:
        return len(text)

    try:
        assert value_of('letters("four")') == 4
        assert FUNCTIONS["letters"].forms == ("letters(text: text) -> number",)
        with pytest.raises(ExpressionError, match="A text is needed here, but this is a number"):
            read("letters(4)")
    finally:
        del FUNCTIONS["letters"]


def test_a_condition_is_asked_for_where_one_is_needed() -> None:
    with pytest.raises(ExpressionError, match="A condition is needed here"):
        compile_expression("order.total", scope(), expects=BOOL)


def test_values_are_told_in_words() -> None:
    expression = read(
        "order.total >= 100 and any(line.sku == 'X' for line in order.lines) "
        "and member.email is None and member.is_enrolled"
    )
    assert expression.values(environment()) == {
        "order.total": "79.90",
        "order.lines": "2 items",
        "line.sku": '"TEA-250", "STARTER-KIT-01"',
        "member.email": "empty",
        "member.is_enrolled": "yes",
    }


def test_a_text_is_filled_in_with_values() -> None:
    assert read("floor(order.eligible\n * 2)").filled_in(environment()) == "floor(79.90 * 2)"
