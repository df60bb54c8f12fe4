"""The ActiveCampaign account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.activecampaign.account import ActiveCampaignAccount
from connectors.kit.credentials import CredentialsBlock


class ActiveCampaignCredentials(ActiveCampaignAccount, CredentialsBlock):
    """An ActiveCampaign account whose contacts the hub writes and listens to."""

    _block_type_name = "ActiveCampaign Credentials"
    _block_type_slug = "activecampaign-credentials"
    _connector = "activecampaign"
    _documentation_url = HttpUrl("https://developers.activecampaign.com/reference/authentication")
    _description = "An ActiveCampaign account: its API URL, its key, and the webhooks' secret word."
    _code_example = """
    from connectors.activecampaign.credentials import ActiveCampaignCredentials

    account = ActiveCampaignCredentials.load("main")
    print(await account.check())
    """
