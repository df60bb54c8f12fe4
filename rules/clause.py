"""A clause in its structured face, `{field, op, value}`, for forms: it prints to the same text."""

from __future__ import annotations

import ast
import keyword
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    field_validator,
    model_validator,
)

from loyalty.events import Frozen
from rules.language.arithmetic import fits_literal, plain, read_number, written
from rules.language.errors import ExpressionError
from rules.language.parse import MAX_LIST, Source, parse

Operator = Literal[
    "==", "!=", "<", "<=", ">", ">=", "in", "not in",
    "contains", "contains_word", "starts_with", "ends_with", "matches",
    "has", "has not", "is empty", "is not empty",
]  # fmt: skip

_CALLED = frozenset({"contains", "contains_word", "starts_with", "ends_with", "matches"})
_TURNED = {"has": "in", "has not": "not in"}
"""Lists are asked the other way round: `member.tags has "vip"` is `"vip" in member.tags`."""

Scalar = StrictBool | StrictInt | Decimal | StrictStr
Options = Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=MAX_LIST)]
_COMPARING: dict[type[ast.cmpop], Operator] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "is empty", ast.IsNot: "is not empty",
}  # fmt: skip


class StructuredClause(Frozen):
    """One comparison of a field with a value. `text` is what is stored and evaluated."""

    field: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$", max_length=200)]
    op: Operator
    value: Scalar | Options | None = None

    @field_validator("field")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        reserved = [name for name in path.split(".") if keyword.iskeyword(name)]
        if reserved:
            raise ValueError(f"`{reserved[0]}` is a word of the language, not a field")
        return path

    @field_validator("value")
    @classmethod
    def _is_writable(cls, value: object) -> object:
        items = value if isinstance(value, tuple) else (value,)
        for item in items:
            if isinstance(item, (int, Decimal)) and not fits_literal(Decimal(item)):
                raise ValueError("a number here is below a quadrillion, with at most 12 decimals")
        settled = [plain(item) if isinstance(item, Decimal) else item for item in items]
        return tuple(settled) if isinstance(value, tuple) else settled[0]

    @model_validator(mode="after")
    def _value_suits_the_operator(self) -> StructuredClause:
        if self.op in {"is empty", "is not empty"}:
            if self.value is not None:
                raise ValueError(f"`{self.op}` takes no value")
        elif self.value is None:
            raise ValueError(f"`{self.op}` needs a value; to ask for none write `is empty`")
        elif (self.op in {"in", "not in"}) != isinstance(self.value, tuple):
            raise ValueError("`in` and `not in` take a list of values, the others a single one")
        return self

    @property
    def text(self) -> str:
        """The clause as a line of the language."""
        if self.op in {"is empty", "is not empty"}:
            return f"{self.field} {self.op.replace('empty', 'None')}"
        if word := _TURNED.get(self.op):
            return f"{_literal(self.value)} {word} {self.field}"
        if self.op in _CALLED:
            return f"{self.op}({self.field}, {_literal(self.value)})"
        return f"{self.field} {self.op} {_literal(self.value)}"


def _literal(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_literal(item) for item in value)}]"
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, (int, Decimal)):
        return written(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'.replace("\n", "\\n").replace("\t", "\\t")


class _NotStructured(Exception):
    """The expression says more than a field, an operator and a value."""


def structured(text: str) -> StructuredClause | None:
    """The structured face of a line, where it has one: for forms that edit rules."""
    try:
        return _Reader(parse(text)).clause()
    except (ExpressionError, _NotStructured, ValidationError):
        return None


class _Reader:
    """Reads the structured face off a syntax tree."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def clause(self) -> StructuredClause:
        node = self.source.tree
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            op = _COMPARING[type(node.ops[0])]
            if op in {"in", "not in"} and not isinstance(node.comparators[0], ast.List):
                return self.turned(node, "has" if op == "in" else "has not")
            value = self.value(node.comparators[0])
            return StructuredClause(field=self.path(node.left), op=op, value=value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 2:
            field, value = self.path(node.args[0]), self.value(node.args[1])
            return StructuredClause.model_validate(
                {"field": field, "op": node.func.id, "value": value}
            )
        raise _NotStructured

    def turned(self, node: ast.Compare, op: Operator) -> StructuredClause:
        """The face of `"vip" in member.tags`."""
        field, value = self.path(node.comparators[0]), self.value(node.left)
        return StructuredClause(field=field, op=op, value=value)

    def path(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute):
            return f"{self.path(node.value)}.{node.attr}"
        raise _NotStructured

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.List):
            return tuple(self.value(item) for item in node.elts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.number(node.operand)
        if isinstance(node, ast.Constant):
            if node.value is None or isinstance(node.value, (bool, str)):
                return node.value
            return self.number(node)
        raise _NotStructured

    def number(self, node: ast.expr) -> int | Decimal:
        found = read_number(self.source.segment(node)) if isinstance(node, ast.Constant) else None
        if found is None:
            raise _NotStructured
        return plain(found)
