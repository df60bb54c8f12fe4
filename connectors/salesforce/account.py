"""A business unit of Salesforce Marketing Cloud Engagement and its installed package.

Follows https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/access-token-s2s.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret


class SalesforceAccount(Account):
    """One business unit, reached by a server-to-server package."""

    base_url: BaseUrl = Field(
        description="REST Base URI of the package, https://….rest.marketingcloudapis.com."
    )
    auth_url: BaseUrl = Field(
        description="Authentication Base URI, https://….auth.marketingcloudapis.com."
    )
    client_id: str = Field(
        description="Client id of the server-to-server package.", min_length=1, max_length=200
    )
    client_secret: Secret = Field(description="Client secret of the package.")
    account_id: str = Field(
        "",
        description="MID of the business unit; empty means the one that the package belongs to.",
        pattern=r"^\d{0,18}$",
    )
    contacts_by: Literal["email", "external_id"] = Field(
        "email",
        description="What a contact key is: the e-mail address, or the hub's member id.",
    )
    attribute_set: str = Field(
        "", description="Attribute set of the contact model that takes a contact's properties."
    )
    email_definition: str = Field(
        "", description="External key of the send definition for transactional e-mails."
    )
    data_extension: str = Field(
        "", description="External key of the data extension that rows go to by default."
    )
    journey_email_field: str = Field(
        "",
        description="Field of the entry events that takes the e-mail address, where they have one.",
    )
    signature_key: OptionalSecret = Field(
        None, description="Signature key of the notification callback; the hub fetches it."
    )
    verification_key: OptionalSecret = Field(
        None,
        description="Single-use key that verifies the callback: it stands in the gateway's log "
        "once Marketing Cloud has sent it.",
    )
