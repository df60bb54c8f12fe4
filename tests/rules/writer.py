"""Writes expressions that have to pass every check, whatever the dice say.

It knows types, guards and function signatures only from the language's own tables, so that a
new function or a new field is fuzzed as soon as it exists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rules.language import (
    BOOL,
    DATE,
    INSTANT,
    NUMBER,
    TEXT,
    Scope,
    Type,
    compile_expression,
)
from rules.language.functions import FUNCTIONS, Parameter, Signature
from rules.language.types import ListType, OptionalType, RecordType, TextType
from tests.rules.dice import Dice

CONSTANTS: dict[Type, tuple[str, ...]] = {
    BOOL: ("True", "False"),
    NUMBER: ("1", "0", "2.5", "19.99", "-3", "1000000000000000", "0.000000000001", "2026", "12"),
    TEXT: (
        "'gold'", "'UTC'", "''", "'a*b?'", "'TEA'", "'Europe/Berlin'", "'оrder\\n'", "'2026-01-01'",
    ),
    DATE: (),
    INSTANT: ("event.time",),
}  # fmt: skip
WRITTEN: dict[Type, tuple[str, ...]] = {
    DATE: ("'2024-02-29'", "'0001-01-01'", "'9999-12-31'", "'2026-01-04'"),
    INSTANT: (
        "'2026-01-03T23:30:00Z'",
        "'0001-01-01T00:00:00+14:00'",
        "'9999-12-31T23:59:59-14:00'",
    ),
}
"""Days as texts, which are read where a day is expected, and only there."""

SHORTEST = {
    BOOL: "True", NUMBER: "1", TEXT: "'gold'", INSTANT: "event.time", DATE: "date_of(event.time)",
}  # fmt: skip
KINDS = (BOOL, NUMBER, TEXT, INSTANT, DATE)
ORDER = ("==", "!=", "<", "<=", ">", ">=")
MAX_DEPTH = 4


@dataclass(frozen=True)
class Path:
    """A path with those parts of it that may be empty, itself among them."""

    text: str
    type: Type
    guards: tuple[str, ...] = ()


def paths(root: Path) -> Iterator[Path]:
    """A path and everything below it."""
    kind, guards = root.type, root.guards
    if isinstance(kind, OptionalType):
        kind, guards = kind.inner, (*guards, root.text)
    yield Path(root.text, kind, guards)
    if isinstance(kind, RecordType):
        for name, inner in kind.fields.items():
            yield from paths(Path(f"{root.text}.{name}", inner, guards))


class Writer:
    """Writes expressions of the types that are asked for."""

    def __init__(self, scope: Scope, dice: Dice) -> None:
        self._dice = dice
        kinds = {name: found.type for name, found in scope.names.items()}
        kinds.update({name: compile_expression(name, scope).type for name in scope.lets})
        self._paths = [path for name, kind in kinds.items() for path in paths(Path(name, kind))]
        self._item: list[Path] = []

    def write(self, kind: Type, depth: int = 0) -> str:
        """An expression of a type."""
        if depth >= MAX_DEPTH or self._dice.is_spent:
            return SHORTEST[kind]
        ways = [self._constant, self._path, self._call, self._call, self._choice, self._special]
        return self._dice.pick(ways)(kind, depth + 1)

    def _expected(self, kind: Type, depth: int) -> str:
        """An expression for a place that expects the type, where days may be written."""
        if kind in WRITTEN and self._dice.below(3) == 1:
            return self._dice.pick(WRITTEN[kind])
        return self.write(kind, depth)

    def _constant(self, kind: Type, depth: int) -> str:
        return self._dice.pick(CONSTANTS[kind] or (SHORTEST[kind],))

    def _path(self, kind: Type, depth: int) -> str:
        suited = [path for path in (*self._item, *self._paths) if path.type == kind]
        if not suited:
            return SHORTEST[kind]
        path = self._dice.pick(suited)
        if not path.guards:
            return path.text
        takes_any = not (isinstance(path.type, TextType) and path.type.choices)
        if path.guards == (path.text,) and takes_any and self._dice.below(2):
            return f"({path.text} or {self.write(kind, depth)})"
        tests = " and ".join(f"{guard} is not None" for guard in path.guards)
        return f"({path.text} if {tests} else {self.write(kind, depth)})"

    def _call(self, kind: Type, depth: int) -> str:
        ways = [
            (name, signature)
            for name, function in sorted(FUNCTIONS.items())
            for signature in function.signatures
            if signature.returns == kind
        ]
        if not ways:
            return SHORTEST[kind]
        name, signature = self._dice.pick(ways)
        return f"{name}({', '.join(self._arguments(signature, depth))})"

    def _arguments(self, signature: Signature, depth: int) -> list[str]:
        spare = len(signature.parameters) - signature.needed
        given = signature.needed + self._dice.below(spare + 1)
        return [self._argument(one, depth) for one in signature.parameters[:given]]

    def _argument(self, wanted: Parameter, depth: int) -> str:
        if isinstance(wanted.type, TextType) and wanted.type.choices:
            return repr(self._dice.pick(wanted.type.choices))
        if not wanted.check:
            return self._expected(wanted.type, depth)
        if self._dice.below(2) and wanted.type == TEXT:
            return self._path(wanted.type, depth)
        given = [one for one in CONSTANTS[wanted.type] if not one.startswith("-")]
        values = {one: int(float(one)) if wanted.type == NUMBER else one[1:-1] for one in given}
        whole = [one for one in given if "." not in one or wanted.type != NUMBER]
        return self._dice.pick([one for one in whole if not wanted.check.problem(values[one])])

    def _choice(self, kind: Type, depth: int) -> str:
        first, test, second = (self.write(one, depth) for one in (kind, BOOL, kind))
        return f"({first} if {test} else {second})"

    def _special(self, kind: Type, depth: int) -> str:
        if kind == BOOL:
            ways = [self._comparison, self._junction, self._membership, self._over_items]
            return self._dice.pick(ways)(depth)
        if kind == NUMBER:
            return self._dice.pick([self._arithmetic, self._quotient, self._total])(depth)
        if kind == TEXT:
            return self._path(kind, depth)
        return f"{self._dice.pick(('min', 'max'))}({self._two(kind, depth)})"

    def _two(self, kind: Type, depth: int) -> str:
        return f"{self.write(kind, depth)}, {SHORTEST[kind]}" if kind == NUMBER else (
            f"{SHORTEST[kind]}, {self.write(kind, depth)}"
        )  # fmt: skip

    def _comparison(self, depth: int) -> str:
        kind = self._dice.pick(KINDS)
        left, right = self.write(kind, depth), self._expected(kind, depth)
        if kind in (BOOL, TEXT):
            left = f"trim({left})" if kind == TEXT else left
            return f"({left} {self._dice.pick(('==', '!='))} {right})"
        if self._dice.below(3) == 1:
            return f"({left} < {right} <= {self.write(kind, depth)})"
        return f"({left} {self._dice.pick(ORDER)} {right})"

    def _junction(self, depth: int) -> str:
        parts = [self.write(BOOL, depth) for _ in range(2 + self._dice.below(2))]
        joined = self._dice.pick((" and ", " or ")).join(parts)
        return f"(not ({joined}))" if self._dice.below(2) else f"({joined})"

    def _membership(self, depth: int) -> str:
        word = self._dice.pick(("in", "not in"))
        lists = [one for one in self._lists() if one.type == ListType(item=TEXT)]
        if lists and self._dice.below(2):
            return f"({self.write(TEXT, depth)} {word} {self._dice.pick(lists).text})"
        kind = self._dice.pick((NUMBER, INSTANT, DATE))
        options = ", ".join(self._expected(kind, depth) for _ in range(1 + self._dice.below(3)))
        return f"({self.write(kind, depth)} {word} [{options}])"

    def _lists(self) -> list[Path]:
        found = [*self._item, *self._paths]
        return [one for one in found if isinstance(one.type, ListType) and not one.guards]

    def _loop(self, kind: Type, depth: int) -> tuple[str, str] | None:
        """A value of an item, and its `for … in …` with or without a condition."""
        lists = [one for one in self._paths if one in self._lists()]
        if self._item or not lists:
            return None
        source = self._dice.pick(lists)
        assert isinstance(source.type, ListType)
        self._item = list(paths(Path("item", source.type.item)))
        value = self.write(kind, depth)
        test = f" if {self.write(BOOL, depth)}" if self._dice.below(2) else ""
        self._item = []
        return value, f"for item in {source.text}{test}"

    def _over_items(self, depth: int) -> str:
        loop = self._loop(BOOL, depth)
        return f"{self._dice.pick(('any', 'all'))}({' '.join(loop)})" if loop else "True"

    def _total(self, depth: int) -> str:
        loop = self._loop(NUMBER, depth)
        if not loop:
            return "1"
        way = self._dice.pick(("sum", "distinct", "max", "min", "count"))
        if way == "count":
            return f"count(item {loop[1]})"
        called = f"{way}({' '.join(loop)})"
        return f"({called} or {self.write(NUMBER, depth)})" if way in {"max", "min"} else called

    def _arithmetic(self, depth: int) -> str:
        left = self.write(NUMBER, depth)
        if self._dice.below(4) == 1:
            return f"(-{left})"
        sign = self._dice.pick(("+", "-", "*"))
        return f"({left} {sign} {self.write(NUMBER, depth)})"

    def _quotient(self, depth: int) -> str:
        left, right = self.write(NUMBER, depth), self.write(NUMBER, depth)
        sign = self._dice.pick(("/", "%"))
        if self._dice.below(2):
            return f"({left} {sign} max({right}, 0.01))"
        return f"({left} {sign} {right} if {right} != 0 else 0)"
