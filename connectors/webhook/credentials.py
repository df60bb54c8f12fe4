"""The endpoint as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.webhook.account import WebhookAccount


class WebhookCredentials(WebhookAccount, CredentialsBlock):
    """An endpoint of your own that is called with signed events, or sends them."""

    _block_type_name = "Webhook Credentials"
    _block_type_slug = "webhook-credentials"
    _connector = "webhook"
    _documentation_url = HttpUrl("https://www.standardwebhooks.com")
    _description = "Calls your own endpoint, and takes signed events from your own shop."
    _code_example = """
    ```python
    from connectors.webhook.credentials import WebhookCredentials

    print(await WebhookCredentials.load("main").check())
    ```
    """
