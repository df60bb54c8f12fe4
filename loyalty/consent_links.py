"""The links of consents: unsubscribe, preferences, confirm. A GET never changes anything.

Scanners open every link of every mail. What counts is a POST: for one click the one of RFC 8058
(https://www.rfc-editor.org/rfc/rfc8058), sent by the mail provider without cookie or sign-in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from loyalty.events import Channel
from loyalty.links import LinkInvalid, LinkKind, Links

ONE_CLICK = "List-Unsubscribe=One-Click"
"""The body of the POST of RFC 8058, section 3.1."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What a link of consents points at: a delivery, or a member's channel; never an address."""

    delivery_id: UUID | None = None
    member_id: UUID | None = None
    channel: Channel = Channel.EMAIL

    def content(self) -> dict[str, Any]:
        """What the token carries."""
        if self.delivery_id is not None:
            return {"d": self.delivery_id.hex}
        return {"m": str(self.member_id), "c": self.channel.value}


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


def changes_something(method: str) -> bool:
    """Whether a request by this method may change what a person agreed to: only a POST may."""
    return method.upper() == "POST"


def is_one_click(method: str, body: str) -> bool:
    """Whether a request is the one-click unsubscribe of a mail provider."""
    return changes_something(method) and ONE_CLICK in body.strip().split("&")


def behind(links: Links, kind: LinkKind, token: str) -> Behind:
    """What an unsubscribe or preference link points at.

    Raises:
        LinkInvalid: It is not ours, or was altered.
    """
    content = links.read(kind, token)
    try:
        if "d" in content:
            return Behind(delivery_id=UUID(content["d"]))
        return Behind(member_id=UUID(content["m"]), channel=Channel(content["c"]))
    except (KeyError, ValueError, TypeError, AttributeError):
        raise LinkInvalid("the link says nothing that can be followed") from None


def confirm_token(links: Links, request_id: UUID) -> str:
    """The token of a double opt-in's link."""
    return links.token(LinkKind.CONFIRM, {"r": str(request_id)})


def confirm_url(links: Links, request_id: UUID) -> str:
    """The link of a double opt-in."""
    return links.url(LinkKind.CONFIRM, {"r": str(request_id)})


def request_behind(links: Links, token: str) -> UUID:
    """The request that a confirmation link is for.

    Raises:
        LinkInvalid: It is not ours, or was altered.
    """
    try:
        return UUID(links.read(LinkKind.CONFIRM, token)["r"])
    except (KeyError, ValueError, TypeError, AttributeError):
        raise LinkInvalid("the link says nothing that can be followed") from None


def token_hash(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
