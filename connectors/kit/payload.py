"""Field types for what vendors send: exact, clean, and total.

A vendor's payload is read into a small model of the fields that are used. Whatever stands in
it, reading ends with a value or with Unreadable, never with a KeyError further on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)

from connectors.kit.webhook import Unreadable
from loyalty.money import Amount

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class VendorModel(BaseModel):
    """Base of the models of payloads: only the fields that are used, everything else ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


def read(model: type[Model], payload: Any) -> Model:
    """The payload as the model; Unreadable names the first fields that are wrong."""
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        found = [
            f"{'.'.join(str(part) for part in one['loc']) or 'payload'}: {one['msg']}"
            for one in error.errors(include_url=False, include_input=False)[:3]
        ]
        raise Unreadable(f"the payload cannot be read: {'; '.join(found)}") from None


def clean(text: str) -> str:
    """The text without what no database stores: NUL and halves of surrogate pairs."""
    return _UNSTORABLE.sub("", text).strip()


def _text(value: Any) -> Any:
    if isinstance(value, str):
        plain = value if value.isprintable() else clean(value)
        return plain.strip()[:500]
    return "" if value is None else value


def _id(value: Any) -> Any:
    if type(value) is int:
        return str(value)
    return clean(value) if isinstance(value, str) else value


def _optional_id(value: Any) -> Any:
    is_empty = value is None or (isinstance(value, (str, int)) and value in ("", "0", 0))
    return None if is_empty else _id(value)


def _contact(value: Any) -> Any:
    text = _text(value)
    return text if not isinstance(text, str) or 0 < len(text) <= 254 else None


def _country(value: Any) -> Any:
    text = _text(value)
    return text if not isinstance(text, str) or len(text) == 2 else ""


def _money(value: Any) -> Any:
    return Decimal(0) if value is None or (isinstance(value, str) and not value) else value


def _no_number(value: Any) -> Any:
    if value is not None and not isinstance(value, (str, datetime)):
        raise ValueError("a time is ISO 8601 text")
    return value


def _plausible(value: datetime) -> datetime:
    if not 1970 <= value.year < 2200:
        raise ValueError("the year is out of range")
    return value.astimezone(UTC)


def _as_utc(value: datetime) -> datetime:
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def _list(value: Any) -> Any:
    return () if value is None else value


def _object(value: Any) -> Any:
    return None if isinstance(value, list) and not value else value


def _blank_is_none(value: Any) -> Any:
    plain = value.get_secret_value() if isinstance(value, SecretStr) else value
    return None if plain == "" else value


Text = Annotated[str, BeforeValidator(_text)]
"""Text for people, cut at 500 characters; null is empty."""

Id = Annotated[str, Field(min_length=1, max_length=150), BeforeValidator(_id)]
"""A vendor's id, number or text, as text."""

OptionalId = Annotated[
    Annotated[str, Field(min_length=1, max_length=150)] | None, BeforeValidator(_optional_id)
]
"""A vendor's id, where null, zero and the empty text all say that there is none."""

Contact = Annotated[str | None, BeforeValidator(_contact)]
"""An address or number; None where it is empty or longer than any address is."""

Country = Annotated[str, BeforeValidator(_country)]
"""Two letters, or empty."""

Money = Annotated[Amount, BeforeValidator(_money)]
"""An exact amount; null and the empty text are zero."""

Instant = Annotated[AwareDatetime, BeforeValidator(_no_number), AfterValidator(_plausible)]
"""An aware time, in UTC, so that one instant is spelled one way in keys."""

UtcInstant = Annotated[
    datetime, BeforeValidator(_no_number), AfterValidator(_as_utc), AfterValidator(_plausible)
]
"""A time that the vendor writes in UTC without saying so."""

Items = Annotated[tuple[T, ...], BeforeValidator(_list)]
"""A list; null is empty."""

Maybe = Annotated[T | None, BeforeValidator(_object)]
"""An object or null; PHP writes an empty object as `[]`."""


BlankIsNone = BeforeValidator(_blank_is_none)
"""For optional fields of accounts: forms send what was left out as the empty text."""


def first_time(moments: Iterable[datetime | None], what: str) -> datetime:
    """The first time that is there; Unreadable where there is none."""
    for moment in moments:
        if moment is not None:
            return moment
    raise Unreadable(f"{what} says no time at which it happened")
