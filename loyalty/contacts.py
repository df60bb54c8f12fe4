"""Addresses in one spelling, so that one person is found under one key."""

from __future__ import annotations

import phonenumbers


def normal_email(address: str | None) -> str | None:
    """The address in lower case without blanks; None where it is not an address at all."""
    if not address:
        return None
    cleaned = address.strip().lower()
    local, at, domain = cleaned.rpartition("@")
    if not (at and local and "." in domain) or len(cleaned) > 254 or " " in cleaned:
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
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
