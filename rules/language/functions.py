"""The table of the functions. To add one, write it in one of the rooms `functions_of_…` with
`@function` and its sentence.

The signature is the annotations: `str` is text, `Number` a number, `datetime` an instant, and so
on (`types.type_of`); a default makes an argument optional, and so does `Usual`, whose value comes
from the event. The same name may be given twice with different arguments. A function must be
pure, bounded, and raise `FunctionFailed` or a `DecimalException` alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

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
class Usual:
    """Marks an argument that is a field of the event's names where it is left out."""

    path: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a function. `usual` is the field that stands in where it is left out."""

    name: str
    type: Type
    default: str | None
    check: CheckedLiteral | None
    usual: str


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call a function; `can_fail` where some values have no answer."""

    parameters: tuple[Parameter, ...]
    returns: Type
    call: Callable[..., Any]
    can_fail: bool

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


def function(
    doc: str, *, name: str = "", can_fail: bool = True, native: Callable[..., Any] | None = None
) -> Callable[[F], F]:
    """Puts a Python function into the table under its own name or the one given.

    Args:
        doc: Its sentence in the reference.
        name: What rules call it.
        can_fail: False only where every value of the right type has an answer; it saves time.
        native: A function of Python's own that does exactly the same, to be called instead.
    """

    def register(call: F) -> F:
        title = name or call.__name__
        signature = _signature(call, runs=native or call, can_fail=can_fail)
        known = FUNCTIONS.get(title, Function(name=title, doc="", forms=()))
        FUNCTIONS[title] = Function(
            name=title,
            doc=f"{known.doc} {doc}".strip(),
            forms=(*known.forms, _form(title, signature)),
            signatures=(*known.signatures, signature),
        )
        return call

    return register


def _signature(call: Callable[..., Any], *, runs: Callable[..., Any], can_fail: bool) -> Signature:
    hints = get_type_hints(call, include_extras=True)
    parameters = tuple(
        _parameter(one, hints[one.name]) for one in inspect.signature(call).parameters.values()
    )
    returns = type_of(hints["return"])
    return Signature(parameters=parameters, returns=returns, call=runs, can_fail=can_fail)


def _parameter(parameter: inspect.Parameter, hint: Any) -> Parameter:
    marks = getattr(hint, "__metadata__", ())
    usual = next((one.path for one in marks if isinstance(one, Usual)), "")
    default = None if parameter.default is parameter.empty else str(parameter.default)
    return Parameter(
        name=parameter.name,
        type=type_of(hint),
        default=usual or default,
        check=next((one for one in marks if isinstance(one, CheckedLiteral)), None),
        usual=usual,
    )


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
    "distinct",
    "How many different values there are; capitals matter.",
    "distinct(value for x in list if condition)",
    "distinct(list)",
)
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
