"""Somebody wants to be signed in by a link."""

from __future__ import annotations

from pydantic import Field

from loyalty.events.base import Frozen, Key


class SignInRequest(Frozen):
    """A link by e-mail was asked for. Whose address it is stands with the link, not here."""

    sign_in_id: Key = Field(description="The row of `sign_ins`.")
