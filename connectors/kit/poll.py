"""Asking a vendor what changed, beside (or in place of) its webhooks.

A poll yields the same canonical events as the webhook of the same fact, with the same business
keys, so that whatever came in both ways counts once. The reconcile flow keeps the cursor.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pydantic import ValidationError

from connectors.kit.webhook import Source
from loyalty.events import Event, EventType

FIRST_LOOK = timedelta(days=3)
"""How far back a connection is asked that was never asked before."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one page of a vendor's answer became.

    Attributes:
        cursor: Where to go on from once these events are in the inbox. Opaque; it may stay the
            same for many pages, but a stop after any page must lose nothing.
        unreadable: Why a record could not be read, one sentence each, without personal data;
            the others of its page count all the same.
    """

    events: tuple[Event, ...]
    cursor: str
    unreadable: tuple[str, ...] = ()


class ChangedSince(Protocol):
    """What a connector's poll is: pages of events from the cursor on."""

    def __call__(
        self, client: Any, source: Source, *, cursor: str, now: datetime
    ) -> AsyncIterator[Page]:
        """Pages, oldest change first where the vendor can; the empty cursor is the first look.

        Raises:
            ConnectorError: As any call.
        """
        ...


@dataclass(frozen=True, slots=True)
class Poll:
    """How a vendor is asked what changed.

    Attributes:
        changed_since: The connector's generator.
        event_types: What it can yield.
        every: How often it makes sense to ask; a doorbell webhook asks at once in between.
        also_by_webhook: Whether a webhook tells the same; False where polling is the only way.
    """

    changed_since: ChangedSince
    event_types: tuple[EventType, ...]
    every: timedelta = timedelta(minutes=15)
    also_by_webhook: bool = True


def since(cursor: str, now: datetime, *, overlap: timedelta = timedelta(minutes=2)) -> datetime:
    """From when to ask, for a cursor that is an instant: a little earlier than it says.

    Vendors' indexes lag, so what was written just before the last look may appear after it;
    what comes twice counts once.
    """
    try:
        last = datetime.fromisoformat(cursor)
    except ValueError:
        return now - FIRST_LOOK
    return (last if last.tzinfo else last.replace(tzinfo=UTC)) - overlap


def watermark(cursor: str, moments: Iterable[datetime]) -> str:
    """The latest of the moments and of the cursor so far, as the next cursor."""
    found = [moment.astimezone(UTC) for moment in moments]
    with suppress(ValueError):
        found.append(datetime.fromisoformat(cursor).astimezone(UTC))
    return max(found).isoformat() if found else cursor


def why_unreadable(record: Any, error: Exception, *, what: str = "", key: str = "id") -> str:
    """One sentence for `Page.unreadable`: which record and why, without what stands in it.

    Args:
        what: The kind of record, where the numbers of several kinds could be confused.
        key: Under which name the record has its number.
    """
    identity = str(record.get(key) if isinstance(record, dict) else "?")[:40]
    return f"{what} {identity}: {_reason(error)}".lstrip()


def _reason(error: Exception) -> str:
    # pydantic repeats the values themselves, which may be a person's.
    if not isinstance(error, ValidationError):
        return str(error)[:200]
    fields = error.errors(include_input=False, include_url=False)
    places = sorted({str(one["loc"][0]) for one in fields if one["loc"]})
    return f"cannot be read ({', '.join(places)})"
