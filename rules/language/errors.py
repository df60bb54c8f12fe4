"""What can go wrong with an expression: refused when it is read, or failed when it is run."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

SHOWN_WIDTH = 100
"""Longer lines are shown around the place that matters, so that an error stays readable."""


def suggest(word: str, known: Iterable[str]) -> str:
    """A closing `did you mean` sentence, or nothing where no known word is near."""
    near = get_close_matches(word[:100], list(known), n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else ""


class _Placed(Exception):
    """An error at a place of a text, which it can show with a caret."""

    def __init__(
        self, problem: str, *, text: str = "", start: int = 0, end: int = 0, hint: str = ""
    ) -> None:
        super().__init__(problem, text, start, end, hint)
        self.problem = problem
        self.text = text
        self.start = min(max(start, 0), len(text))
        self.end = max(end, self.start + 1)
        self.hint = hint

    @property
    def line(self) -> int:
        """The line of the place, counted from one."""
        return self.text.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int:
        """The column of the place in characters, counted from one."""
        return self.start - (self.text.rfind("\n", 0, self.start) + 1) + 1

    @property
    def caret(self) -> str:
        """The line of the text with a line of carets under the place."""
        begin = self.text.rfind("\n", 0, self.start) + 1
        shown = self.text[begin:].split("\n", 1)[0]
        at = self.start - begin
        width = max(min(self.end - self.start, len(shown) - at), 1)
        if len(shown) > SHOWN_WIDTH:
            cut = max(at - SHOWN_WIDTH // 2, 0)
            shown, at = shown[cut : cut + SHOWN_WIDTH], at - cut
        marks = "^" * max(min(width, SHOWN_WIDTH - at), 1)
        return f"{shown}\n{' ' * at}{marks}"

    def __str__(self) -> str:
        told = f"{self.problem} {self.hint}".rstrip()
        if not self.text.strip():
            return told
        place = f"line {self.line}, column {self.column}"
        indented = "\n".join(f"    {row}" for row in self.caret.split("\n"))
        return f"{told}\n  {place}:\n{indented}"


class ExpressionError(_Placed, ValueError):
    """The expression is refused: what is wrong, where (line, column, caret) and what would do."""


class RuleRuntimeError(_Placed, ArithmeticError):
    """A sound expression failed on this event, e.g. an overflow. The rule does not fire."""

    @property
    def reason(self) -> str:
        """One line for traces and alerts: what failed and in which expression."""
        return f"{self.problem} (in `{' '.join(self.text.split())}`)" if self.text else self.problem
