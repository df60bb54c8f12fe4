"""An Intercom workspace and the app that the hub speaks through.

Follows https://developers.intercom.com/docs/build-an-integration/learn-more/authentication.
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret


class IntercomAccount(Account):
    """One workspace, by a private app's access token."""

    access_token: Secret = Field(
        description="Access token of the app (Developer Hub, Configure, Authentication)."
    )
    client_secret: OptionalSecret = Field(
        None,
        description="Client secret of the app (Developer Hub, Basic information): it signs the "
        "webhooks; without it every webhook is refused.",
    )
    workspace_id: str = Field(
        "",
        description="The workspace's id, app_id in its address. An app that is installed in "
        "several workspaces is told of all of them; with this, of this one alone.",
        max_length=60,
    )
    admin_id: str = Field(
        "",
        description="Number of the teammate whose name in-app messages bear; empty for the "
        "token's own.",
        pattern=r"^\d{0,18}$",
    )
    member_property: str = Field(
        "member_id",
        description="Property of a contact that is written as Intercom's external id.",
        max_length=100,
    )
    base_url: BaseUrl = Field(
        "https://api.intercom.io",
        description="Address of the API by the workspace's region: https://api.intercom.io, "
        "https://api.eu.intercom.io or https://api.au.intercom.io.",
    )
