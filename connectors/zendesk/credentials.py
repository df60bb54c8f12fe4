"""The Zendesk account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.zendesk.account import ZendeskAccount


class ZendeskCredentials(ZendeskAccount, CredentialsBlock):
    """A Zendesk account where the hub opens tickets and keeps users."""

    _block_type_name = "Zendesk Credentials"
    _block_type_slug = "zendesk-credentials"
    _connector = "zendesk"
    _documentation_url = HttpUrl(
        "https://developer.zendesk.com/api-reference/introduction/security-and-auth/"
    )
    _description = "A Zendesk account: its address, an agent, and the agent's API token."
    _code_example = """
    from connectors.zendesk.credentials import ZendeskCredentials

    account = ZendeskCredentials.load("main")
    print(await account.check())
    """
