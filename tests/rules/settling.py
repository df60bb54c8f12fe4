"""What must hold for every text: it is refused, or it yields its type, or it fails as declared."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from loyalty.events import EventType
from rules.clause import structured
from rules.language import (
    Expression,
    ExpressionError,
    RuleRuntimeError,
    Scope,
    compile_expression,
)
from rules.language.tree import Environment
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
from rules.subjects import on_a_line, scope_of
from tests.rules.dice import Dice
from tests.rules.samples import environment, read
from tests.rules.worlds import world
from tests.rules.writer import KINDS, Writer

LETS = {"lets": "order.total * 2", "then": "local(event.time)", "goods": "order.lines"}


def conforms(value: Any, kind: Type) -> bool:
    """Whether a value is of a type."""
    match kind:
        case OptionalType(inner=inner):
            return value is None or conforms(value, inner)
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
            return isinstance(value, tuple) and all(conforms(one, item) for one in value)
        case RecordType():
            return isinstance(value, (BaseModel, dict))
        case EmptyType():
            return value is None
    return False


def settle(text: str) -> None:
    """Reads and runs a text for the sample order, and reads its structured face."""
    face = structured(text)
    if face is not None:
        assert structured(face.text) == face, text
    try:
        expression = read(text, lets=LETS)
    except ExpressionError as refusal:
        told = str(refusal)
    else:
        told = run(text, expression, environment())
    assert told


def run(text: str, expression: Expression, values: Environment) -> str:
    """Runs an expression and explains it; says what came out."""
    try:
        value = expression.run(values)
    except RuleRuntimeError as failure:
        value = failure.reason
    else:
        assert conforms(value, expression.type), (text, value, expression.type)
    return f"{value}{expression.values(values)}{expression.filled_in(values)}"


def check_sound(data: bytes) -> None:
    """An expression that is sound by construction, on a strange event made of the same bytes."""
    dice = Dice(data)
    event_type = dice.pick(tuple(EventType))
    if dice.below(2):
        event_type = EventType.ORDER_PAID
    scope = on_a_line(scope_of(event_type, LETS if event_type is EventType.ORDER_PAID else {}))
    kind = dice.pick(KINDS)
    text = Writer(scope, dice).write(kind)
    expression = _accepted(text, scope)
    if expression is not None:
        assert expression.type == kind, (text, expression.type)
        run(text, expression, world(event_type, dice.turned()))


def _accepted(text: str, scope: Scope) -> Expression | None:
    """Only its size may keep it from being accepted."""
    try:
        return compile_expression(text, scope)
    except ExpressionError as refusal:
        if "too big" in refusal.problem or "are allowed" in refusal.problem:
            return None
        raise
