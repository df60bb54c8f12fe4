"""The small parts that rule documents are made of: names, expressions, exact numbers, zones."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, ValidationError

from rules.clause import StructuredClause
from rules.language.arithmetic import fits_literal, written
from rules.language.parse import MAX_TEXT
from rules.wording import in_words

MAX_CLAUSES = 20
MAX_VALUES = 50

OWN_ZONES = ("program", "member")
"""Zones that stand for somebody's own: the programme's, the member's where it is known."""


def _as_expression(value: object) -> object:
    """Numbers and yes or no may be written without quotes."""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, float):
        value = Decimal(repr(value))
    return written(value) if isinstance(value, (int, Decimal)) else value


def _as_clause(value: object) -> object:
    if not isinstance(value, dict):
        return _as_expression(value)
    try:
        return StructuredClause.model_validate(value).text
    except ValidationError as error:
        keys = tuple(StructuredClause.model_fields)
        told = [
            f"{'.'.join(map(str, one['loc'][:1]))}: {in_words(one, keys)}".removeprefix(": ")
            for one in error.errors(include_url=False)
        ]
        raise ValueError("; ".join(told)) from None


def as_list(value: object) -> object:
    """One thing may be written without brackets."""
    return (value,) if isinstance(value, (str, dict)) else value


def _as_number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number is needed here")
    return Decimal(repr(value)) if isinstance(value, float) else value


def _is_writable(value: Decimal) -> Decimal:
    if not fits_literal(value):
        raise ValueError("a number here is below a quadrillion, with at most 12 decimals")
    return value


def _is_zone(value: str) -> str:
    if value not in OWN_ZONES:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f"`{value[:60]}` is no time zone: write program, member or an IANA name such as "
                "Europe/Berlin"
            ) from None
    return value


Slug = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Label = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=100)]
Labels = Annotated[tuple[Label, ...], Field(max_length=MAX_VALUES), BeforeValidator(as_list)]
Connection = Annotated[str, Field(pattern=r"^([a-z0-9_-]+/[a-zA-Z0-9_.-]+)?$", max_length=100)]

Expression = Annotated[
    str, Field(min_length=1, max_length=MAX_TEXT), BeforeValidator(_as_expression)
]
Clause = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), BeforeValidator(_as_clause)]
Clauses = Annotated[tuple[Clause, ...], Field(max_length=MAX_CLAUSES), BeforeValidator(as_list)]
Values = Annotated[dict[Label, Expression], Field(max_length=MAX_VALUES)]

Number = Annotated[
    Decimal,
    BeforeValidator(_as_number),
    AfterValidator(_is_writable),
    PlainSerializer(written, when_used="json"),
]
"""An exact number; written as text in JSON."""

Zone = Annotated[str, Field(max_length=64), AfterValidator(_is_zone)]
"""`program`, `member` or an IANA name."""
