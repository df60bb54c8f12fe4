"""A Smile.io account and the token that speaks for it.

Follows https://dev.smile.io/api/authentication and https://dev.smile.io/guides/apps/webhooks:
the vendor names no signature for its webhooks, so the address itself has to be the secret.
"""

from __future__ import annotations

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret


class SmileAccount(Account):
    """One programme. The API key opens the API; the token in the address proves webhooks."""

    api_key: Secret = Field(
        description="API key of the account (Settings, Developer tools), or an app's OAuth token."
    )
    hook_token: OptionalSecret = Field(
        None,
        description="A long random word of your own that stands in the address of the app's "
        "webhook; empty where there is no app, since polling needs none.",
    )
    told_states: str = Field(
        "member,disabled",
        description="Which customers are told of, by state: candidate, member, disabled.",
        pattern=r"^(candidate|member|disabled)(,(candidate|member|disabled)){0,2}$",
    )
    base_url: BaseUrl = Field(
        "https://api.smile.io",
        description="Address of the API; leave it as it is, the sandbox has another.",
    )

    @property
    def states(self) -> frozenset[str]:
        """The states of customers that become events."""
        return frozenset(self.told_states.split(","))
