"""The Airtable account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.airtable.account import AirtableAccount
from connectors.kit.credentials import CredentialsBlock


class AirtableCredentials(AirtableAccount, CredentialsBlock):
    """A base at Airtable whose records come in when they change and are written."""

    _block_type_name = "Airtable Credentials"
    _block_type_slug = "airtable-credentials"
    _connector = "airtable"
    _documentation_url = HttpUrl(
        "https://airtable.com/developers/web/guides/personal-access-tokens"
    )
    _description = "A base at Airtable: its id, a personal access token, and its tables."
    _code_example = """
    from connectors.airtable.credentials import AirtableCredentials

    base = AirtableCredentials.load("main")
    print(await base.check())
    """
