"""The Wix account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.wix.account import WixAccount


class WixCredentials(WixAccount, CredentialsBlock):
    """A Wix site."""

    _block_type_name = "Wix Credentials"
    _block_type_slug = "wix-credentials"
    _connector = "wix"
    _documentation_url = HttpUrl(
        "https://dev.wix.com/docs/build-apps/develop-your-app/access/authentication/about-oauth"
    )
    _description = "A Wix site: an app with its instance, or an API key, and the public key."
    _code_example = """
    from connectors.wix.credentials import WixCredentials

    site = WixCredentials.load("main")
    print(await site.check())
    """
