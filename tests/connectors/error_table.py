"""What every connector must make of a vendor's refusals, whichever client or SDK it uses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connectors.kit.errors import (
    AuthError,
    Conflict,
    ConnectorBug,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.sandbox import Fault

JSON = '{"message": "no", "detail": "no"}'

REFUSALS = [
    pytest.param(status, kind, id=str(status))
    for status, kind in [
        (400, InvalidRequest),
        (401, AuthError),
        (402, QuotaExceeded),
        (403, ScopeError),
        (404, NotFound),
        (409, Conflict),
        (422, InvalidRequest),
        (429, RateLimited),
        (500, OutcomeUnknown),
        (502, Transient),
        (503, Transient),
        (302, ConnectorBug),
    ]
]

PAUSES = [
    pytest.param("7", timedelta(seconds=7), id="seconds"),
    pytest.param("date", timedelta(minutes=2), id="HTTP date"),
    pytest.param(None, None, id="absent"),
]


def refusal(status: int, *, retry_after: str | None = None, path: str = "") -> Fault:
    """A fault with a JSON body, for as often as a client may ask."""
    return Fault(status=status, body=JSON, retry_after=retry_after, path=path, times=9)


def pause(retry_after: str | None, *, path: str = "") -> Fault:
    """A 429; the word `date` stands for the HTTP date in two minutes."""
    if retry_after == "date":
        until = datetime.now(UTC) + timedelta(minutes=2)
        retry_after = format_datetime(until, usegmt=True)
    return refusal(429, retry_after=retry_after, path=path)


def is_close(found: timedelta | None, wanted: timedelta | None) -> bool:
    """Whether the wait is the one asked for, give or take the time the call took."""
    if found is None or wanted is None:
        return found is wanted
    return abs(found - wanted) < timedelta(seconds=5)


def exactly(error: ConnectorError, kind: type[ConnectorError]) -> bool:
    """Whether it is this class of the tree and not one below it."""
    return type(error) is kind
