"""Windows of chat channels: whom we may answer, and until when.

Meta lets a page write to a person within 24 hours of the person's last message
(https://developers.facebook.com/docs/messenger-platform/policy/policy-overview).
"""

from __future__ import annotations

from datetime import datetime, timedelta


def window_closes(last_message_at: datetime, hours: int) -> datetime:
    """The last instant at which the person may be written to."""
    return last_message_at + timedelta(hours=hours)


def window_is_open(last_message_at: datetime | None, hours: int | None, *, now: datetime) -> bool:
    """Whether the person may be written to on a chat channel now.

    Args:
        last_message_at: When the person last wrote; None where they never did.
        hours: How long the channel's window is, its end included; None where it has none.
    """
    if hours is None:
        return True
    return last_message_at is not None and now <= window_closes(last_message_at, hours)
