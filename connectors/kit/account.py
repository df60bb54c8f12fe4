"""What a configured account of a vendor consists of: plain, typed, secret where it must be.

`Account` holds the fields, without Prefect, so that the gateway and scripts stay light.
`credentials.py` of each vendor turns it into a Prefect block for the UI.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, SecretStr


class Account(BaseModel):
    """Base of every vendor's account.

    Every field has a description that ends with a period; every secret is a SecretStr. The
    model is validated again wherever it is loaded, since Prefect's UI saves without it.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", hide_input_in_errors=True)

    def plain(self) -> dict[str, Any]:
        """The fields with their secrets revealed, JSON-ready: only for sealing."""
        return {name: _revealed(getattr(self, name)) for name in type(self).model_fields}


def _revealed(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, (list, tuple)):
        return [_revealed(item) for item in value]
    if isinstance(value, dict):
        return {key: _revealed(item) for key, item in value.items()}
    return value
