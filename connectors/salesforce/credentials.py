"""The Marketing Cloud account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.salesforce.account import SalesforceAccount


class SalesforceCredentials(SalesforceAccount, CredentialsBlock):
    """A business unit of Marketing Cloud that the hub writes to and hears of."""

    _block_type_name = "Salesforce Marketing Cloud Credentials"
    _block_type_slug = "salesforce-credentials"
    _connector = "salesforce"
    _documentation_url = HttpUrl(
        "https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/access-token-s2s.html"
    )
    _description = "A business unit of Marketing Cloud: its two addresses and an installed package."
    _code_example = """
    from connectors.salesforce.credentials import SalesforceCredentials

    unit = SalesforceCredentials.load("main")
    print(await unit.check())
    """
