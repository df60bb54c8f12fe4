"""A Pipedrive company and the user whose token speaks for it.

Follows https://pipedrive.readme.io/docs/core-api-concepts-authentication.
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret


class PipedriveAccount(Account):
    """One company at Pipedrive, seen with one user's rights."""

    api_token: Secret = Field(
        description="Personal API token of a user of the hub's own (Personal preferences, API)."
    )
    hook_password: Secret = Field(
        description="A long random text of your own: Pipedrive signs nothing, and sends this as "
        "the password of HTTP Basic.",
        min_length=16,
    )
    member_field: str = Field(
        "",
        description="Name of a person's text field that holds the hub's member id; empty where "
        "there is none.",
        max_length=200,
    )
    reads_consent: bool = Field(
        False,
        description="Read the marketing status of persons; only for companies with Campaigns, "
        "since Pipedrive refuses the question otherwise.",
    )
    base_url: BaseUrl = Field(
        "https://api.pipedrive.com", description="Leave it: the address of Pipedrive's API."
    )
