"""The Zoho CRM account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.zoho.account import ZohoAccount


class ZohoCredentials(ZohoAccount, CredentialsBlock):
    """An organisation of Zoho CRM whose contacts, leads and deals come in and are written."""

    _block_type_name = "Zoho CRM Credentials"
    _block_type_slug = "zoho-credentials"
    _connector = "zoho"
    _documentation_url = HttpUrl("https://www.zoho.com/crm/developer/docs/api/v8/auth-request.html")
    _description = "A Zoho CRM organisation: its self client, refresh token and data centre."
    _code_example = """
    from connectors.zoho.credentials import ZohoCredentials

    crm = ZohoCredentials.load("main")
    print(await crm.check())
    """
