"""What somebody wants who makes gift codes: how they may be used, and how many to print."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from loyalty.events import Frozen
from loyalty.gift_codes import BatchRules, Shape, Window, normal_form

MOST_CODES = 1_000_000
"""Of one batch that is generated."""

ODDS = 1_000_000
"""Of so many guesses at a printed code, at most one may hit: else more characters are needed."""

COLUMNS, ROWS = 3, 8
CARDS = COLUMNS * ROWS
"""Of a printed page."""

MOST_CARDS = 20 * CARDS
"""Of one file to print; a larger batch makes several."""

Count = Annotated[int, Field(ge=1, le=1_000_000_000)]


class BatchPlan(Frozen):
    """How the codes of a batch may be used. Days are whole days in the programme's zone."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    valid_from: date | None = Field(None, description="The first day.")
    valid_to: date | None = Field(None, description="The last day, to its end.")
    max_uses: Count = Field(1, description="How often one code may be used in all.")
    per_member: Count = Field(1, description="How often by one member.")
    batch_uses: Count | None = Field(None, description="How often all its codes together.")
    batch_per_member: Count | None = Field(None, description="How many of them by one member.")

    @field_validator("name")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("a batch needs a name")
        return " ".join(value.split())

    @model_validator(mode="after")
    def _has_days(self) -> BatchPlan:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError(f"the last day ({self.valid_to}) is before the first")
        return self

    @property
    def rules(self) -> BatchRules:
        """What holds for each of its codes."""
        return BatchRules(
            window=Window(self.valid_from, self.valid_to),
            max_uses=self.max_uses,
            per_member=self.per_member,
            batch_uses=self.batch_uses,
            batch_per_member=self.batch_per_member,
        )


class PrintPlan(BatchPlan):
    """Codes to print. Points are in the programme's smallest unit."""

    count: int = Field(ge=1, le=MOST_CODES)
    points: int = Field(gt=0, le=1_000_000_000)
    prefix: str = Field("", max_length=16, description="Every code begins with it: `FAIR`.")
    length: int = Field(12, ge=6, le=20, description="Characters behind the prefix.")

    @field_validator("prefix")
    @classmethod
    def _can_be_typed(cls, value: str) -> str:
        if not value.strip():
            return ""
        # One character alone is too short for a code, and long enough to begin one.
        code = normal_form(f"{value}XX")
        if not code:
            raise ValueError(f"the prefix {value!r} has to be of letters A to Z and digits")
        return code[:-2]

    @model_validator(mode="after")
    def _cannot_be_guessed(self) -> PrintPlan:
        possible = self.shape.possible
        if self.count * ODDS > possible:
            raise ValueError(
                f"{self.count} codes of {self.length} characters are too easy to guess: "
                f"take {needed_length(self.count)}"
            )
        return self

    @property
    def shape(self) -> Shape:
        """How its codes look."""
        return Shape(self.prefix, self.length)


def needed_length(count: int) -> int:
    """How many characters so many codes need, so that guessing is hopeless."""
    return next(n for n in range(6, 21) if count * ODDS <= Shape("", n).possible)
