"""Addresses in one spelling, so that one person is found under one key."""

from __future__ import annotations

import re

import phonenumbers

from loyalty.events import Channel

_EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]+@[^\s@.\x00-\x1f\x7f]+(\.[^\s@.\x00-\x1f\x7f]+)+")
_E164 = re.compile(r"\+[1-9]\d{6,14}")


def normal_email(address: str | None) -> str | None:
    """The address in lower case without blanks; None where it is not an address at all."""
    if not address:
        return None
    cleaned = address.strip().lower()
    if len(cleaned) > 254 or not _EMAIL.fullmatch(cleaned):
        return None
    return cleaned


def normal_phone(number: str | None, country: str = "") -> str | None:
    """The number in E.164; None where it is not valid, or has no country to read it with."""
    if not number:
        return None
    try:
        parsed = phonenumbers.parse(number, country.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    found = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return found if _E164.fullmatch(found) else None


def normal_address(channel: Channel, address: str) -> str:
    """An address as a vendor reports it, in the spelling that members and consents have."""
    normal = normal_email(address) if channel is Channel.EMAIL else normal_phone(address)
    return normal or address.strip().lower()
