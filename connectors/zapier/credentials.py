"""The private Zapier app as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.zapier.account import ZapierAccount


class ZapierCredentials(ZapierAccount, CredentialsBlock):
    """Lets Zaps be started by the hub's events, and report to the hub."""

    _block_type_name = "Zapier Credentials"
    _block_type_slug = "zapier-credentials"
    _connector = "zapier"
    _documentation_url = HttpUrl("https://docs.zapier.com/platform/build/hook-trigger")
    _description = "Starts Zaps with the hub's events, and takes what Zaps report."
