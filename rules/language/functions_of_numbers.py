"""The functions of numbers: rounding, and the number without its sign."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP
from typing import Annotated

from rules.language.arithmetic import EXACT, MAX_PLACES, Number, round_to
from rules.language.functions import CheckedLiteral, FunctionFailed, function


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
