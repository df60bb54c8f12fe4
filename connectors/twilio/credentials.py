"""The Twilio account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.twilio.account import TwilioAccount


class TwilioCredentials(TwilioAccount, CredentialsBlock):
    """A Twilio account that sends texts and receives replies and delivery reports."""

    _block_type_name = "Twilio Credentials"
    _block_type_slug = "twilio-credentials"
    _connector = "twilio"
    _documentation_url = HttpUrl("https://www.twilio.com/docs/usage/requests-to-twilio")
    _description = "Sends texts through Twilio, and checks what Twilio sends to the hub."
    _code_example = """
    ```python
    from connectors.twilio.credentials import TwilioCredentials

    print(await TwilioCredentials.load("main").check())
    ```
    """
