"""The WhatsApp account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.whatsapp.account import WhatsappAccount


class WhatsappCredentials(WhatsappAccount, CredentialsBlock):
    """A WhatsApp business number that members write to and are written to from."""

    _block_type_name = "WhatsApp Credentials"
    _block_type_slug = "whatsapp-credentials"
    _connector = "whatsapp"
    _documentation_url = HttpUrl(
        "https://developers.facebook.com/documentation/business-messaging/whatsapp/access-tokens"
    )
    _description = "A WhatsApp business number: its id, a system user's token, the app's secret."
    _code_example = """
    from connectors.whatsapp.credentials import WhatsappCredentials

    number = WhatsappCredentials.load("main")
    print(await number.check())
    """
