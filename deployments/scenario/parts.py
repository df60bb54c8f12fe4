"""What the pieces of a scenario file share: strict keys, exact numbers, aware instants."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from loyalty.money import Amount

Name = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]


Target = Literal["sms", "slack", "sheets"]
"""Where a fan-out goes."""


def _moment(value: object) -> object:
    if isinstance(value, (str, datetime)):
        return value
    raise ValueError("an instant is written as '2026-01-05T10:00:00Z', with its offset")


Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""An instant with its offset; a bare number is no instant."""

Points = Amount
"""Points as people see them: with `unit_scale: 2`, 0.99 is ninety-nine hundredths of a point."""


class Part(BaseModel):
    """A piece of the file. A key that is not known is an error, never ignored."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, coerce_numbers_to_str=True
    )
