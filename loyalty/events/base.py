"""What all models of events share: frozen, and an unknown field is an error."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Key = Annotated[str, Field(min_length=1, max_length=200)]


Text = Annotated[str, Field(max_length=500)]


MAX_LINES = 10_000


class Frozen(BaseModel):
    """Crosses a boundary: immutable, and an unknown field is an error, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid")


M = TypeVar("M", bound=Frozen)


def made(model: type[M], **fields: Any) -> M:
    """An instance of what was just worked out, every field given, without validating it again:
    that would cost more than deciding did (pydantic's `model_construct` costs even more)."""
    found = model.__new__(model)
    settle = object.__setattr__
    settle(found, "__dict__", fields)
    settle(found, "__pydantic_fields_set__", _all_fields(model))
    settle(found, "__pydantic_extra__", None)
    settle(found, "__pydantic_private__", None)
    return found


@cache
def _all_fields(model: type[Frozen]) -> set[str]:
    return set(model.model_fields)
