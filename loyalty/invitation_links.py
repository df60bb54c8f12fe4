"""The link of an invitation: it names the invitation and nobody, and fits into an SMS."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from loyalty.links import LinkInvalid, LinkKind, Links


def join_link(links: Links, invitation_id: UUID) -> str:
    """The address that a customer opens to join."""
    return links.url(LinkKind.JOIN, {"i": _short(invitation_id)})


def invitation_in(links: Links, token: str) -> UUID:
    """The invitation that a link names.

    Raises:
        LinkInvalid: It was altered, cut off or made up.
    """
    content = links.read(LinkKind.JOIN, token)
    try:
        return UUID(bytes=urlsafe_b64decode(f"{content['i']}=="))
    except (KeyError, TypeError, ValueError):
        raise LinkInvalid("the link names no invitation") from None


def _short(invitation_id: UUID) -> str:
    return urlsafe_b64encode(invitation_id.bytes).decode().rstrip("=")
