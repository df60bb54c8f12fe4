"""The expression language of rules: a small, typed, bounded subset of Python's expressions.

`rules/language.md` is the reference. `compile_expression(text, scope)` reads a text, checks it
against the models of the scope and gives closures; nothing is ever evaluated as Python.
"""

from rules.language.compile import compile_expression
from rules.language.errors import ExpressionError, RuleRuntimeError
from rules.language.expression import Expression
from rules.language.functions import FUNCTIONS
from rules.language.narrowing import NOTHING_KNOWN, Knowledge
from rules.language.scope import Scope
from rules.language.types import BOOL, DATE, INSTANT, NUMBER, SCALAR, TEXT, Type, record_of

__all__ = [
    "BOOL",
    "DATE",
    "FUNCTIONS",
    "INSTANT",
    "NOTHING_KNOWN",
    "NUMBER",
    "SCALAR",
    "TEXT",
    "Expression",
    "ExpressionError",
    "Knowledge",
    "RuleRuntimeError",
    "Scope",
    "Type",
    "compile_expression",
    "record_of",
]
