"""The links in every message by which a person stops messages or chooses them.

They name the delivery and no address: an address in a link would be read by whoever sees the
link, and the delivery knows it. They are good for as long as the message exists.
"""

from __future__ import annotations

from uuid import UUID

from loyalty.links import LinkInvalid, LinkKind, Links


def unsubscribe_url(links: Links, delivery_id: UUID) -> str:
    """Where one press stops marketing to the address of this delivery (RFC 8058)."""
    return links.url(LinkKind.UNSUBSCRIBE, {"d": delivery_id.hex})


def preferences_url(links: Links, delivery_id: UUID) -> str:
    """Where the person of this delivery chooses topics and channels."""
    return links.url(LinkKind.PREFERENCES, {"d": delivery_id.hex})


def delivery_named(links: Links, kind: LinkKind, token: str) -> UUID:
    """The delivery that a token of these links names.

    Raises:
        LinkInvalid: It is none of them.
    """
    try:
        return UUID(str(links.read(kind, token)["d"]))
    except (KeyError, ValueError) as error:
        raise LinkInvalid("the link was altered or is incomplete") from error
