"""A source of Segment that the hub writes to, and the webhook destination that it hears.

Follows https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, OptionalSecret, Secret


class SegmentAccount(Account):
    """One source. Webhooks come from a destination, which has a secret of its own."""

    write_key: Secret = Field(
        description="Write key of the hub's own HTTP API source (Connections, Sources, Settings, "
        "API Keys)."
    )
    shared_secret: OptionalSecret = Field(
        None,
        description="Shared secret of the webhook destination; without it every webhook is "
        "refused.",
    )
    identify_by: Literal["member", "email"] = Field(
        "member",
        description="What Segment's userId is in this workspace: the hub's member id, or the "
        "e-mail address.",
    )
    member_property: str = Field(
        "member_id",
        description="Property of a contact that holds the hub's member id.",
        max_length=100,
    )
    base_url: BaseUrl = Field(
        "https://api.segment.io",
        description="Address of the tracking API; workspaces in the EU have their own, such as "
        "https://events.eu1.segmentapis.com.",
    )
