"""What a text may say: a small, bounded part of Jinja.

Follows https://jinja.palletsprojects.com/en/stable/sandbox/, which bounds neither time nor
memory. Here loops share a number of steps, values cannot be multiplied into gigabytes, and
nothing can be called but plain methods of texts, numbers and dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from datetime import date, time
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from jinja2 import (
    StrictUndefined,
    TemplateRuntimeError,
    TemplateSyntaxError,
    Undefined,
    nodes,
)
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

from loyalty.text_formats import FILTERS, plural
from loyalty.text_values import shown

MAX_STEPS = 20_000
"""Turns of all loops of one text together."""

MAX_LENGTH = 200_000
"""Characters of any value on the way, ten times the longest text."""

MAX_NUMBER = 10**30

_FILTERS = frozenset(
    {
     "abs", "capitalize", "count", "d", "default", "e", "escape", "first", "float", "int",
     "join", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr",
     "replace", "reverse", "round", "select", "selectattr", "sort", "string", "striptags",
     "sum", "title", "trim", "truncate", "unique", "upper", "urlencode",
    }
)  # fmt: skip
_METHODS = frozenset(
    {
     "astimezone", "capitalize", "count", "date", "endswith", "get", "index", "isdigit",
     "isoformat", "isoweekday", "items", "keys", "lower", "lstrip", "rstrip", "split",
     "splitlines", "startswith", "strftime", "strip", "title", "upper", "values", "weekday",
    }
)  # fmt: skip
_VALUES = frozenset({str, int, bool, Decimal})
_PLAIN = (str, int, Decimal, date, time, dict, list, tuple)
_REFUSED = (
    nodes.Macro, nodes.CallBlock, nodes.AssignBlock, nodes.Include, nodes.Import,
    nodes.FromImport, nodes.Extends,
)  # fmt: skip

_steps: ContextVar[int] = ContextVar("steps")


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Jinja with every loop counted, every value measured and hardly anything to call."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=autoescape, finalize=shown)
        self.globals = {"range": self.globals["range"], "plural": plural}
        self.filters = (
            {name: self.filters[name] for name in _FILTERS}
            | FILTERS
            | {
                "join": _join,
                "replace": _replace,
                "_counted": _counted,
                "_measured": _measured,
            }
        )
        self._safe: dict[tuple[type, str], bool] = {}

    def readable(self, source: str) -> nodes.Template:
        """What the text says; TemplateSyntaxError also for what texts may not say."""
        tree = self.parse(source)
        for node in tree.find_all((*_REFUSED, nodes.For, nodes.Filter, nodes.Test)):
            if isinstance(node, nodes.Filter | nodes.Test):
                self._look_up(node)
            elif not isinstance(node, nodes.For) or node.recursive:
                told = "macros, imports, `set` blocks and recursive loops are not for texts"
                raise TemplateSyntaxError(told, node.lineno)
        return tree

    def compiled(self, source: str) -> Any:
        """The template; TemplateSyntaxError also for what texts may not say."""
        tree = self.readable(source)
        for node in tree.find_all(nodes.For):
            node.iter = _through("_counted", node.iter)
        for parent in list(tree.find_all(nodes.Node)):
            _measure_children(parent)
        return self.from_string(tree)

    def _look_up(self, node: nodes.Filter | nodes.Test) -> None:
        known: Iterable[str] = self.filters if isinstance(node, nodes.Filter) else self.tests
        if node.name not in known or node.name.startswith("_"):
            near = get_close_matches(node.name, [one for one in known if one[0] != "_"], n=1)
            kind = "filter" if isinstance(node, nodes.Filter) else "test"
            hint = f"; did you mean `{near[0]}`?" if near else ""
            raise TemplateSyntaxError(f"there is no {kind} `{node.name}`{hint}", node.lineno)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A value by its name: what a text is given wins over what a dict can do (`items`)."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        if self._safe.get((type(obj), attribute)):
            # What Jinja asks further is about methods of texts, which are none of these.
            value = getattr(obj, attribute, None)
            if type(value) in _VALUES:
                return value
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The operator's result where it cannot grow out of bounds."""
        numbers = all(isinstance(one, (int, float, Decimal)) for one in (left, right))
        if operator == "**" or (operator in "*%" and not numbers):
            raise SecurityError(f"`{operator}` cannot be used here: `*` and `%` are for numbers")
        return _measured(super().call_binop(context, operator, left, right))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """As Jinja says, which asks only for the name and the type: once for each of them."""
        known = self._safe.get((type(obj), attr))
        if known is None:
            known = self._safe[type(obj), attr] = super().is_safe_attribute(obj, attr, value)
        return known

    def is_safe_callable(self, obj: Any) -> bool:
        """Only `range`, `plural`, the loop's own, and harmless methods of plain values."""
        name = getattr(obj, "__name__", type(obj).__name__)
        owner = getattr(obj, "__self__", None)
        is_plain = isinstance(owner, _PLAIN) and name in _METHODS
        if isinstance(obj, Undefined):
            return True  # calling it tells what is not known
        is_ours = obj is self.globals["range"] or obj is plural
        if not (is_ours or isinstance(owner, LoopContext) or is_plain):
            raise SecurityError(f"{name}() cannot be called in a text")
        return True

    def filled_in(self, template: Any, context: Mapping[str, Any]) -> str:
        """The template's text; its loops and its length are bounded."""
        _steps.set(0)
        pieces: list[str] = []
        length = 0
        # As `Template.generate` does, which would only rewrite the traceback of what fails.
        for piece in template.root_render_func(template.new_context(context)):
            pieces.append(piece)
            length += len(piece)
            if length > MAX_LENGTH:
                raise TemplateRuntimeError("it grows out of bounds")
        return "".join(pieces)


def _through(name: str, value: nodes.Node) -> nodes.Filter:
    assert isinstance(value, nodes.Expr)
    return nodes.Filter(value, name, [], [], None, None, lineno=value.lineno)


def _measure_children(parent: nodes.Node) -> None:
    for name, child in list(parent.iter_fields()):
        if isinstance(child, nodes.Concat):
            setattr(parent, name, _through("_measured", child))
        elif isinstance(child, list):
            child[:] = [
                _through("_measured", one) if isinstance(one, nodes.Concat) else one
                for one in child
            ]


def _counted(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        taken = _steps.get(0) + 1
        if taken > MAX_STEPS:
            raise TemplateRuntimeError(f"its loops take more than {MAX_STEPS} turns")
        _steps.set(taken)
        yield item


def _measured(value: Any) -> Any:
    if not _is_bounded(value):
        raise TemplateRuntimeError("a value in it grows out of bounds")
    return value


def _is_bounded(value: Any) -> bool:
    if isinstance(value, (str, list, tuple)):
        return len(value) <= MAX_LENGTH
    if isinstance(value, (int, float, Decimal)):
        return -MAX_NUMBER <= value <= MAX_NUMBER
    return True


def _join(values: Iterable[Any], separator: str = "") -> str:
    return str(_measured(separator[:100].join(str(one) for one in values)))


def _replace(text: Any, old: str, new: str) -> str:
    plain = str(text)
    if (plain.count(old) + 1) * len(new) > MAX_LENGTH:
        raise TemplateRuntimeError("a value in it grows out of bounds")
    return plain.replace(old, new)
