"""What people do with the invitations that campaigns send."""

from __future__ import annotations

from typing import Literal

from loyalty.events.base import Frozen, Key
from loyalty.events.people import Customer


class InvitationClaim(Frozen):
    """Somebody joined: through the link of an invitation, or at the address that was invited.

    Whoever signed in is named by `member_id`; whoever signs up with this by `customer`.
    """

    invitation_id: Key
    via: Literal["link", "address"] = "link"
    member_id: Key | None = None
    customer: Customer | None = None
