"""Which addresses may be subscribed and called."""

from __future__ import annotations

from urllib.parse import urlsplit

from connectors.kit.addresses import refuse_private_literal
from connectors.kit.errors import InvalidRequest

MAX_CHARACTERS = 2000
ZAPIER_HOST = "hooks.zapier.com"


def require_target(url: str, *, allow_private: bool = False) -> None:
    """Raises InvalidRequest unless the hub may call this address.

    A host name is looked up only when it is called, and refused then if it leads into a
    private network (`connectors.kit.addresses`).
    """
    if len(url) > MAX_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidRequest(
            f"the address must be ASCII without spaces, {MAX_CHARACTERS} characters at most"
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise InvalidRequest("the address cannot be read: enter a whole https address") from None
    allowed = ("https", "http") if allow_private else ("https",)
    if parts.scheme not in allowed or not host or parts.fragment:
        raise InvalidRequest("the address must be a whole https address without a #fragment")
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest("the address must not hold a user or password")
    if not allow_private:
        if host == "localhost" or host.endswith(".localhost"):
            raise InvalidRequest("the address lies on the hub's own machine, which is not called")
        refuse_private_literal(url)


def is_zapiers(url: str) -> bool:
    """Whether the address is one of Zapier's own."""
    parts = urlsplit(url)
    return parts.scheme == "https" and parts.netloc.lower() == ZAPIER_HOST
