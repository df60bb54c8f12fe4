"""A compiled expression: run it, or ask it to explain itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from rules.language.narrowing import Knowledge
from rules.language.tree import Environment, Node, Run
from rules.language.types import Type
from rules.language.words import Blanks, Look, blanks_of, in_words, looks_of


@dataclass(frozen=True)
class Expression:
    """An expression that passed every check.

    Attributes:
        text: As it was written.
        type: What it yields.
        run: Its value in an environment; raises `RuleRuntimeError` where it has none.
        if_true: What is known after it held; `if_false` after it did not.
        leans: Whether it relies on what an earlier condition established.
    """

    text: str
    type: Type
    run: Run
    node: Node
    if_true: Knowledge
    if_false: Knowledge
    leans: bool

    @cached_property
    def _looks(self) -> tuple[Look, ...]:
        return looks_of(self.node, self.text)

    @cached_property
    def _blanks(self) -> Blanks:
        return blanks_of(self.text, self._looks)

    def values(self, environment: Environment) -> dict[str, str]:
        """The names of the expression with their values in words; empty ones say so."""
        return {look.label: in_words(look.value(environment)) for look in self._looks}

    def filled_in(self, environment: Environment) -> str:
        """The text with values in place of names: `floor(79.90)`."""
        return self._blanks.filled_in(environment)

    @property
    def line(self) -> str:
        """The text on one line, for sentences."""
        return " ".join(self.text.split())
