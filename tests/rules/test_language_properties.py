"""Properties that hold for all expressions: nothing but declared errors, types kept, exactness."""

from __future__ import annotations

import ast
import operator
from decimal import Decimal
from fractions import Fraction
from time import perf_counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.language.functions import FUNCTIONS
from rules.language.functions_of_texts import matches
from rules.language.parse import parse
from tests.rules.samples import environment, read
from tests.rules.settling import check_sound, settle

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


@settings(max_examples=250, deadline=None)
@given(EXPRESSIONS)
def test_an_expression_is_refused_or_yields_its_type_or_fails_as_declared(text: str) -> None:
    settle(text)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300))
def test_a_sound_expression_is_accepted_and_never_meets_a_wrong_type(data: bytes) -> None:
    check_sound(data)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_refused_or_read(text: str) -> None:
    settle(text)


PIECES = st.sampled_from(
    [*"()[]{}.,:='\"\\ \n", "order", "lines", "for", "in", "if", "else", "lambda", "not", "1", "__",
     "*", "**", "//", "f'", "#", "…", "é", "\0", "x", "any(", "and", "is", "None"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=25).map("".join))
def test_any_heap_of_pieces_is_refused_or_read(text: str) -> None:
    settle(text)


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


def _node(kind: type[ast.expr], **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[ast.expr]:
    return st.fixed_dictionaries(parts).map(lambda given: kind(**given))


def _has_fields(node: ast.expr) -> bool:
    return not isinstance(node, ast.Constant) or isinstance(node.value, str)


def _some(kinds: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([getattr(ast, kind)() for kind in kinds.split()])


NAMES = st.sampled_from(["order", "line", "member", "x", "floor", "any"])
LEAVES = st.one_of(
    NAMES.map(lambda name: ast.Name(name, ast.Load())),
    st.one_of(
        st.sampled_from([True, False, None, 0.5, 19.99]),
        st.integers(0, 10**9),
        st.text("abö🍵о 'x\"\\\n\t#()", max_size=6),
    ).map(ast.Constant),
)


def _branches(inner: st.SearchStrategy[ast.expr]) -> st.SearchStrategy[ast.expr]:
    some = st.lists(inner, min_size=1, max_size=3)
    loops = st.builds(
        lambda name, source, tests: [
            ast.comprehension(ast.Name(name, ast.Store()), source, tests, is_async=0)
        ],
        NAMES,
        inner,
        st.lists(inner, max_size=2),
    )
    compare = _some("Eq NotEq Lt LtE Gt GtE In NotIn Is IsNot")
    return st.one_of(
        _node(ast.Attribute, value=inner.filter(_has_fields), attr=NAMES, ctx=st.just(ast.Load())),
        _node(ast.UnaryOp, op=_some("Not USub"), operand=inner),
        _node(ast.BinOp, left=inner, op=_some("Add Sub Mult Div Mod"), right=inner),
        st.builds(
            lambda op, first, others: ast.BoolOp(op, [first, *others]), _some("And Or"), inner, some
        ),
        st.builds(
            lambda left, pairs: ast.Compare(left, [op for op, _ in pairs], [to for _, to in pairs]),
            inner,
            st.lists(st.tuples(compare, inner), min_size=1, max_size=3),
        ),
        _node(ast.IfExp, test=inner, body=inner, orelse=inner),
        _node(ast.List, elts=some, ctx=st.just(ast.Load())),
        _node(ast.Call, func=inner, args=some, keywords=st.just([])),
        _node(ast.GeneratorExp, elt=inner, generators=loops),
    )


@settings(max_examples=150, deadline=None)
@given(st.recursive(LEAVES, _branches, max_leaves=10))
def test_a_printed_tree_is_read_as_the_same_tree_with_every_part_at_its_place(
    tree: ast.expr,
) -> None:
    text = ast.unparse(ast.fix_missing_locations(ast.Expression(tree)))
    source = parse(text)
    assert ast.dump(source.tree) == ast.dump(tree)
    for node in ast.walk(source.tree):
        is_name = isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        if isinstance(node, (ast.Constant, ast.Attribute, ast.Call, ast.Compare)) or is_name:
            assert ast.dump(parse(source.segment(node)).tree) == ast.dump(node)


def _fits(text: str, pattern: str) -> bool:
    """What `*` and `?` mean, in the plainest words."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_fits(text[at:], pattern[1:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and _fits(text[1:], pattern[1:])


@settings(max_examples=300, deadline=None)
@given(st.text("ab.\n", max_size=8), st.text("ab.*?\n", max_size=6))
def test_a_pattern_fits_what_its_stars_and_question_marks_mean(text: str, pattern: str) -> None:
    assert matches(text, pattern) is _fits(text, pattern)


def test_the_worst_pattern_takes_no_time() -> None:
    started = perf_counter()
    assert not matches("a" * 10_000, "*" + "a*" * 90 + "?" * 10 + "b")
    assert perf_counter() - started < 0.25
