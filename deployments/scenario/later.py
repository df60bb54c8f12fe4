"""Steps that the file may have and this version of the hub cannot play yet.

They are known so that a typo in them is found now and a case that needs them says so.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, create_model

from deployments.scenario.steps_base import Reported

_KEYS: dict[str, tuple[str, ...]] = {}


class Later(Reported):
    """A step of a later version."""

    do: str


def _model(kind: str, keys: tuple[str, ...]) -> type[Reported]:
    fields: dict[str, Any] = {key: (Any, None) for key in keys if key != "from"}
    if "from" in keys:
        fields["sender"] = (Any, Field(None, alias="from"))
    fields["do"] = (Literal[kind], kind)
    return create_model("".join(part.title() for part in kind.split(".")), __base__=Later, **fields)


LATER = {kind: _model(kind, keys) for kind, keys in _KEYS.items()}
