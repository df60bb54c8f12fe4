"""The functions of the language. To add one, write it here with `@function` and its sentence.

The signature is the annotations: `str` is text, `Number` a number, `datetime` an instant, and so
on (`types.type_of`); a default makes an argument optional. The same name may be given twice
with different arguments. A function must be pure, bounded, and raise `FunctionFailed` alone.
"""

from __future__ import annotations

import inspect
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

from rules.language.arithmetic import EXACT, MAX_PLACES, Number, round_to
from rules.language.types import Type, type_of


class FunctionFailed(Exception):
    """A function cannot answer for these values; the message says why."""


@dataclass(frozen=True, slots=True)
class CheckedLiteral:
    """Marks an argument whose literal can be judged when the rule is read.

    `problem` says what is wrong with a value, or nothing.
    """

    problem: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a function."""

    name: str
    type: Type
    default: str | None
    check: CheckedLiteral | None


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call a function."""

    parameters: tuple[Parameter, ...]
    returns: Type
    call: Callable[..., Any]

    @property
    def needed(self) -> int:
        """How many arguments have to be given."""
        return sum(parameter.default is None for parameter in self.parameters)


@dataclass(frozen=True, slots=True)
class Function:
    """A function with its sentence for the reference and the ways to call it."""

    name: str
    doc: str
    forms: tuple[str, ...]
    signatures: tuple[Signature, ...] = ()


FUNCTIONS: dict[str, Function] = {}
"""Every function by name; those without signatures look at lists and are checked in `calls`."""


F = TypeVar("F", bound=Callable[..., Any])


def function(doc: str, *, name: str = "") -> Callable[[F], F]:
    """Puts a Python function into the table under its own name or the one given."""

    def register(call: F) -> F:
        title = name or call.__name__
        signature = _signature(call)
        known = FUNCTIONS.get(title, Function(name=title, doc="", forms=()))
        FUNCTIONS[title] = Function(
            name=title,
            doc=f"{known.doc} {doc}".strip(),
            forms=(*known.forms, _form(title, signature)),
            signatures=(*known.signatures, signature),
        )
        return call

    return register


def _signature(call: Callable[..., Any]) -> Signature:
    hints = get_type_hints(call, include_extras=True)
    parameters = []
    for parameter in inspect.signature(call).parameters.values():
        hint = hints[parameter.name]
        marks = [
            one for one in getattr(hint, "__metadata__", ()) if isinstance(one, CheckedLiteral)
        ]
        default = None if parameter.default is parameter.empty else str(parameter.default)
        parameters.append(
            Parameter(
                name=parameter.name,
                type=type_of(hint),
                default=default,
                check=marks[0] if marks else None,
            )
        )
    return Signature(parameters=tuple(parameters), returns=type_of(hints["return"]), call=call)


def _form(name: str, signature: Signature) -> str:
    written = [
        f"{one.name}: {one.type}" + ("" if one.default is None else f" = {one.default}")
        for one in signature.parameters
    ]
    return f"{name}({', '.join(written)}) -> {signature.returns}"


def _over_lists(name: str, doc: str, *forms: str) -> None:
    FUNCTIONS[name] = Function(name=name, doc=doc, forms=forms)


_over_lists(
    "any",
    "Whether the condition holds for at least one item; no for an empty list.",
    "any(condition for x in list)",
)
_over_lists(
    "all",
    "Whether the condition holds for every item; yes for an empty list.",
    "all(condition for x in list)",
)
_over_lists(
    "sum",
    "The numbers added up; 0 for an empty list.",
    "sum(number for x in list if condition)",
    "sum(list of numbers)",
)
_over_lists(
    "count",
    "How many items there are, or for how many the condition after `if` holds.",
    "count(list)",
    "count(x for x in list if condition)",
)
_over_lists("len", "The same as count(list).", "len(list)")
_over_lists(
    "min",
    "The least of several values, or of a list (empty for an empty list, so write `or 0`).",
    "min(a, b, …)",
    "min(value for x in list if condition)",
    "min(list)",
)
_over_lists(
    "max",
    "The greatest of several values, or of a list (empty for an empty list, so write `or 0`).",
    "max(a, b, …)",
    "max(value for x in list if condition)",
    "max(list)",
)


def _places_problem(places: Number) -> str:
    whole = places == int(places) and 0 <= places <= MAX_PLACES
    return "" if whole else f"the places are a whole number from 0 to {MAX_PLACES}"


Places = Annotated[Number, CheckedLiteral(_places_problem)]


def _rounded(value: Number, places: Number, rounding: str) -> Number:
    if problem := _places_problem(places):
        raise FunctionFailed(problem)
    return round_to(value, places, rounding)


@function("Rounds down, to so many decimals: floor(79.90) is 79.")
def floor(value: Number, places: Places = 0) -> Number:
    return _rounded(value, places, ROUND_FLOOR)


@function("Rounds up: ceil(79.10) is 80.")
def ceil(value: Number, places: Places = 0) -> Number:
    return _rounded(value, places, ROUND_CEILING)


@function("Rounds to the nearest, halves away from zero: round_half_up(2.5) is 3.")
def round_half_up(value: Number, places: Places = 0) -> Number:
    return _rounded(value, places, ROUND_HALF_UP)


@function("Rounds to the nearest, halves to the even neighbour: round_half_even(2.5) is 2.")
def round_half_even(value: Number, places: Places = 0) -> Number:
    return _rounded(value, places, ROUND_HALF_EVEN)


@function("The number without its sign.", name="abs")
def absolute(value: Number) -> Number:
    return EXACT.abs(value)


@function("The text in small letters, to compare without regard to capitals.")
def lower(text: str) -> str:
    return str(text).lower()


@function("The text in capital letters.")
def upper(text: str) -> str:
    return str(text).upper()


@function("Whether the text begins so; capitals matter.")
def starts_with(text: str, beginning: str) -> bool:
    return text.startswith(beginning)


@function("Whether the text ends so; capitals matter.")
def ends_with(text: str, ending: str) -> bool:
    return text.endswith(ending)


@function("Whether the part occurs anywhere in the text; capitals matter.")
def contains(text: str, part: str) -> bool:
    return part in text


@lru_cache(maxsize=1024)
def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _zone_problem(name: str) -> str:
    if name and _zone(name):
        return ""
    return f"there is no time zone {name[:64]!r}: use an IANA name such as 'Europe/Berlin'"


Zone = Annotated[str, CheckedLiteral(_zone_problem)]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)


def _local(instant: datetime, zone: str) -> datetime:
    found = _zone(zone) if zone else None
    if found is None:
        raise FunctionFailed(_zone_problem(zone))
    try:
        return instant.astimezone(found)
    except OverflowError:
        raise FunctionFailed("the instant is outside the calendar") from None


@function("The calendar year of an instant in a zone.")
def year_of(instant: datetime, zone: Zone) -> Number:
    return _local(instant, zone).year


@function("The year of a date.", name="year_of")
def year_of_date(day: date) -> Number:
    return day.year


@function("The hour from 0 to 23 of an instant on the clocks of a zone.")
def hour(instant: datetime, zone: Zone) -> Number:
    return _local(instant, zone).hour


@function("The day of the week of an instant in a zone: monday … sunday.")
def weekday(instant: datetime, zone: Zone) -> Weekday:
    return _WEEKDAYS[_local(instant, zone).weekday()]


@function("The calendar days from the first date to the second; negative if that is earlier.")
def days_between(first: date, second: date) -> Number:
    return (second - first).days


@function("For instants, by the dates they have in the zone.", name="days_between")
def days_between_instants(first: datetime, second: datetime, zone: Zone) -> Number:
    return (_local(second, zone).date() - _local(first, zone).date()).days
