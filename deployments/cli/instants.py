"""Instants as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

from deployments.cli.answers import unusable


def instant(text: str, option: str) -> datetime:
    """An ISO 8601 text as an aware instant; one without a zone is taken for UTC.

    Raises:
        Failure: (2) It is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise unusable(
            f"{option} {text!r} is no instant", "write 2026-03-01 or 2026-03-01T12:00:00+01:00"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
