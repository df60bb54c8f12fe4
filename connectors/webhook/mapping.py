"""Any JSON into the hub's words: which bodies matter, and where in them the facts stand.

A mapping is a JSON list. The first entry whose `when` fits makes the event; a body that fits
none is acknowledged and ignored.

    [{"when": {"$.kind": "sale.closed"},
      "event": {"type": "order.paid", "key": "$.sale.id|text", "time": "$.sale.closed_at",
                "customer": {"email": "$.buyer.mail"},
                "data": {"id": "$.sale.id|text", "currency": "EUR", "total": "$.sale.cents|cents",
                         "lines": {"each": "$.sale.items", "as": {
                             "id": "@.no|text", "title": "@.name", "quantity": "@.count",
                             "unit_price": "@.cents|cents"}}}}}]

`$.a.b` is a place in the body, `@.a` one in the item of a list, a number in a place counts from
zero. Behind `|`: `text`, `cents` (an amount from the smallest unit), `epoch` (seconds since 1970),
`lower`. What is not there is left out; text that is no place stands for itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from connectors.kit.webhook import Unreadable
from loyalty.events import Frozen

MAX_CHARACTERS = 20_000
MAX_ITEMS = 10_000
_PLACE = re.compile(r"([$@])((?:\.[A-Za-z0-9_-]{1,100}){1,20})(?:\|([a-z]+))?")
_MISSING = object()


class Unmapped(dict[str, Any]):
    """A body that no entry of the mapping fits."""


class Entry(Frozen):
    """One kind of body: how it is known, and the event that it becomes."""

    when: dict[str, Any] = Field(default_factory=dict)
    event: dict[str, Any]

    @field_validator("when")
    @classmethod
    def _asks_for_places(cls, value: dict[str, Any]) -> dict[str, Any]:
        wrong = [one for one in value if not one.startswith("$") or not _PLACE.fullmatch(one)]
        if wrong:
            raise ValueError(f"{wrong[0][:60]!r} is no place in the body, such as $.kind")
        return value

    @field_validator("event")
    @classmethod
    def _is_an_event(cls, value: dict[str, Any]) -> dict[str, Any]:
        missing = [one for one in ("type", "key", "time", "data") if one not in value]
        if missing:
            raise ValueError(f"the field {missing[0]!r} is missing")
        _check(value, in_item=False)
        return value


_ENTRIES: TypeAdapter[tuple[Entry, ...]] = TypeAdapter(
    Annotated[tuple[Entry, ...], Field(min_length=1, max_length=50)]
)


def parse_mapping(text: str) -> tuple[Entry, ...]:
    """The entries of a mapping; ValueError says what is wrong with it and where."""
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"a mapping has {MAX_CHARACTERS} characters at most")
    try:
        return _ENTRIES.validate_python(json.loads(text))
    except json.JSONDecodeError as error:
        raise ValueError(
            f"the mapping is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the mapping"
        raise ValueError(f"{place}: {first['msg']}") from None


def mapped(entries: Sequence[Entry], body: Any) -> dict[str, Any]:
    """The event that a body stands for, as a body in the hub's words; Unmapped where none fits."""
    for entry in entries:
        if all(_at(place, body, None) == value for place, value in entry.when.items()):
            filled: dict[str, Any] = _filled(entry.event, body, None)
            return filled
    return Unmapped()


def _check(template: Any, *, in_item: bool) -> None:
    if isinstance(template, str) and template[:2] in ("$.", "@."):
        found = _PLACE.fullmatch(template)
        if found is None:
            raise ValueError(f"{template[:60]!r} is no place that can be read")
        if found[1] == "@" and not in_item:
            raise ValueError(f"{template[:60]!r} stands outside of a list's `as`")
        if found[3] is not None and found[3] not in _TURNS:
            raise ValueError(f"{template[:60]!r}: behind | stands one of {', '.join(_TURNS)}")
    elif isinstance(template, dict):
        if "each" in template and set(template) != {"each", "as"}:
            raise ValueError("a list is {'each': a place, 'as': what each item becomes}")
        for name, value in template.items():
            _check(value, in_item=in_item or (name == "as" and "each" in template))
    elif isinstance(template, list):
        for value in template:
            _check(value, in_item=in_item)


def _filled(template: Any, body: Any, item: Any) -> Any:
    if isinstance(template, str) and template[:2] in ("$.", "@."):
        return _at(template, body, item)
    if isinstance(template, list):
        return [one for one in (_filled(part, body, item) for part in template) if _is_there(one)]
    if not isinstance(template, dict):
        return template
    if "each" in template:
        return _listed(template, body, item)
    filled = {name: _filled(part, body, item) for name, part in template.items()}
    return {name: value for name, value in filled.items() if _is_there(value)}


def _listed(template: Mapping[str, Any], body: Any, item: Any) -> Any:
    found = _filled(template["each"], body, item)
    if not _is_there(found):
        return _MISSING
    if not isinstance(found, list) or len(found) > MAX_ITEMS:
        raise Unreadable(f"{template['each']} is no list, or one of more than {MAX_ITEMS} items")
    return [_filled(template["as"], body, one) for one in found]


def _is_there(value: Any) -> bool:
    return value is not _MISSING and value is not None


def _at(place: str, body: Any, item: Any) -> Any:
    found = _PLACE.fullmatch(place)
    assert found is not None  # It was checked when the mapping was saved.
    value = body if found[1] == "$" else item
    for name in found[2][1:].split("."):
        if isinstance(value, dict):
            value = value.get(name, _MISSING)
        elif isinstance(value, list) and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return _MISSING
    if found[3] is None or not _is_there(value):
        return value
    try:
        return _TURNS[found[3]](value)
    except (ValueError, TypeError, InvalidOperation, OverflowError, OSError):
        raise Unreadable(f"{place}: what stands there cannot be read as {found[3]}") from None


def _text(value: Any) -> str:
    if isinstance(value, (dict, list, bool)):
        raise TypeError
    return str(value)


def _cents(value: Any) -> str:
    return format(Decimal(_text(value)).scaleb(-2), "f")


def _epoch(value: Any) -> str:
    return datetime.fromtimestamp(int(Decimal(_text(value))), UTC).isoformat()


_TURNS: dict[str, Callable[[Any], str]] = {
    "text": _text,
    "cents": _cents,
    "epoch": _epoch,
    "lower": lambda value: _text(value).strip().lower(),
}
