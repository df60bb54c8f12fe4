"""The LINE account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.line.account import LineAccount


class LineCredentials(LineAccount, CredentialsBlock):
    """A LINE official account that members write to and are written to from."""

    _block_type_name = "LINE Credentials"
    _block_type_slug = "line-credentials"
    _connector = "line"
    _documentation_url = HttpUrl("https://developers.line.biz/en/docs/basics/channel-access-token/")
    _description = "A LINE official account: its channel's access token and secret."
    _code_example = """
    from connectors.line.credentials import LineCredentials

    account = LineCredentials.load("main")
    print(await account.check())
    """
