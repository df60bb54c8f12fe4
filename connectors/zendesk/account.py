"""A Zendesk account and the agent whose API token speaks for it.

Follows https://developer.zendesk.com/api-reference/introduction/security-and-auth/.
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret


class ZendeskAccount(Account):
    """One account. Webhooks need an admin's token, tickets and users an agent's."""

    base_url: BaseUrl = Field(
        description="Address of the account, such as https://aroma.zendesk.com."
    )
    agent_email: str = Field(
        description="E-mail address of the admin or agent whom the token belongs to.",
        pattern=r"^[^\s:@/]+@[^\s:@/]+$",
        max_length=254,
    )
    api_token: Secret = Field(
        description="API token (Admin Center, Apps and integrations, APIs, Zendesk API)."
    )
    signing_secret: OptionalSecret = Field(
        None, description="Signing secret of the hub's webhook; the hub fetches it."
    )
    member_property: str = Field(
        "member_id",
        description="Property of a contact that is written as the user's external id.",
        max_length=100,
    )
