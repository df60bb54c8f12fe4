"""How texts write amounts, points, dates and plurals: as the recipient's language does.

CLDR's data by Babel (https://babel.pocoo.org/en/stable/). Every filter takes the language and
the zone from the text that is being filled in.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from jinja2 import TemplateRuntimeError, pass_context
from jinja2.runtime import Context

from loyalty.occasions import zone_of

T = TypeVar("T")
Length = Literal["short", "medium", "long", "full"]

KEY = "_formats"
"""Under which the formats stand in the context; texts cannot begin names of theirs with `_`."""

MAX_NUMBER = Decimal(10) ** 30
MAX_DIGITS = 60
_LENGTHS = ("short", "medium", "long", "full")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Formats:
    """The formats of one language in one zone, for one programme."""

    locale: Locale
    zone: ZoneInfo
    currency: str = "EUR"
    unit_scale: int = 0

    def money(self, value: Any, currency: str = "") -> str:
        """An amount in major units, rounded to what the currency has: `1.234,50 €`."""
        code = currency or self.currency
        if not isinstance(code, str) or not _CURRENCY.fullmatch(code):
            raise TemplateRuntimeError(f"`money` needs a currency of three letters, not {code!r}")
        return numbers.format_currency(_number(value, "money"), code, locale=self.locale)

    def number(self, value: Any, decimals: int | None = None) -> str:
        """A number: `12,345.6`; with `decimals`, with exactly so many."""
        pattern = "" if decimals is None else _pattern(decimals)
        return _written(self.locale, str(_number(value, "number")), pattern)

    def points(self, value: Any) -> str:
        """Points that the books count in the programme's smallest unit, as people count them."""
        amount = _number(value, "points").scaleb(-self.unit_scale).normalize()
        return _written(self.locale, str(amount))

    def date(self, value: Any, length: Length = "long") -> str:
        """A day: `2 March 2026`; an instant falls on its day in the recipient's zone."""
        moment = _moment(value, "date")
        day = moment.astimezone(self.zone).date() if isinstance(moment, datetime) else moment
        return dates.format_date(day, format=_length(length), locale=self.locale)

    def last_day(self, value: Any, length: Length = "long") -> str:
        """The last day on which something can be used that ends at this instant."""
        moment = _moment(value, "last_day")
        is_instant = isinstance(moment, datetime)
        return self.date(moment - timedelta(microseconds=1) if is_instant else moment, length)

    def datetime(self, value: Any, length: Length = "medium") -> str:
        """An instant in the recipient's zone, which the longer lengths name."""
        moment = _moment(value, "datetime")
        if not isinstance(moment, datetime):
            raise TemplateRuntimeError("`datetime` needs an instant; for a day there is `date`")
        return dates.format_datetime(
            moment, format=_length(length), tzinfo=self.zone, locale=self.locale
        )

    def plural(self, value: Any, forms: dict[str, str]) -> str:
        """The form that the language uses with this number."""
        unknown = set(forms) - {"zero", "one", "two", "few", "many", "other"}
        if unknown or "other" not in forms:
            told = "`plural` takes one, two, few, many and zero, and always other"
            raise TemplateRuntimeError(told)
        return str(forms.get(self.plural_form(value), forms["other"]))

    def plural_form(self, value: Any) -> str:
        """CLDR's name of the form that the language uses with this number: `one`, `few` …"""
        return _plural_form(self.locale, str(_number(value, "plural")))


# A mail writes one number several times: in its subject, twice in its HTML, in its text.
@lru_cache(maxsize=4096)
def _written(locale: Locale, number: str, pattern: str = "") -> str:
    """A number as the locale writes it: with all its decimals, or as the pattern says."""
    amount = Decimal(number)
    if not pattern:
        return numbers.format_decimal(amount, locale=locale, decimal_quantization=False)
    return numbers.format_decimal(amount, format=pattern, locale=locale)


@lru_cache(maxsize=4096)
def _plural_form(locale: Locale, number: str) -> str:
    return str(locale.plural_form(Decimal(number)))


@lru_cache(maxsize=1024)
def formats(locale: Locale, zone: str, programme_zone: str, money: tuple[str, int]) -> Formats:
    """Formats for a recipient, kept for the next: `money` is currency and `unit_scale`."""
    return Formats(locale, zone_of(zone, programme_zone), *money)


def _of(context: Context) -> Formats:
    found = context.get(KEY)
    if not isinstance(found, Formats):
        raise TemplateRuntimeError("there is no language to write numbers and dates in")
    return found


def _filter(write: Callable[..., str]) -> Callable[..., str]:
    # `pass_context` also keeps Jinja from working out constants when it compiles: the language
    # is known only when the text is filled in.
    @pass_context
    def written(context: Context, value: Any, *args: Any, **kwargs: Any) -> str:
        return write(_of(context), value, *args, **kwargs)

    return written


@pass_context
def plural(context: Context, value: Any, **forms: str) -> str:
    """`plural(n, one="point", other="points")`, by the language's own rule (CLDR)."""
    return _of(context).plural(value, forms)


FILTERS: dict[str, Callable[..., str]] = {
    "money": _filter(Formats.money),
    "number": _filter(Formats.number),
    "points": _filter(Formats.points),
    "date": _filter(Formats.date),
    "last_day": _filter(Formats.last_day),
    "datetime": _filter(Formats.datetime),
}


def _number(value: Any, name: str) -> Decimal:
    try:
        found = Decimal(str(value)) if not isinstance(value, bool) else None
    except InvalidOperation:
        found = None
    if found is None or not found.is_finite():
        raise TemplateRuntimeError(f"`{name}` needs a number, not {str(value)[:40]!r}")
    # Written out, 1e-999999 would be a million digits.
    if abs(found) > MAX_NUMBER or abs(int(found.as_tuple().exponent)) > MAX_DIGITS:
        raise TemplateRuntimeError("a value in it grows out of bounds")
    return found


def _pattern(decimals: int) -> str:
    if not isinstance(decimals, int) or not 0 <= decimals <= 10:
        raise TemplateRuntimeError("`number` takes 0 to 10 decimals")
    return "#,##0" + ("." + "0" * decimals if decimals else "")


def _length(length: str) -> Any:
    if length not in _LENGTHS:
        raise TemplateRuntimeError(f"a date is {', '.join(_LENGTHS)}; not {str(length)[:40]!r}")
    return length


def _moment(value: Any, name: str) -> date | datetime:
    if isinstance(value, str):
        try:
            # Values of announcements and of rules are kept as text.
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:
            raise TemplateRuntimeError(f"`{name}` needs a date, not {value[:40]!r}") from None
    if isinstance(value, datetime) and value.tzinfo is None:
        raise TemplateRuntimeError(f"`{name}` needs an instant with a zone")
    if not isinstance(value, date):
        raise TemplateRuntimeError(f"`{name}` needs a date, not {str(value)[:40]!r}")
    return value
