"""What is refused when a rule is saved: with the place, and with what would do."""

from __future__ import annotations

import pytest

from loyalty.events import EventType
from rules.language import NUMBER, SCALAR, ExpressionError, compile_expression
from rules.subjects import scope_of
from tests.rules.samples import read, scope

LINES = "for line in order.lines"


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("order.totl >= 50", 7, "Did you mean `total`?"),
        ("ordr.total >= 50", 1, "no `ordr` in a rule for order.paid. Did you mean `order`?"),
        ("payment.amount >= 50", 1, "There are: event, order, member, programme."),
        ("true", 1, "Did you mean `True`?"),
        ("flor(order.total)", 1, "no function `flor`. Did you mean `floor`?"),
        ("floor", 1, "`floor` is a function: write floor(value: number"),
        ("floor()", 1, "`floor` is called otherwise"),
        ("floor(order.id)", 7, "A number is needed here, but this is a text."),
        ("floor(value=1)", 1, "Arguments have no names"),
        ("order.lines.count()", 1, "Only functions of the language can be called."),
        ('order.id.upper()', 1, "Only functions of the language can be called."),
        ("floor(1)(2)", 1, "Only functions of the language can be called."),
        ("order.total.real", 13, "A number has no fields"),
        ("order.id + 'x'", 1, "Texts have no arithmetic"),
        ("order.total + None", 15, "A number is needed here, but this is nothing."),
        ("order.total >= '50'", 16, "A number cannot be compared with a text."),
        ("order.id < 'x'", 1, "A text has no order"),
        ("True < False", 1, "has no order"),
        ("order.lines == order.lines", 1, "A list of record Line cannot be compared."),
        ("order.id == None", 13, "write `is None`"),
        ("order.id is None", 1, "This text is never empty"),
        ("order.id is 'x'", 13, "compare with `==`"),
        ("1 < 2 in [2]", 1, "`is` and `in` stand alone"),
        ("order.id in 'abc'", 13, "write contains(text, part)"),
        ("order.id in []", 13, "nothing is ever in it"),
        ("order.id in [1, 2]", 14, "A text cannot be compared with a number."),
        ("order.total in order.codes", 1, "A text is needed here, but this is a number."),
        ("order.id in ('a', 'b')", 13, "write [a, b]"),
        ("[1, 2]", 1, "only stands after `in`"),
        ("member.email == 'a'", 1, "`member.email` may be empty."),
        ("order.customer.email", 1, "`order.customer` may be empty."),
        ("member.email is None or member.phone == 'x'", 25, "`member.phone` may be empty."),
        ("member.email is not None or member.email == 'x'", 29, "`member.email` may be empty."),
        ("member.birthday < '1990-13-01'", 1, "`member.birthday` may be empty."),
        ("event.time > '2026-13-01T00:00:00Z'", 14, "This is not an instant: write it like"),
        ("event.time > '2026-01-01T00:00:00'", 14, "An instant needs its offset"),
        ("member.is_enrolled or 'x'", 23, "A condition is needed here"),
        ("order.total or 5", 1, "gives a default for a text or for a value that may be empty"),
        ("member.email or 5", 17, "A text is needed here, but this is a number."),
        ("member.birthday or member.email", 20, "The default of a date is a date too."),
        ("not order.total", 5, "Compare it, e.g. `order.total > 0`."),
        ("order.codes and True", 1, "Write `count(order.codes) > 0`."),
        ("order.id and True", 1, 'Write `order.id != ""`.'),
        ("1 if order.total else 2", 6, "A condition is needed here"),
        ("1 if True else 'x'", 16, "Both sides of `if … else` are of one type"),
        ("1 / 0", 5, "The divisor `0` may be zero."),
        ("1 % (1 - 1)", 6, "The divisor `1 - 1` may be zero."),
        ("order.total / order.tax", 15, "Test it first: `… if order.tax > 0 else 0`."),
        ("1 / order.tax if order.tax >= 0 else 0", 5, "may be zero"),
        ("1 / order.tax if order.tip > 0 else 0", 5, "may be zero"),
        (f"any(line.sku {LINES})", 5, "A condition is needed here"),
        (f"sum(line.sku {LINES})", 5, "A number is needed here"),
        (f"max(line.sku {LINES})", 5, "A text has no order"),
        (f"max(line.gross {LINES})", 5, "`line.gross` may be empty"),
        (f"max(line.unit_price {LINES}) + 1", 1, "may be empty"),
        (f"count(line.sku == 'A' {LINES})", 7, "`count` counts items"),
        (f"len(line {LINES})", 1, "`len` takes a list"),
        ("any(order.lines)", 1, "`any` is called otherwise"),
        ("sum(order.codes)", 5, "A number is needed here, but this is a text."),
        ("sum(x for x in order.total)", 16, "A list is needed here, but this is a number."),
        ("sum(x for x in [1, 2])", 16, "A list field is needed here"),
        ("any(True for order in order.lines)", 14, "`order` is taken"),
        ("any(True for floor in order.lines)", 14, "`floor` is taken"),
        ("any(True for a, b in order.lines)", 14, "Values in round brackets are not a list"),
        ("any(True for a.b in order.lines)", 14, "The item gets one plain name"),
        ("any(True for _x in order.lines)", 14, "The item gets one plain name"),
        ("any(x for x in order.lines for y in order.lines)", 4, "Only one `for … in …`"),
        (f"any(any(x == line.sku for x in order.codes) {LINES})", 5, "A list inside a list"),
        (f"any(line.sku == 'A' {LINES}) and line.sku == 'B'", 50, "no `line`"),
        ("(x for x in order.lines)", 1, "only stands alone inside any, all, sum"),
        ("sum(1 for x in order.customer.tags)", 16, "`order.customer` may be empty."),
        ("floor(1.5, 13)", 12, "The places are a whole number from 0 to 12."),
        ("hour(event.time, 'Berlin')", 18, "There is no time zone 'Berlin'"),
        ("hour(event.time, '../../etc/passwd')", 18, "There is no time zone"),
        ("days_between(event.time, 5)", 26, "An instant is needed here"),
        ("days_between('2026-01-01', 5)", 28, "A date is needed here"),
        ("days_since(member.birthday)", 12, "`member.birthday` may be empty."),
        ("is_birthday('2000-02-29', 'feb29')", 27, 'one of "feb28", "mar1"'),
        ("round(order.total)", 1, "Write round_half_up or round_half_even"),
        ("now() > event.time", 1, "Write event.time."),
        ("order.id.lower()", 1, "Write lower(order.id)."),
        ("len(order.id)", 5, "Write length(text)."),
        ("distinct(line.gross for line in order.lines)", 10, "`line.gross` may be empty"),
        ("distinct(order.lines)", 10, "A record Line cannot be compared."),
        ("local(event.time).hours", 19, "Did you mean `hour`?"),
        ("local(event.time) == local(event.time)", 1, "A record LocalTime cannot be compared."),
        ("hour(event.time, 'Europe/Berln')", 18, "Did you mean `Europe/Berlin`?"),
        ("order.total = 5", 13, "write `==`"),
        ("order.total => 5", 13, "This is not an expression"),
        ("order.total >=", 15, "something is missing"),
        ("(order.total", 1, "The brackets do not match."),
        ("order.total)", 13, "The brackets do not match."),
        ("a) + (b", 2, "A `)` has no `(` before it."),
        ("'abc", 1, "A text has no closing quote."),
        ("order.total && True", 13, "Write `and`."),
        ("order.total ≥ 5", 13, "Write `>=`."),
        ("order.id == “x”", 13, "Use plain quotes"),
    ],
)  # fmt: skip
def test_it_is_refused_at_its_place(text: str, column: int, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        read(text)
    error = caught.value
    assert problem in f"{error.problem} {error.hint}"
    assert (error.line, error.column) == (1, column)


def test_the_error_shows_line_column_and_caret() -> None:
    with pytest.raises(ExpressionError) as caught:
        read("order.total >= 50\n  and order.totl < 100")
    assert str(caught.value) == (
        "`order` has no field `totl`. Did you mean `total`?\n"
        "  line 2, column 13:\n"
        "      and order.totl < 100\n"
        "                ^^^^"
    )


def test_columns_count_characters_not_bytes() -> None:
    with pytest.raises(ExpressionError) as caught:
        read('"grün 🍵" == order.idd')
    assert caught.value.column == 19
    assert caught.value.caret.endswith("^^^")


@pytest.mark.parametrize(
    "text",
    [
        "1 / order.tax if order.tax != 0 else 0",
        "1 / order.tax if order.tax > 0 else 0",
        "1 / order.tax if order.tax >= 0.01 else 0",
        "1 / order.tax if not order.tax <= 0 else 0",
        "0 if order.tax == 0 else 1 / order.tax",
        "order.tax != 0 and 5 / order.tax > 1",
        "order.tax == 0 or 5 / order.tax > 1",
        "0 < order.tax < 100 and 5 / order.tax > 1",
        "order.tax < -1 and 5 / order.tax < 0",
        "1 / count(order.lines) if count(order.lines) > 0 else 0",
        "1 / max(order.tax, 0.01)",
        "1 / (2 * -3)",
        "5 % 2",
    ],
)
def test_a_divisor_that_cannot_be_zero_is_accepted(text: str) -> None:
    assert read(text)


def test_a_field_that_is_never_zero_may_divide() -> None:
    assert compile_expression("100 / redemption.points", scope_of(EventType.REWARD_REDEEMED))


def test_result_is_only_known_after_the_booking() -> None:
    with pytest.raises(ExpressionError, match="no `result`"):
        compile_expression("result.points", scope())
    assert compile_expression("result.points", scope(after=True), expects=NUMBER)


def test_a_value_to_hand_on_is_a_single_one() -> None:
    assert compile_expression("member.email", scope(), expects=SCALAR)
    assert compile_expression("None", scope(), expects=SCALAR)
    for text in ("member.tags", "order.customer", "order"):
        with pytest.raises(ExpressionError, match="is needed here, but this is a"):
            compile_expression(text, scope(), expects=SCALAR)


class TestNamedValues:
    def test_a_circle_is_named(self) -> None:
        names = scope({"a": "b + 1", "b": "a + 1"})
        with pytest.raises(ExpressionError):
            compile_expression("a", names)
        [problem] = names.problems.values()
        assert "need each other in a circle: a -> b -> a" in str(problem)

    def test_one_that_is_refused_is_reported_once_at_its_own_place(self) -> None:
        names = scope({"bad": "order.totl", "worse": "bad + 1"})
        for text in ("bad", "worse", "bad + worse"):
            with pytest.raises(ExpressionError):
                compile_expression(text, names)
        assert [str(one).split("\n")[0] for one in names.problems.values()] == [
            "`order` has no field `totl`. Did you mean `total`?"
        ]

    def test_they_do_not_see_the_result(self) -> None:
        names = scope({"earned": "result.points"}, after=True)
        with pytest.raises(ExpressionError):
            compile_expression("earned", names)
        assert "no `result`" in str(names.problems["earned"])
