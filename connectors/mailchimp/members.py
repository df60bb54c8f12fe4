"""How Mailchimp names a member, and how it takes values."""

from __future__ import annotations

import re
from hashlib import md5

from connectors.kit.capabilities import Scalar, Whom
from connectors.kit.errors import NotFound
from connectors.kit.values import as_text

_ID = re.compile(r"[A-Za-z0-9]{1,64}")


def member_id(email: str) -> str:
    """Mailchimp's id of a member: the MD5 of the lower-case address."""
    return md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def member_of(whom: Whom) -> str:
    """The id of whom an action concerns; their address comes first, since ids are made of it.

    Raises:
        NotFound: Neither an address nor an id of Mailchimp's is known.
    """
    if whom.email:
        return member_id(whom.email)
    if _ID.fullmatch(whom.customer_id):
        return whom.customer_id
    raise NotFound("Mailchimp finds members by their e-mail address, and none is known")


def plain(value: Scalar) -> str | int:
    """As Mailchimp's fields take it: exact decimals as text, nothing as the empty text."""
    return value if type(value) is int else as_text(value)
