"""YAML without surprises: words stay words, numbers exact, and nothing grows."""

from __future__ import annotations

from decimal import Decimal
from time import perf_counter
from typing import Any

import pytest

from rules.yaml_documents import YamlError, read_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: yes", {"on": "yes"}),
        ("no: off", {"no": "off"}),
        (
            "a: true\nb: False\nc: null\nd: ~\ne:",
            {"a": True, "b": False, "c": None, "d": None, "e": None},
        ),
        ("a: 19.99", {"a": Decimal("19.99")}),
        ("a: 0.1000", {"a": Decimal("0.1000")}),
        ("a: -3", {"a": -3}),
        ("a: 007", {"a": "007"}),
        ("a: 1e5", {"a": "1e5"}),
        ("a: .inf", {"a": ".inf"}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 2026-01-01", {"a": "2026-01-01"}),
        ("a: '5'", {"a": "5"}),
        ('a: "true"', {"a": "true"}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        ("- 1\n- [a, {b: c}]", [1, ["a", {"b": "c"}]]),
        ("", None),
    ],
)
def test_it_reads(text: str, value: Any) -> None:
    assert list(read_yaml(text)) == ([] if value is None else [value])


def test_several_documents_come_one_by_one() -> None:
    assert list(read_yaml("a: 1\n---\nb: 2\n")) == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", "rules.yaml, line 3, column 1: the key `a` is given twice"),
        ("a: &x 1\nb: *x", "anchors and aliases"),
        ("a: &x {b: 1}", "anchors and aliases"),
        ("&x a: 1", "a key is a plain word|anchors"),
        ("a: !!python/object/apply:os.system ['true']", "the tag"),
        ("a: !!binary aGk=", "the tag"),
        ("!custom {a: 1}", "the tag"),
        ("? [a, b]\n: 1", "a key is a plain word"),
        ("<<: {a: 1}\n<<: {b: 2}", "given twice"),
        ("a: [1", "this is not YAML"),
        ("a: 'x", "this is not YAML"),
        ("a\tb: \x01", "this is not YAML"),
        ("[" * 5000, "nested more than 30 deep"),
        ("a: " + "x" * 5_000_001, "larger than"),
    ],
)
def test_it_refuses(text: str, problem: str) -> None:
    started = perf_counter()
    with pytest.raises(YamlError, match=problem):
        list(read_yaml(text, name="rules.yaml"))
    assert perf_counter() - started < 1


def test_laughs_do_not_multiply() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{last}, *{last}]\n"
        for last, name in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(YamlError, match="anchors and aliases"):
        list(read_yaml(bomb))
