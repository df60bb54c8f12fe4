"""The Intercom workspace as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.intercom.account import IntercomAccount
from connectors.kit.credentials import CredentialsBlock


class IntercomCredentials(IntercomAccount, CredentialsBlock):
    """An Intercom workspace whose contacts the hub keeps."""

    _block_type_name = "Intercom Credentials"
    _block_type_slug = "intercom-credentials"
    _connector = "intercom"
    _documentation_url = HttpUrl(
        "https://developers.intercom.com/docs/build-an-integration/learn-more/authentication"
    )
    _description = "An Intercom workspace: its app's access token and client secret."
    _code_example = """
    from connectors.intercom.credentials import IntercomCredentials

    account = IntercomCredentials.load("main")
    print(await account.check())
    """
