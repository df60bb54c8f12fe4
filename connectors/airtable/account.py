"""A base at Airtable and the personal access token that opens it.

Follows https://airtable.com/developers/web/api/authentication.
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret

TABLE_ID = r"^(tbl[A-Za-z0-9]{14})?$"


class AirtableAccount(Account):
    """One base. Which of its tables hold people or forms is said here."""

    access_token: Secret = Field(
        description="Personal access token with the scopes below and access to this base (begins "
        "with pat)."
    )
    base_id: str = Field(
        description="The base's id, app and 14 letters: it stands in the base's address.",
        pattern=r"^app[A-Za-z0-9]{14}$",
    )
    table: str = Field(
        description="Name or id of the table that rules write to where they name none.",
        min_length=1,
        max_length=200,
    )
    mac_secret: OptionalSecret = Field(
        None,
        description="Leave it empty: Airtable makes it with the webhook (macSecretBase64), and "
        "tells it only then.",
    )
    people_table: str = Field(
        "",
        description="Id (tbl…) of the table whose records are people; empty where there is none.",
        pattern=TABLE_ID,
    )
    activity_table: str = Field(
        "",
        description="Id (tbl…) of a table whose new records are activities, such as a form's; "
        "empty where there is none.",
        pattern=TABLE_ID,
    )
    activity_name: str = Field(
        "form_submitted",
        description="The name of the activity that a new record of that table is.",
        pattern=r"^[a-z0-9_]{1,100}$",
    )
    email_field: str = Field(
        "Email", description="The column with the e-mail address.", min_length=1, max_length=200
    )
    phone_field: str = Field(
        "Phone", description="The column with the telephone number.", max_length=200
    )
    first_name_field: str = Field(
        "First name", description="The column with the first name.", max_length=200
    )
    last_name_field: str = Field(
        "Last name", description="The column with the last name.", max_length=200
    )
    reference_field: str = Field(
        "Hub reference",
        description="A text column of every table that the hub creates records in: by what stands "
        "there a record is made once.",
        min_length=1,
        max_length=200,
    )
    typecast: bool = Field(
        True, description="Let Airtable turn text into the column's type, and add missing choices."
    )
    base_url: BaseUrl = Field(
        "https://api.airtable.com", description="Leave it: the address of Airtable's API."
    )
