"""The reference is true: every example in it runs, and its tables are those of the code."""

from __future__ import annotations

import re

import pytest

from rules import RuleSet
from rules.language import ExpressionError
from rules.language.reference import REFERENCE, with_tables
from rules.yaml_documents import read_yaml
from tests.rules.samples import value_of

TEXT = REFERENCE.read_text(encoding="utf-8")
EXAMPLES = [
    re.split(r"\s+# ", line, maxsplit=1)
    for block in re.findall(r"```expressions\n(.*?)```", TEXT, flags=re.S)
    for line in block.splitlines()
]


@pytest.mark.parametrize(("text", "outcome"), EXAMPLES, ids=[text for text, _ in EXAMPLES])
def test_an_example_comes_out_as_the_reference_says(text: str, outcome: str) -> None:
    if outcome.startswith("refused: "):
        with pytest.raises(ExpressionError, match=re.escape(outcome.removeprefix("refused: "))):
            value_of(text)
    else:
        expected = value_of(outcome)
        found = value_of(text)
        assert found == expected
        assert isinstance(found, bool) == isinstance(expected, bool)


def test_the_reference_has_examples_of_every_kind() -> None:
    assert len(EXAMPLES) > 40


def test_the_rule_in_the_reference_loads() -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.S)
    assert len(RuleSet.load(read_yaml(block))) == 1


def test_the_tables_are_those_of_the_code() -> None:
    assert with_tables(TEXT) == TEXT, "run: python -m rules.language.reference"
