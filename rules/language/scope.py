"""Which names an expression sees, each with its slot and type, and the named values (`let`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rules.language.errors import ExpressionError
from rules.language.types import Type

if TYPE_CHECKING:
    from rules.language.expression import Expression


class BrokenName(ExpressionError):
    """A `let` that was refused is used; what is wrong with it is reported at the `let`."""


class CircularName(ExpressionError):
    """A `let` needs itself, directly or by way of others."""


@dataclass(frozen=True, slots=True)
class Name:
    """A name of the scope: where its value is found and what it is."""

    slot: int
    type: Type


@dataclass(slots=True)
class Slots:
    """Hands out the slots of one rule's environment, so that no two values share one."""

    used: int

    def take(self) -> int:
        """The next free slot."""
        self.used += 1
        return self.used - 1


@dataclass(slots=True)
class Scope:
    """The names of an expression.

    Attributes:
        names: What the event offers, by name.
        where: For messages: "a payment.completed event".
        slots: Shared by all expressions of one rule.
        lets: The rule's named values, as text.
        problems: Why a named value was refused, once for each.
        parent: The narrower scope that the named values are read in.
    """

    names: Mapping[str, Name]
    where: str
    slots: Slots
    lets: Mapping[str, str] = field(default_factory=dict)
    problems: dict[str, ExpressionError] = field(default_factory=dict)
    parent: Scope | None = None
    _read: dict[str, tuple[int, Expression] | None] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)

    def visible(self) -> list[str]:
        """Every name that may be written, the event's first."""
        return [*self.names, *self.lets]

    def with_names(self, more: Mapping[str, Name]) -> Scope:
        """The same scope with further names; slots and `let` are shared."""
        return Scope(
            names={**self.names, **more},
            where=self.where,
            slots=self.slots,
            lets=self.lets,
            problems=self.problems,
            parent=self.parent or self,
            _read=self._read,
            _open=self._open,
        )

    def let(self, name: str, read: Callable[[str], Expression]) -> tuple[int, Expression]:
        """The slot and the expression of a named value, read when it is first needed.

        Raises:
            ExpressionError: The value is refused, or needs itself.
        """
        if name in self._open:
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise CircularName(f"The named values need each other in a circle: {circle}.")
        if name not in self._read:
            self._read[name] = None
            self._open.append(name)
            try:
                self._read[name] = self.slots.take(), read(self.lets[name])
            except BrokenName:
                raise
            except ExpressionError as error:
                self.problems[name] = error
                raise
            finally:
                self._open.pop()
        found = self._read[name]
        if found is None:
            raise BrokenName(f"The named value `{name}` cannot be used until it is corrected.")
        return found
