"""The types of the language and how the fields of pydantic models map to them."""

from __future__ import annotations

import types
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Type:
    """What a value is. Two numbers are of the same type whether whole or not."""

    def __str__(self) -> str:
        return _WORDS.get(type(self), "value")

    def __format__(self, form: str) -> str:
        """In a sentence: `{kind:a}` is "an instant", and `{kind:A}` begins with a capital."""
        told = str(self)
        if form and not isinstance(self, EmptyType):
            told = f"{'an' if told[0] in 'aeiou' else 'a'} {told}"
        return told[0].upper() + told[1:] if form == "A" else told


@dataclass(frozen=True, slots=True)
class TextType(Type):
    """A text; `choices` are all it can be, where the model says so."""

    choices: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return "text"


@dataclass(frozen=True, slots=True)
class NumberType(Type):
    """An exact decimal number; `nonzero` where it is known never to be zero."""

    nonzero: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return "number"


@dataclass(frozen=True, slots=True)
class BoolType(Type):
    """True or False."""


@dataclass(frozen=True, slots=True)
class InstantType(Type):
    """A moment in time, aware of its zone."""


@dataclass(frozen=True, slots=True)
class DateType(Type):
    """A calendar day."""


@dataclass(frozen=True, slots=True)
class EmptyType(Type):
    """The type of `None` alone."""


@dataclass(frozen=True, slots=True)
class ScalarType(Type):
    """Any text, number, bool, instant or date; only ever asked for, never had."""


@dataclass(frozen=True, slots=True)
class ListType(Type):
    """Several values of one type."""

    item: Type

    def __str__(self) -> str:
        return f"list of {self.item}"


@dataclass(frozen=True, slots=True)
class OptionalType(Type):
    """A value that may be empty (`None`) and has to be tested first."""

    inner: Type

    def __str__(self) -> str:
        return f"{self.inner} that may be empty"


@dataclass(frozen=True, slots=True)
class RecordType(Type):
    """A record with named fields: a pydantic model, or a map with fixed keys.

    `lookup` is True for maps, whose fields are keys rather than attributes.
    """

    name: str
    fields: types.MappingProxyType[str, Type] = field(compare=False, repr=False)
    lookup: bool = False

    def __str__(self) -> str:
        return f"record {self.name}"


_WORDS: dict[type[Type], str] = {
    BoolType: "true-or-false value",
    InstantType: "instant",
    DateType: "date",
    EmptyType: "nothing",
    ScalarType: "text, number, date or true-or-false value",
}

TEXT = TextType()
NUMBER = NumberType()
BOOL = BoolType()
INSTANT = InstantType()
DATE = DateType()
EMPTY = EmptyType()
SCALAR = ScalarType()

ORDERED = (NumberType, InstantType, DateType)
"""The types whose values have a before and an after."""

_PLAIN: dict[Any, Type] = {
    str: TEXT, bool: BOOL, int: NUMBER, Decimal: NUMBER,
    datetime: INSTANT, AwareDatetime: INSTANT, date: DATE,
}  # fmt: skip


class UnsupportedType(TypeError):
    """A model's field is of a kind that rules cannot see."""


def type_of(annotation: Any) -> Type:
    """The language's type of a Python annotation.

    Raises:
        UnsupportedType: For what the language has no word for, such as floats.
    """
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return type_of(arguments[0])
    if origin in (Union, types.UnionType):
        return _union(arguments)
    if origin is Literal and all(isinstance(one, str) for one in arguments):
        return TextType(choices=arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return ListType(item=type_of(arguments[0]))
    if origin is list:
        return ListType(item=type_of(arguments[0]))
    if origin is dict and isinstance(arguments[0], type) and issubclass(arguments[0], Enum):
        return _map(arguments[0], type_of(arguments[1]))
    if (
        isinstance(annotation, type)
        and issubclass(annotation, Enum)
        and issubclass(annotation, str)
    ):
        return TextType(choices=tuple(str(one.value) for one in annotation))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return record_of(annotation)
    raise UnsupportedType(f"rules cannot use values of {annotation!r}")


def _union(arguments: tuple[Any, ...]) -> Type:
    inner = {type_of(one) for one in arguments if one is not type(None)}
    if len(inner) != 1:
        raise UnsupportedType(f"rules cannot use a value of several types: {arguments!r}")
    only = inner.pop()
    return OptionalType(inner=only) if type(None) in arguments else only


def _map(keys: type[Enum], value: Type) -> RecordType:
    entries = {str(one.value): OptionalType(inner=value) for one in keys}
    name = f"of {', '.join(entries)}"
    return RecordType(name=name, fields=types.MappingProxyType(entries), lookup=True)


@lru_cache(maxsize=256)
def record_of(model: type[BaseModel], only: tuple[str, ...] = ()) -> RecordType:
    """The record of a pydantic model: its declared fields, or only some of them.

    Fields that the language has no type for are left out; nothing undeclared is reachable. For
    people a `RatedLine` is a line: rules never see the plain one.
    """
    fields: dict[str, Type] = {}
    for name, info in model.model_fields.items():
        if only and name not in only:
            continue
        try:
            fields[name] = _field_type(info)
        except UnsupportedType:
            continue
    name = model.__name__.removeprefix("Rated")
    return RecordType(name=name, fields=types.MappingProxyType(fields))


def _field_type(info: FieldInfo) -> Type:
    found = type_of(info.annotation)
    if not isinstance(found, NumberType):
        return found
    above = any(getattr(rule, "gt", None) is not None and rule.gt >= 0 for rule in info.metadata)
    from_one = any(getattr(rule, "ge", None) is not None and rule.ge > 0 for rule in info.metadata)
    return NumberType(nonzero=above or from_one)


def join(first: Type, second: Type) -> Type | None:
    """The type of a value that is one or the other; None where they do not go together."""
    if isinstance(first, EmptyType) or isinstance(second, EmptyType):
        other = second if isinstance(first, EmptyType) else first
        return other if isinstance(other, (OptionalType, EmptyType)) else OptionalType(inner=other)
    if isinstance(first, OptionalType) or isinstance(second, OptionalType):
        inner = join(without_empty(first), without_empty(second))
        return OptionalType(inner=inner) if inner else None
    if first != second:
        return None
    if isinstance(first, NumberType) and isinstance(second, NumberType):
        return NumberType(nonzero=first.nonzero and second.nonzero)
    if isinstance(first, TextType) and isinstance(second, TextType):
        both = first.choices and second.choices
        return TextType(choices=first.choices + second.choices if both else ())
    return first


def without_empty(one: Type) -> Type:
    """The type once it is known that the value is there."""
    return one.inner if isinstance(one, OptionalType) else one


def is_scalar(one: Type) -> bool:
    """Whether a value of the type can be handed on: in a message, a CRM field or a cell."""
    inner = without_empty(one)
    return isinstance(inner, (TextType, NumberType, BoolType, InstantType, DateType, EmptyType))


def accepts(expected: Type, actual: Type) -> bool:
    """Whether a value of type `actual` may stand where `expected` is asked for."""
    return is_scalar(actual) if isinstance(expected, ScalarType) else expected == actual


def reads_as(text: str, wanted: Type) -> bool:
    """Whether a written text can stand where the type is asked for: dates are written so."""
    try:
        if isinstance(wanted, DateType):
            return bool(date.fromisoformat(text))
        if isinstance(wanted, InstantType):
            return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
    return isinstance(wanted, (TextType, ScalarType))
