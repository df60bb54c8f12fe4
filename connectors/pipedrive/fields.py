"""Names of fields and labels, as people see them, in Pipedrive's codes.

https://developers.pipedrive.com/docs/api/v1/PersonFields: a custom field's code is a hash of 40
letters, and a choice is written by its number. Rules name neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connectors.kit.capabilities import Properties, Scalar
from connectors.kit.errors import InvalidRequest
from connectors.kit.values import as_text, json_number

if TYPE_CHECKING:
    from connectors.pipedrive.client import PipedriveClient

CODE = re.compile(r"[0-9a-f]{40}")
PLAIN = frozenset({"job_title", "notes", "birthday"})
"""Fields of Pipedrive's own that a rule may write. Consent is not among them."""
LABELS = "label_ids"


async def body_of(client: PipedriveClient, properties: Properties) -> dict[str, Any]:
    """What a person's body holds of these properties.

    Raises:
        InvalidRequest: Pipedrive has no such field or choice; the text names it.
    """
    body: dict[str, Any] = {}
    custom: dict[str, Any] = {}
    for name, value in properties.items():
        if name in PLAIN:
            body[name] = as_text(value)
        else:
            field = await _field(client, name)
            custom[str(field["field_code"])] = _written(field, value)
    return {**body, "custom_fields": custom} if custom else body


async def code_of(client: PipedriveClient, name: str) -> str:
    """The code of a custom field."""
    return str((await _field(client, name))["field_code"])


async def labels(client: PipedriveClient, names: Sequence[str]) -> list[int]:
    """The numbers of labels.

    Raises:
        InvalidRequest: There is no such label; the text names it.
    """
    for attempt in range(2):
        found = _options(await client.person_fields())
        missing = [name for name in names if name.casefold() not in found]
        if not missing:
            return [found[name.casefold()] for name in names]
        if attempt == 0:
            client.forget_fields()
    raise InvalidRequest(f"Pipedrive has no label {missing[0][:100]!r} for persons: make it there")


def _options(fields: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    of_labels = (one for one in fields if one.get("field_code") == LABELS)
    return {
        str(option["label"]).casefold(): int(option["id"])
        for field in of_labels
        for option in field.get("options") or ()
    }


async def _field(client: PipedriveClient, name: str) -> Mapping[str, Any]:
    for attempt in range(2):
        for one in await client.person_fields():
            is_named = name in (one.get("field_code"), one.get("field_name"))
            if is_named and one.get("is_custom_field") is True and one.get("field_code"):
                return one
        if attempt == 0:
            client.forget_fields()
    raise InvalidRequest(f"Pipedrive's persons have no custom field {name[:100]!r}: make it there")


def _written(field: Mapping[str, Any], value: Scalar) -> Any:
    kind = field.get("field_type")
    if value is None:
        return None
    if kind in ("enum", "set"):
        choice = as_text(value)
        for option in field.get("options") or ():
            if str(option.get("label", "")).casefold() == choice.casefold():
                return [option["id"]] if kind == "set" else option["id"]
        raise InvalidRequest(
            f"the field {str(field.get('field_name'))[:100]!r} has no choice {choice[:100]!r}"
        )
    if kind in ("int", "double"):
        return number(value, str(field.get("field_name")))
    return as_text(value)


def number(value: Scalar, what: str) -> int | float:
    """A value in a number field, only where JSON's numbers keep all of it.

    Raises:
        InvalidRequest: It is no number, or has too many digits.
    """
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise InvalidRequest(f"{what[:100]!r} takes a number")
    return json_number(value, what)
