"""What all models of events share: frozen, and an unknown field is an error."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Key = Annotated[str, Field(min_length=1, max_length=200)]


Text = Annotated[str, Field(max_length=500)]


MAX_LINES = 10_000


class Frozen(BaseModel):
    """Crosses a boundary: immutable, and an unknown field is an error, not a surprise."""

    model_config = ConfigDict(frozen=True, extra="forbid")


M = TypeVar("M", bound=Frozen)


class _FieldNames(dict[type[Frozen], set[str]]):
    """The names of each model's fields, collected once."""

    def __missing__(self, model: type[Frozen]) -> set[str]:
        found = self[model] = set(model.model_fields)
        return found


_FIELD_NAMES = _FieldNames()

# What pydantic keeps of an instance. Set through the slots themselves, past the lookup by name.
_new = object.__new__
_set_values, _set_given, _set_extra, _set_private = (
    vars(BaseModel)[slot].__set__
    for slot in (
        "__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__",
    )
)  # fmt: skip


def made(model: type[M], **fields: Any) -> M:
    """An instance of what was just worked out, every field given, without validating it again:
    that would cost more than deciding did (pydantic's `model_construct` costs even more)."""
    found = _new(model)
    _set_values(found, fields)
    _set_given(found, _FIELD_NAMES[model])
    _set_extra(found, None)
    _set_private(found, None)
    return found
