"""Events with the strangest values that the models allow, for the fuzzers."""

from __future__ import annotations

import types
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel

from loyalty.events import Event, EventType
from loyalty.facts import MemberFacts, RatedLine, Result
from loyalty.programme import Programme
from rules.language.tree import UNSET, Environment
from rules.subjects import data_model
from tests.rules.dice import Dice

TEXTS = (
    "", "gold", "UTC", "Europe/Berlin", "Europe", "../etc", "zone.tab", "a\0b", "TEA-250",
    "green tea", "ß" * 500, "İ" * 500, "a" * 20_000, "*?[a]", " \n", "оrder", "1" * 60, "🍵",
    "x.y", "right/",
)  # fmt: skip
NUMBERS = (
    Decimal(0), Decimal(1), Decimal("79.90"), Decimal("-0.01"), Decimal("0E-5"), Decimal("-0"),
    Decimal(10) ** 15, Decimal("1E+98"), Decimal("9E+200"), Decimal("-9E+200"),
    Decimal("1E-200"), Decimal("0." + "123456789" * 8), Decimal("2.5"), Decimal("1E+2"),
)  # fmt: skip
WHOLE = (0, 1, 2, -1, 512, 9999, 10_000, 10**9, 10**60 + 1, -(10**150))
FAR_EAST, FAR_WEST = (timezone(timedelta(hours=hours)) for hours in (23, -23))
INSTANTS = (
    datetime(2026, 1, 3, 23, 30, tzinfo=UTC),
    datetime(2024, 2, 29, 12, tzinfo=FAR_EAST),
    datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=FAR_EAST),
    datetime.max.replace(tzinfo=UTC), datetime.max.replace(tzinfo=FAR_WEST),
    datetime(1883, 11, 18, 12, 3, 58, 7, tzinfo=UTC),
)  # fmt: skip
DATES = (date(2000, 2, 29), date(1990, 5, 5), date.min, date.max, date(2026, 1, 4))
_PLAIN: dict[Any, tuple[Any, ...]] = {
    str: TEXTS, int: WHOLE, Decimal: NUMBERS, bool: (False, True), date: DATES,
    datetime: INSTANTS, AwareDatetime: INSTANTS,
}  # fmt: skip
_MISSING = object()


def world(event_type: EventType, dice: Dice) -> Environment:
    """The values of event, member, programme, data, result and line, and room for the rest."""
    event = instance(Event, dice, only=("store", "key", "time"))
    return [
        event.model_copy(update={"type": event_type}),
        instance(MemberFacts, dice),
        instance(Programme, dice, only=("name", "currency", "zone")),
        instance(data_model(event_type), dice),
        instance(Result, dice),
        instance(RatedLine, dice),
        *[UNSET] * 200,
    ]


def instance(model: type[BaseModel], dice: Dice, *, only: tuple[str, ...] = ()) -> Any:
    """A model with strange values of the right types."""
    values = {}
    for name, info in model.model_fields.items():
        if only and name not in only:
            continue
        value = _value(info.annotation, dice)
        above = any(getattr(rule, "gt", None) is not None for rule in info.metadata)
        if value is not _MISSING:
            values[name] = max(value, 1) if above and value is not None else value
    return model.model_construct(**values)


def _value(annotation: Any, dice: Dice) -> Any:
    if annotation in _PLAIN:
        return dice.pick(_PLAIN[annotation])
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _value(arguments[0], dice)
    if origin is Literal:
        return dice.pick(arguments)
    if origin in (Union, types.UnionType) and type(None) in arguments:
        return _value(arguments[0], dice) if dice.below(2) else None
    if origin in (tuple, list):
        return tuple(_value(arguments[0], dice) for _ in range(dice.below(4)))
    if origin is dict:
        return {key: _value(arguments[1], dice) for key in arguments[0] if dice.below(2)}
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return dice.pick(tuple(annotation))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return instance(annotation, dice)
    return _MISSING
