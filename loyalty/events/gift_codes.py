"""A gift code that a member types in."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, field_validator

from loyalty.events.base import Frozen, Key, Text
from loyalty.events.people import Customer


class GiftCodeUse(Frozen):
    """A member asks for the points of a gift code. `id` names the request, so that it counts once.

    What the code is of is not known before it is looked up: rules see `batch` and `points` filled
    in, whatever was reported.
    """

    id: Key
    code: Annotated[str, Field(max_length=200)] = Field(description="As it was typed.")
    member_id: Key | None = Field(None, description="The hub's id of who is signed in.")
    customer: Customer | None = None
    origin: Text = Field(
        "", description="A keyed digest of the network address: guesses from one place count."
    )
    batch: Text = Field("", description="The name of the code's batch.")
    points: int = Field(0, ge=0, description="What the code is worth.")

    @field_validator("member_id")
    @classmethod
    def _is_an_id_of_the_hub(cls, value: str | None) -> str | None:
        return None if value is None else str(UUID(value))
