"""The catalogue's form: what people type, read into an item; and an item, written into the form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from gateway.console.points import read_points, shown_points
from loyalty.catalogue import RewardItem
from loyalty.expiry import first_instant, local_day
from loyalty.programme import Programme

TEXTS = ("id", "kind", "product", "connection", "code_prefix", "image_url", "shop_url")
NUMBERS = ("per_member", "stock", "valid_days", "place")
AMOUNTS = ("value", "least_amount", "most_amount", "order_minimum")
POINTS = ("points", "points_per_unit")
LISTS = ("tiers", "reminder_days")
WORDS = ("names", "descriptions")
DAYS = ("starts", "ends")
TICKS = ("is_active", "is_percent", "returns_on_expiry")
FIELDS = (*TEXTS, *NUMBERS, *AMOUNTS, *POINTS, *LISTS, *WORDS, *DAYS)

_ADVICE = {
    "id": "Use small letters, digits and hyphens, such as five-off.",
    "names": "Write a line for each language: the language, a colon, the name. `en: 5 € off`",
    "descriptions": "Write a line for each language: the language, a colon, the text.",
    "points": "Give a number of points above 0, such as 500.",
    "points_per_unit": "Give a whole number of points above 0, such as 20.",
    "code_prefix": "Up to eight capital letters or digits, or nothing.",
    "image_url": "Give an address that begins with https://, or nothing.",
    "shop_url": "Give an address that begins with https://, or nothing.",
    "connection": "Choose one of the list.",
    "reminder_days": "Give up to five numbers of days, such as 7, 1.",
    "starts": "Give a day, such as 2026-12-01.",
    "ends": "Give a day, such as 2026-12-31.",
    "value": "Give a number above 0, such as 5.00.",
    "order_minimum": "Give an amount above 0, such as 30.00, or nothing.",
    "least_amount": "Give an amount above 0, such as 5.00.",
    "most_amount": "Give an amount above 0, such as 100.00.",
    "per_member": "Give a whole number of at least 1, or nothing.",
    "stock": "Give a whole number, or nothing for any number.",
    "valid_days": "Give 1 to 3650 days, or nothing for no end.",
    "place": "Give a whole number; lower ones come first.",
}


@dataclass(slots=True)
class Filled:
    """A form as it was sent: the item, or what has to be put right.

    Attributes:
        problems: By field, a sentence; under `form` what concerns several.
    """

    item: RewardItem | None = None
    problems: dict[str, str] = field(default_factory=dict)


def read_form(sent: Mapping[str, str], programme: Programme) -> Filled:
    """What the fields come to."""
    found = Filled()
    document: dict[str, Any] = {name: sent.get(name, "") for name in TEXTS}
    for name in (*NUMBERS, *AMOUNTS):
        if text := sent.get(name, ""):
            document[name] = text.replace(",", ".") if name in AMOUNTS else text
    for name in POINTS:
        _read_points(found, document, name, sent.get(name, ""), programme.unit_scale)
    for name in LISTS:
        document[name] = [one.strip() for one in sent.get(name, "").split(",") if one.strip()]
    for name in WORDS:
        document[name] = _read_words(found, name, sent.get(name, ""))
    for name in DAYS:
        _read_day(found, document, name, sent.get(name, ""), ZoneInfo(programme.zone))
    document |= {name: sent.get(name, "") == "yes" for name in TICKS}
    try:
        item = RewardItem.model_validate(document)
    except ValidationError as error:
        for name, told in _problems(error).items():
            found.problems.setdefault(name, told)
    else:
        found.item = None if found.problems else item
    return found


def _read_points(found: Filled, document: dict[str, Any], name: str, text: str, scale: int) -> None:
    if text:
        document[name] = read_points(text, scale)
        if document[name] is None:
            found.problems[name] = _ADVICE[name]


def _read_words(found: Filled, name: str, text: str) -> dict[str, str]:
    words = {}
    for line in filter(None, (one.strip() for one in text.splitlines())):
        language, colon, said = line.partition(":")
        if not colon or not said.strip():
            found.problems[name] = _ADVICE[name]
        words[language.strip()] = said.strip()
    return words


def _read_day(
    found: Filled, document: dict[str, Any], name: str, text: str, zone: ZoneInfo
) -> None:
    if not text:
        return
    try:
        day = date.fromisoformat(text)
        # The last day counts whole.
        document[name] = first_instant(day + timedelta(days=name == "ends"), zone)
    except (ValueError, OverflowError):
        found.problems[name] = _ADVICE[name]


def _problems(error: ValidationError) -> dict[str, str]:
    told: dict[str, str] = {}
    for one in error.errors(include_input=False, include_url=False):
        name = str(one["loc"][0]) if one["loc"] else "form"
        said = one["msg"].removeprefix("Value error, ")
        told.setdefault(name, _ADVICE.get(name, f"{said[:1].upper()}{said[1:]}."))
    return told


def written(item: RewardItem, programme: Programme) -> dict[str, str]:
    """The fields of an item, as the form shows them."""
    zone, scale = ZoneInfo(programme.zone), programme.unit_scale
    shown = {name: str(getattr(item, name) or "") for name in TEXTS}
    shown["kind"] = item.kind.value
    shown |= {name: _number(getattr(item, name)) for name in (*NUMBERS, *AMOUNTS)}
    for name in POINTS:
        points = getattr(item, name)
        shown[name] = "" if points is None else shown_points(points, scale)
    shown |= {name: ", ".join(str(one) for one in getattr(item, name)) for name in LISTS}
    for name in WORDS:
        shown[name] = "\n".join(f"{tag}: {said}" for tag, said in getattr(item, name).items())
    shown["starts"] = _day(item.starts, zone, back=timedelta(0))
    shown["ends"] = _day(item.ends, zone, back=timedelta(seconds=1))
    return shown | {name: "yes" if getattr(item, name) else "" for name in TICKS}


def _number(value: int | Decimal | None) -> str:
    return "" if value is None else format(value, "f") if isinstance(value, Decimal) else str(value)


def _day(at: datetime | None, zone: ZoneInfo, *, back: timedelta) -> str:
    return "" if at is None else local_day(at.astimezone(UTC) - back, zone).isoformat()
