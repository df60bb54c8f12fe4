"""The Messenger account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.messenger.account import MessengerAccount


class MessengerCredentials(MessengerAccount, CredentialsBlock):
    """A Facebook Page that members write to and are written to from."""

    _block_type_name = "Messenger Credentials"
    _block_type_slug = "messenger-credentials"
    _connector = "messenger"
    _documentation_url = HttpUrl(
        "https://developers.facebook.com/documentation/business-messaging/messenger-platform"
    )
    _description = "A Facebook Page in Messenger: its id and token, and the app's secret."
    _code_example = """
    from connectors.messenger.credentials import MessengerCredentials

    page = MessengerCredentials.load("main")
    print(await page.check())
    """
