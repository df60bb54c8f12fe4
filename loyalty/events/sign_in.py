"""Somebody wants to be signed in by a link."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field, field_validator

from loyalty.events.base import Frozen, Key


class SignInRequest(Frozen):
    """A link by e-mail was asked for. Whose address it is stands with the link, not here."""

    sign_in_id: Key = Field(description="The row of `sign_ins`.")

    @field_validator("sign_in_id")
    @classmethod
    def _is_an_id_of_the_hub(cls, value: str) -> str:
        return str(UUID(value))
