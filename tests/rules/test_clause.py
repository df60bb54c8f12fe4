"""The structured face of a clause and its text are the same thing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rules.clause import Operator, StructuredClause, structured
from rules.language import ExpressionError, compile_expression
from tests.rules.samples import scope, value_of


@pytest.mark.parametrize(
    ("clause", "text", "outcome"),
    [
        ({"field": "order.total", "op": ">=", "value": 50}, "order.total >= 50", True),
        (
            {"field": "order.total", "op": "<", "value": Decimal("79.90")},
            "order.total < 79.90",
            False,
        ),
        ({"field": "order.total", "op": "!=", "value": -1}, "order.total != -1", True),
        ({"field": "member.tier", "op": "==", "value": "gold"}, 'member.tier == "gold"', True),
        (
            {"field": "member.tier", "op": "==", "value": 'a"b\\c\nd'},
            r'member.tier == "a\"b\\c\nd"',
            False,
        ),
        (
            {"field": "member.tier", "op": "in", "value": ["gold", "iron"]},
            'member.tier in ["gold", "iron"]',
            True,
        ),
        (
            {"field": "member.points", "op": "not in", "value": [1, Decimal("2.5")]},
            "member.points not in [1, 2.5]",
            True,
        ),
        ({"field": "order.id", "op": "contains", "value": "00"}, 'contains(order.id, "00")', True),
        (
            {"field": "order.id", "op": "starts_with", "value": "9"},
            'starts_with(order.id, "9")',
            False,
        ),
        ({"field": "order.id", "op": "ends_with", "value": "1"}, 'ends_with(order.id, "1")', True),
        ({"field": "order.id", "op": "matches", "value": "1*1"}, 'matches(order.id, "1*1")', True),
        (
            {"field": "member.first_name", "op": "contains_word", "value": "Ada"},
            'contains_word(member.first_name, "Ada")',
            True,
        ),
        ({"field": "member.tags", "op": "has", "value": "vip"}, '"vip" in member.tags', True),
        (
            {"field": "member.tags", "op": "has not", "value": "vip"},
            '"vip" not in member.tags',
            False,
        ),
        ({"field": "member.email", "op": "is empty"}, "member.email is None", True),
        ({"field": "member.email", "op": "is not empty"}, "member.email is not None", False),
        (
            {"field": "member.is_enrolled", "op": "==", "value": True},
            "member.is_enrolled == True",
            True,
        ),
        (
            {"field": "event.time", "op": ">=", "value": "2026-01-01T00:00:00Z"},
            'event.time >= "2026-01-01T00:00:00Z"',
            True,
        ),
    ],
)
def test_it_prints_to_a_line_that_means_the_same(
    clause: dict[str, Any], text: str, outcome: bool
) -> None:
    read = StructuredClause.model_validate(clause)
    assert read.text == text
    assert structured(text) == read
    assert value_of(text) is outcome


WITHOUT_ONE = ("in", "not in", "is empty", "is not empty")
"""The operators that take several values or none."""

PATHS = st.lists(
    st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(
        lambda name: name not in {"and", "or", "not", "if", "else", "in", "is", "for"}
    ),
    min_size=1,
    max_size=3,
).map(".".join)
TEXTS = st.text(
    st.characters(
        codec="utf-8",
        exclude_categories=("Cc", "Cs"),
        exclude_characters="\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    )
    | st.sampled_from("\n\t\"'\\#"),
    max_size=20,
)
SCALARS = st.one_of(
    TEXTS,
    st.booleans(),
    st.integers(-(10**15), 10**15),
    st.decimals(-(10**9), 10**9, places=3),
)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.builds(
            lambda field, op, value: {"field": field, "op": op, "value": value},
            PATHS,
            st.sampled_from(sorted(set(get_args(Operator)) - set(WITHOUT_ONE))),
            SCALARS,
        ),
        st.builds(
            lambda field, op, value: {"field": field, "op": op, "value": value},
            PATHS,
            st.sampled_from(["in", "not in"]),
            st.lists(SCALARS, min_size=1, max_size=5),
        ),
        st.builds(
            lambda field, op: {"field": field, "op": op},
            PATHS,
            st.sampled_from(["is empty", "is not empty"]),
        ),
    )
)
def test_printing_and_reading_back_is_the_identity(clause: dict[str, Any]) -> None:
    try:
        first = StructuredClause.model_validate(clause)
    except ValidationError:
        return
    again = structured(first.text)
    assert again == first
    assert again is not None
    assert again.text == first.text


@pytest.mark.parametrize(
    "text",
    ["order.total", "order.total >= order.tax", "1 <= order.total", "a < b < c", "not order.full",
     "order.total >= 50 and True", "floor(order.total, 2)", "order.total >=", "x in y",
     "any(x for x in y)", "order.total > 1e5"],
)  # fmt: skip
def test_a_line_that_says_more_has_no_structured_face(text: str) -> None:
    assert structured(text) is None


@pytest.mark.parametrize(
    ("clause", "problem"),
    [
        ({"field": "order.total", "op": ">="}, "needs a value"),
        ({"field": "order.total", "op": "in", "value": 5}, "take a list"),
        ({"field": "order.total", "op": ">", "value": [5]}, "take a list"),
        ({"field": "order.total", "op": "is empty", "value": 5}, "takes no value"),
        ({"field": "order.total", "op": "~", "value": 5}, "Input should be"),
        ({"field": "order.__class__", "op": "==", "value": 5}, "should match pattern"),
        ({"field": "order.total + 1", "op": "==", "value": 5}, "should match pattern"),
        ({"field": "order.in", "op": "==", "value": 5}, "a word of the language"),
        ({"field": "order.total", "op": "==", "value": 10**16}, "below a quadrillion"),
        ({"field": "order.total", "op": "==", "value": 5, "and": 1}, "Extra inputs"),
    ],
)
def test_what_cannot_be_printed_is_refused(clause: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        StructuredClause.model_validate(clause)


def test_a_text_cannot_break_out_of_its_quotes() -> None:
    clause = StructuredClause(field="member.tier", op="==", value='" or True or "')
    assert value_of(clause.text) is False


def test_a_field_that_does_not_exist_is_refused_when_compiled() -> None:
    clause = StructuredClause(field="order.totl", op=">=", value=5)
    with pytest.raises(ExpressionError, match="Did you mean `total`"):
        compile_expression(clause.text, scope())
