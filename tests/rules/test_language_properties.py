"""Properties that hold for all expressions: nothing but declared errors, types kept, exactness."""

from __future__ import annotations

import operator
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from rules.language import Expression, ExpressionError, RuleRuntimeError
from rules.language.functions import FUNCTIONS
from rules.language.types import (
    BoolType,
    DateType,
    EmptyType,
    InstantType,
    ListType,
    NumberType,
    OptionalType,
    RecordType,
    TextType,
    Type,
)
from tests.rules.samples import environment, read

ATOMS = st.sampled_from(
    [
        "order", "order.total", "order.lines", "order.id", "order.customer", "order.codes",
        "order.customer.email", "order.revision", "member.email", "member.points", "member.tags",
        "member.birthday", "member.tier", "member.is_enrolled", "event.time", "event.type",
        "programme.zone", "line", "line.sku", "line.gross", "line.quantity", "lets", "nobody",
        "0", "1", "2.5", "1000000000000000", "0.000000000001", "'gold'", "'UTC'", "'2026-01-01'",
        "''", "True", "False", "None",
    ]
)  # fmt: skip


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    operators = st.sampled_from(
        ["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "and", "or", "in", "is", "is not", "**"]
    )
    loops = st.sampled_from(["any", "all", "sum", "count", "min", "max"])
    return st.one_of(
        st.builds("({} {} {})".format, inner, operators, inner),
        st.builds("(not {})".format, inner),
        st.builds("-{}".format, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("{}({})".format, st.sampled_from(sorted(FUNCTIONS)), inner),
        st.builds("{}({}, {})".format, st.sampled_from(sorted(FUNCTIONS)), inner, inner),
        st.builds("{}({} for line in order.lines if {})".format, loops, inner, inner),
        st.builds("{}({} for line in order.lines)".format, loops, inner),
        pair.map(lambda two: f"{two[0]} in [{two[1]}, {two[0]}]"),
        pair.map(lambda two: f"({two[0]} is not None and {two[1]})"),
    )


EXPRESSIONS = st.recursive(ATOMS, _larger, max_leaves=12)


def _conforms(value: Any, kind: Type) -> bool:
    match kind:
        case OptionalType(inner=inner):
            return value is None or _conforms(value, inner)
        case BoolType():
            return isinstance(value, bool)
        case NumberType():
            return isinstance(value, (int, Decimal)) and not isinstance(value, bool)
        case TextType():
            return isinstance(value, str)
        case InstantType():
            return isinstance(value, datetime) and value.tzinfo is not None
        case DateType():
            return isinstance(value, date) and not isinstance(value, datetime)
        case ListType(item=item):
            return isinstance(value, tuple) and all(_conforms(one, item) for one in value)
        case RecordType():
            return isinstance(value, (BaseModel, dict))
        case EmptyType():
            return value is None
    return False


def _settle(text: str) -> None:
    """Reads and runs a text; the type that was promised is the type that comes."""
    try:
        expression = read(text, lets={"lets": "order.total * 2"})
    except ExpressionError as refusal:
        told = str(refusal)
    else:
        told = _run(text, expression)
    assert told


def _run(text: str, expression: Expression) -> str:
    values = environment()
    try:
        value = expression.run(values)
    except RuleRuntimeError as failure:
        return failure.reason
    assert _conforms(value, expression.type), (text, value, expression.type)
    return f"{expression.values(values)}{expression.filled_in(values)}"


@settings(max_examples=250, deadline=None)
@given(EXPRESSIONS)
def test_an_expression_is_refused_or_yields_its_type_or_fails_as_declared(text: str) -> None:
    _settle(text)


SIGNS = st.sampled_from(["+", "-", "*"])
ORDERS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
ROUNDINGS = st.sampled_from(["floor", "ceil", "round_half_up", "abs"])
LISTS = st.sampled_from(["any", "all"])

texts = st.sampled_from(
    ["order.id", "member.tier", "event.type", "'gold'", "'TEA'", "lower(order.number or 'none')",
     "(member.email or member.first_name)", "weekday(event.time, programme.zone)"]
)  # fmt: skip
item_numbers = st.sampled_from(
    ["line.quantity", "line.unit_price", "(line.gross or line.tax)", "2"]
)
numbers: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(
            ["order.total", "member.points", "0", "0.1", "19.99", "1000000000000000", "lets",
             "0.000000000001", "count(order.lines)", "hour(event.time, 'UTC')"]
        ),
        st.builds("({} {} {})".format, numbers, SIGNS, numbers),
        st.builds("-{}".format, numbers),
        st.builds("({} / max({}, 0.01))".format, numbers, numbers),
        numbers.map(lambda one: f"(7 % {one} if {one} != 0 else 1)"),
        numbers.map(lambda one: f"(0 if {one} <= 0 else 1 / {one})"),
        st.builds("{}({})".format, ROUNDINGS, numbers),
        st.builds("round_half_even({}, {})".format, numbers, st.sampled_from(["0", "2", "12"])),
        st.builds("min({}, {})".format, numbers, numbers),
        st.builds("({} if {} else {})".format, numbers, conditions, numbers),
        item_numbers.map(lambda one: f"(max({one} for line in order.lines) or 0)"),
        item_numbers.map(lambda one: f"sum({one} * 3 for line in order.lines if {one} > 1)"),
    )
)  # fmt: skip
conditions: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(
            ["True", "member.is_enrolled", "member.email is None", "'vip' in member.tags",
             "order.customer is not None and (order.customer.email or '') != ''",
             "member.birthday is None or member.birthday < '2000-01-01'",
             "event.time >= '2026-01-01T00:00:00Z'"]
        ),
        st.builds("({} {} {})".format, numbers, ORDERS, numbers),
        st.builds("({} <= {} < {})".format, numbers, numbers, numbers),
        st.builds("({} == {})".format, texts, texts),
        st.builds("({} in [{}, {}])".format, numbers, numbers, numbers),
        st.builds("starts_with({}, {})".format, texts, texts),
        st.builds("({} and {})".format, conditions, conditions),
        st.builds("({} or {})".format, conditions, conditions),
        st.builds("(not {})".format, conditions),
        st.builds("{}({} {} 3 for line in order.lines)".format, LISTS, item_numbers, ORDERS),
    )
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.one_of(numbers, conditions))
def test_a_sensible_expression_yields_its_type_or_fails_as_declared(text: str) -> None:
    _settle(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_refused_or_read(text: str) -> None:
    _settle(text)


PIECES = st.sampled_from(
    [*"()[]{}.,:='\"\\ \n", "order", "lines", "for", "in", "if", "else", "lambda", "not", "1", "__",
     "*", "**", "//", "f'", "#", "…", "é", "\0", "x", "any(", "and", "is", "None"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_heap_of_pieces_is_refused_or_read(text: str) -> None:
    _settle(text)


NUMBERS = st.decimals(-10_000, 10_000, places=4).map(lambda number: format(abs(number), "f"))
ARITHMETIC = {"+": operator.add, "-": operator.sub, "*": operator.mul}


@settings(max_examples=120, deadline=None)
@given(
    st.recursive(
        NUMBERS.map(lambda text: (text, Fraction(text))),
        lambda inner: st.builds(
            lambda left, sign, right: (
                f"({left[0]} {sign} {right[0]})",
                ARITHMETIC[sign](left[1], right[1]),
            ),
            inner,
            st.sampled_from(sorted(ARITHMETIC)),
            inner,
        ),
        max_leaves=7,
    )
)
def test_sums_and_products_are_exact(case: tuple[str, Fraction]) -> None:
    text, exact = case
    assert Fraction(read(text).run(environment())) == exact


COMPARE = {"==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
           ">": operator.gt, ">=": operator.ge}  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(
    st.recursive(
        st.builds(
            lambda left, sign, right: (
                f"{left} {sign} {right}",
                COMPARE[sign](Decimal(left), Decimal(right)),
            ),
            NUMBERS,
            st.sampled_from(sorted(COMPARE)),
            NUMBERS,
        ),
        lambda inner: st.one_of(
            st.builds(lambda a, b: (f"({a[0]}) and ({b[0]})", a[1] and b[1]), inner, inner),
            st.builds(lambda a, b: (f"({a[0]}) or ({b[0]})", a[1] or b[1]), inner, inner),
            inner.map(lambda a: (f"not ({a[0]})", not a[1])),
        ),
        max_leaves=6,
    )
)
def test_conditions_combine_as_in_logic(case: tuple[str, bool]) -> None:
    text, expected = case
    assert read(text).run(environment()) is expected
