"""From text to a bounded syntax tree: every limit is applied before anything else looks at it.

Python's own parser does the reading (https://docs.python.org/3/library/ast.html) and an
allow-list says which of its nodes exist in the language.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from dataclasses import dataclass

from rules.language.errors import ExpressionError

MAX_TEXT = 2_000
MAX_NODES = 300
MAX_DEPTH = 30
MAX_LIST = 100

_BACKSLASH = re.compile(r"\\(?![\\'\"nt])|\\\\")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_NOT_CODE = re.compile(r""""(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|#[^\n]*""")
_RUN_INTO_WORD = re.compile(r"(?<![A-Za-z0-9_])\d[\d_.]*[A-Za-z]\w*")
_STRING_PREFIX = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z]+(?=['\"])")

_ALLOWED = (
    ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
    ast.In, ast.NotIn, ast.Is, ast.IsNot,
    ast.IfExp, ast.Constant, ast.Name, ast.Attribute, ast.List, ast.Call,
    ast.GeneratorExp, ast.comprehension, ast.Load, ast.Store,
)  # fmt: skip

_IN_WORDS: dict[type[ast.AST], str] = {
    ast.Pow: "`**` is not part of the language: multiply instead.",
    ast.FloorDiv: "`//` is not part of the language: write floor(a / b).",
    ast.UAdd: "A leading `+` is not part of the language: leave it out.",
    ast.Invert: "`~` is not part of the language: write `not`.",
    ast.BitAnd: "`&` is not part of the language: write `and`.",
    ast.BitOr: "`|` is not part of the language: write `or`.",
    ast.Subscript: "Square brackets after a value are not part of the language: name a field.",
    ast.Lambda: "`lambda` is not part of the language.",
    ast.JoinedStr: "f-strings are not part of the language: texts are put together in templates.",
    ast.NamedExpr: "`:=` is not part of the language: use `let` to name a value.",
    ast.Starred: "`*` before a value is not part of the language.",
    ast.Tuple: "Values in round brackets are not a list: write [a, b].",
    ast.keyword: "Arguments have no names: give them in order.",
    ast.Dict: "`{…}` is not part of the language.",
    ast.Set: "`{…}` is not part of the language: write a list [a, b].",
    ast.SetComp: "`{…}` is not part of the language: write distinct(… for x in list).",
    ast.DictComp: "`{…}` is not part of the language.",
    ast.Await: "`await` is not part of the language.",
    ast.Yield: "`yield` is not part of the language.",
    ast.YieldFrom: "`yield` is not part of the language.",
    ast.MatMult: "`@` is not part of the language.",
    ast.BitXor: "`^` is not part of the language: multiply instead.",
    ast.LShift: "`<<` is not part of the language.",
    ast.RShift: "`>>` is not part of the language.",
    ast.ListComp: "A list comprehension is not part of the language: use any, all, sum, count, "
    "min or max with `… for x in list`.",
}

PLAIN_NUMBERS = "write numbers plainly, like 50 or 19.99"


@dataclass(frozen=True, slots=True)
class Source:
    """A text with its syntax tree and the way from tree positions to characters."""

    text: str
    tree: ast.expr
    line_starts: tuple[int, ...]

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Start and end of a node as character offsets into the text."""
        start = self._offset(node.lineno, node.col_offset)
        return start, self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def segment(self, node: ast.expr) -> str:
        """The text of a node exactly as it was written."""
        start, end = self.span(node)
        return self.text[start:end]

    def _offset(self, line: int, column_bytes: int) -> int:
        # The tree was read with one line put in front of the text (see `_parse`).
        start = self.line_starts[min(max(line - 2, 0), len(self.line_starts) - 1)]
        if self.text.isascii():
            return start + column_bytes
        row = self.text[start:].split("\n", 1)[0].encode()
        return start + len(row[:column_bytes].decode(errors="ignore"))


def parse(text: str) -> Source:
    """The bounded syntax tree of an expression.

    Raises:
        ExpressionError: Too long, not an expression, or with something the language lacks.
    """
    if len(text) > MAX_TEXT:
        raise ExpressionError(
            f"The expression has {len(text):,} characters; {MAX_TEXT:,} are allowed. "
            "Split it into several clauses or name parts of it with `let`."
        )
    text = text.replace("\r\n", "\n")
    _check_characters(text)
    starts = (0, *(at + 1 for at, character in enumerate(text) if character == "\n"))
    source = Source(text=text, tree=_parse(text, starts), line_starts=starts)
    _check_nodes(source)
    if not text.isascii():
        _check_names(source)
    return source


def _check_characters(text: str) -> None:
    if not text.strip():
        raise ExpressionError("The expression is empty: write a condition or a value.")
    if bad := _CONTROL.search(text):
        raise ExpressionError(
            f"The character U+{ord(bad.group()):04X} is invisible and not allowed: remove it.",
            text=text,
            start=bad.start(),
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ExpressionError("The text is not valid Unicode: type it again.")
    bare = _NOT_CODE.sub(lambda found: " " * len(found.group()), text)
    _check_letters(text, bare)
    if joined := _RUN_INTO_WORD.search(bare):
        raise ExpressionError(
            f"`{joined.group()[:40]}` is not a number: {PLAIN_NUMBERS}, with a space after it.",
            text=text,
            start=joined.start(),
            end=joined.end(),
        )
    for escape in _BACKSLASH.finditer(text):
        if escape.group() == "\\":
            raise ExpressionError(
                "After a backslash only \\ ' \" n and t are allowed.",
                text=text,
                start=escape.start(),
                end=escape.start() + 2,
            )


def _check_letters(text: str, bare: str) -> None:
    """Names a foreign letter outside of texts, before the parser stumbles over it."""
    if bare.isascii() or '"' in bare or "'" in bare:
        return
    at = next(at for at, character in enumerate(bare) if not character.isascii())
    raise _foreign(text, at)


def _foreign(text: str, at: int) -> ExpressionError:
    character = text[at]
    hint = _HINTS.get(character, "")
    if plain := _LOOK_ALIKES.get(character) or unicodedata.normalize("NFKC", character):
        hint = hint or (f"Type a plain `{plain}`." if plain.isascii() else "")
    name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
    return ExpressionError(
        f"{character!r} ({name}) is not allowed here: names are written in a-z, 0-9 and _.",
        text=text,
        start=at,
        hint=hint,
    )


def _parse(text: str, starts: tuple[int, ...]) -> ast.expr:
    try:
        tree = ast.parse(f"(\n{text}\n)", mode="eval").body
    except SyntaxError as error:
        raise _unreadable(text, starts, error) from None
    except (RecursionError, MemoryError):
        raise ExpressionError("The expression is nested too deeply: simplify it.") from None
    except ValueError as error:
        raise ExpressionError(f"The expression cannot be read: {error}.") from None
    if isinstance(tree, ast.Tuple) and not tree.elts and not text.lstrip().startswith("("):
        raise ExpressionError("There is only a comment: write a condition or a value.")
    if tree.lineno == 1 and not isinstance(tree, (ast.Tuple, ast.GeneratorExp)):
        # The text closed the bracket that was put around it, as in `a) + (b`.
        raise ExpressionError("A `)` has no `(` before it.", text=text, start=text.index(")"))
    return tree


_SINGLE_EQUALS = re.compile(r"(?<![=!<>])=(?!=)")

_HINTS = {
    "&": "Write `and`.", "|": "Write `or`.", "!": "Write `not`.", "?": "Write `a if b else c`.",
    "≥": "Write `>=`.", "≤": "Write `<=`.", "≠": "Write `!=`.", "×": "Write `*`.",
    "÷": "Write `/`.", "−": "Write `-`.",
    "“": 'Use plain quotes: "…".', "”": 'Use plain quotes: "…".', "„": 'Use plain quotes: "…".',
}  # fmt: skip

_LOOK_ALIKES = dict(zip("аеорсухіѕјһԁԛԝοανρτυκι", "aeopcyxisjhdqwoavptuki", strict=True))
"""Cyrillic and Greek letters that nobody can tell from those of the language."""


def _unreadable(text: str, starts: tuple[int, ...], error: SyntaxError) -> ExpressionError:
    line, column = (error.lineno or 1) - 2, max((error.offset or 1) - 1, 0)
    at = len(text.rstrip()) if line >= len(starts) else starts[max(line, 0)] + column
    at = min(at, len(text.rstrip())) if line >= 0 else 0
    message = (error.msg or "").lower()
    if "nested" in message or "too complex" in message:
        return ExpressionError("The expression is nested too deeply: simplify it.")
    if "==" in message and (equals := _SINGLE_EQUALS.search(text)):
        problem = "`=` does not compare: write `==`."
        return ExpressionError(problem, text=text, start=equals.start())
    if "was never closed" in message or "closing parenthesis" in message or "unmatched" in message:
        return ExpressionError("The brackets do not match.", text=text, start=at)
    if "unterminated" in message:
        return ExpressionError("A text has no closing quote.", text=text, start=at)
    if at and text[at : at + 1] in {"&", "|"} and text[at - 1] == text[at]:
        at -= 1
    problem = "This is not an expression: something is missing or misplaced."
    return ExpressionError(problem, text=text, start=at, hint=_HINTS.get(text[at : at + 1], ""))


def _check_nodes(source: Source) -> None:
    count = 0
    todo: list[tuple[ast.AST, ast.expr, int]] = [(source.tree, source.tree, 1)]
    while todo:
        node, placed, depth = todo.pop()
        placed = node if isinstance(node, ast.expr) else placed
        start, end = source.span(placed)
        count += isinstance(node, ast.expr)
        if not isinstance(node, _ALLOWED):
            words = _IN_WORDS.get(type(node), "This is not part of the language.")
            raise ExpressionError(words, text=source.text, start=start, end=end)
        if count > MAX_NODES or depth > MAX_DEPTH:
            raise ExpressionError(
                f"The expression is too big (at most {MAX_NODES} parts, nested {MAX_DEPTH} deep): "
                "name parts of it with `let`.",
                text=source.text,
                start=start,
                end=end,
            )
        if isinstance(node, ast.List) and len(node.elts) > MAX_LIST:
            raise ExpressionError(
                f"The list has {len(node.elts)} items; {MAX_LIST} are allowed.",
                text=source.text,
                start=start,
                end=end,
            )
        todo.extend((child, placed, depth + 1) for child in ast.iter_child_nodes(node))


def _check_names(source: Source) -> None:
    """Refuses look-alikes: Python folds `ｏrder` into `order`, people cannot tell them apart."""
    texts = [
        source.span(node)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    for at, character in enumerate(source.text):
        if character.isascii() or any(start <= at < end for start, end in texts):
            continue
        raise _foreign(source.text, at)


def check_quotes(segment: str, *, source: Source, start: int) -> None:
    """Refuses prefixed and triple-quoted texts, whose rules nobody should have to know."""
    if _STRING_PREFIX.match(segment) or segment[:3] in {'"""', "'''"}:
        raise ExpressionError(
            'A text is written in plain quotes: "like this".',
            text=source.text,
            start=start,
            end=start + len(segment),
        )
