"""The QuickBooks company as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.quickbooks.account import QuickbooksAccount


class QuickbooksCredentials(QuickbooksAccount, CredentialsBlock):
    """A QuickBooks Online company where the hub books sales receipts."""

    _block_type_name = "QuickBooks Credentials"
    _block_type_slug = "quickbooks-credentials"
    _connector = "quickbooks"
    _documentation_url = HttpUrl("https://developer.intuit.com/app/developer/qbo/docs/get-started")
    _description = "A QuickBooks Online company: its realm, and the app's OAuth credentials."
    _code_example = """
    from connectors.quickbooks.credentials import QuickbooksCredentials

    account = QuickbooksCredentials.load("main")
    print(await account.check())
    """
