"""The Smile.io account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.smile.account import SmileAccount


class SmileCredentials(SmileAccount, CredentialsBlock):
    """A Smile.io programme whose members, points and rewards the hub keeps in step."""

    _block_type_name = "Smile.io Credentials"
    _block_type_slug = "smile-credentials"
    _connector = "smile"
    _documentation_url = HttpUrl("https://dev.smile.io/api/authentication")
    _description = "A Smile.io programme: its API key and the token in the webhook's address."
    _code_example = """
    from connectors.smile.credentials import SmileCredentials

    programme = SmileCredentials.load("main")
    print(await programme.check())
    """
