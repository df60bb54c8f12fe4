"""Addresses as a page shows them: the person knows theirs again, a passer-by learns none."""

from __future__ import annotations


def shown_address(address: str) -> str:
    """`a•••@example.org`, `•••• 123`."""
    name, at, domain = address.rpartition("@")
    if at:
        return f"{name[:1]}•••@{domain}"
    return f"•••• {address[-3:]}"
