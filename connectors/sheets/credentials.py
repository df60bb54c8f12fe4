"""The Google Sheets account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.sheets.account import SheetsAccount


class SheetsCredentials(SheetsAccount, CredentialsBlock):
    """Connects one Google spreadsheet to the hub."""

    _block_type_name = "Google Sheets Credentials"
    _block_type_slug = "sheets-credentials"
    _connector = "sheets"
    _documentation_url = HttpUrl(
        "https://developers.google.com/workspace/guides/create-credentials#service-account"
    )
    _description = "Service account and spreadsheet that the hub appends rows to."
    _code_example = """```python
from connectors.sheets.credentials import SheetsCredentials

block = await SheetsCredentials.aload("main")
print(await block.check())
```"""
