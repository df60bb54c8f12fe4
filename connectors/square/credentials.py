"""The Square account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.square.account import SquareAccount


class SquareCredentials(SquareAccount, CredentialsBlock):
    """A Square seller whose sales and customers come in, and whose loyalty programme is kept."""

    _block_type_name = "Square Credentials"
    _block_type_slug = "square-credentials"
    _connector = "square"
    _documentation_url = HttpUrl("https://developer.squareup.com/docs/webhooks/overview")
    _description = "A Square seller: the access token and the webhook signature key."
    _code_example = """
    from connectors.square.credentials import SquareCredentials

    till = SquareCredentials.load("main")
    print(await till.check())
    """
