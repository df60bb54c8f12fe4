"""A Google service account and one spreadsheet it may edit.

https://developers.google.com/workspace/guides/create-credentials#service-account
"""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl

DEFAULT_URL = "https://sheets.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/spreadsheets"

_NEEDED = ("client_email", "private_key", "token_uri")


def _key_file(secret: SecretStr) -> SecretStr:
    try:
        found = json.loads(secret.get_secret_value())
    except ValueError:
        raise ValueError("must be the whole JSON key file of the service account") from None
    if not isinstance(found, dict) or found.get("type") != "service_account":
        raise ValueError("must be the key file of a service account, with that type in it")
    missing = [name for name in _NEEDED if not isinstance(found.get(name), str)]
    if missing:
        raise ValueError(f"the key file lacks {', '.join(missing)}")
    return secret


Title = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\[\]*?:/\\]+$")]


class SheetsAccount(Account):
    """What the hub needs to append rows to one spreadsheet."""

    service_account: Annotated[SecretStr, AfterValidator(_key_file)] = Field(
        description="The JSON key file of the service account; share the spreadsheet with its "
        "client_email as an editor."
    )
    spreadsheet_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{10,100}$")] = Field(
        description="The part of the spreadsheet's address between /d/ and /edit."
    )
    worksheet: Title = Field("Loyalty", description="The worksheet rows go to by default.")
    columns: tuple[Title, ...] = Field(
        (), description="Headings of a worksheet that the hub has to create, from the left."
    )
    create_worksheet: bool = Field(
        True, description="Whether a worksheet that is missing is created, with a heading row."
    )
    base_url: BaseUrl = Field(
        DEFAULT_URL,
        description="Address of the API; at another address than Google's, tokens come from "
        "there too, below /token.",
    )

    def key_file(self) -> dict[str, Any]:
        """The service account's key, with the token address that belongs to the base URL."""
        found: dict[str, Any] = json.loads(self.service_account.get_secret_value())
        if self.base_url != DEFAULT_URL:
            found["token_uri"] = f"{self.base_url}/token"
        return found
