"""Examples of events for Zapier's editor: real ones without personal data, else invented ones."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from connectors.kit.redact import without_people
from loyalty.events import DATA_MODELS, EventType
from loyalty.store.hooks_out import Happened

_PERSONAL: Mapping[str, str] = {
    "email": "ann@customer.example",
    "phone": "+15005550123",
    "first_name": "Ann",
    "last_name": "Berg",
    "birthday": "1990-02-28",
    "card": "card-1",
    "address": "ann@customer.example",
    "sender": "+15005550123",
    "recipient": "+15005550100",
    "body": "A message.",
    "reason": "A reason.",
    "detail": "A detail.",
    "note": "A note.",
    "by": "Kim",
    "created_at": "2026-01-01T00:00:00Z",
}
"""What stands in an example in place of what a person said or is called."""


@cache
def built_in() -> Mapping[str, Mapping[str, Any]]:
    """An invented example of every type."""
    text = (Path(__file__).parent / "samples.json").read_text("utf-8")
    found: dict[str, Mapping[str, Any]] = json.loads(text)
    return found


def samples_of(event: str, happened: Sequence[Happened]) -> list[Mapping[str, Any]]:
    """The examples of a type, newest first; the invented one where nothing has happened yet."""
    return [_sample(one) for one in happened] or [built_in()[event]]


def _sample(one: Happened) -> Mapping[str, Any]:
    kind = EventType(one.type)
    # Read with its model, so that an example has every field, as what is delivered has.
    data = DATA_MODELS[kind].model_validate(one.data).model_dump(mode="json")
    if kind is EventType.MEMBER_ERASED:
        data = {"customer": {"id": data["customer"]["id"]}}
    sample = {
        "specversion": "1.0",
        "id": str(one.id),
        "source": f"/{one.store}",
        "type": one.type,
        "time": one.time.isoformat(),
        "subject": without_names(one.subject),
        "data": scrubbed(data),
    }
    if one.member_id is not None:
        sample["memberid"] = str(one.member_id)
    outcome = one.outcome or {}
    return sample | {name: outcome[name] for name in ("points", "balance") if name in outcome}


def without_names(subject: str) -> str:
    """The ordering key; where it is made of a person's address, an invented one."""
    if subject.startswith("contact:"):
        return f"contact:{_PERSONAL['email']}"
    return without_people(subject)


def scrubbed(value: Any) -> Any:
    """The value with invented texts in place of personal ones; numbers and ids stay."""
    if isinstance(value, dict):
        return {
            name: _PERSONAL[name] if name in _PERSONAL and _is_said(inner) else scrubbed(inner)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [scrubbed(one) for one in value]
    return without_people(value) if isinstance(value, str) else value


def _is_said(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
