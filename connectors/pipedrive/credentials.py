"""The Pipedrive account as a Prefect block."""

from __future__ import annotations

from pydantic import HttpUrl

from connectors.kit.credentials import CredentialsBlock
from connectors.pipedrive.account import PipedriveAccount


class PipedriveCredentials(PipedriveAccount, CredentialsBlock):
    """A Pipedrive company whose persons, deals and activities come in and are written."""

    _block_type_name = "Pipedrive Credentials"
    _block_type_slug = "pipedrive-credentials"
    _connector = "pipedrive"
    _documentation_url = HttpUrl("https://pipedrive.readme.io/docs/how-to-find-the-api-token")
    _description = "A Pipedrive company: a user's API token and the webhooks' password."
    _code_example = """
    from connectors.pipedrive.credentials import PipedriveCredentials

    crm = PipedriveCredentials.load("main")
    print(await crm.check())
    """
