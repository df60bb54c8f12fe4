"""One tree of errors, each named by what happens next.

    ConnectorError
    ├── AuthError          pause the connection, alert once, hold its deliveries
    │   └── ScopeError     the same, and name the scopes that are missing
    ├── RateLimited        wait as long as the vendor says; spends no attempt
    ├── QuotaExceeded      park until the quota resets, alert
    ├── Transient          nothing was done: try again with backoff and jitter
    ├── OutcomeUnknown     look up, or resend with the same key; otherwise a human decides
    ├── InvalidRequest     dead letter, with the names of the fields
    ├── NotFound           as the action declares
    ├── Conflict           as the action declares
    └── ConnectorBug       the reply was outside the schema: dead letter, tell the owner

`str(error)` is safe to show to people: it never holds a secret nor a whole reply.
"""

from __future__ import annotations

from datetime import datetime, timedelta


class ConnectorError(Exception):
    """A call to a vendor failed. The class says what happens next, the text says it in words.

    Attributes:
        message: Safe for people; what happened and what to do.
        vendor_code: The vendor's own error code, where it gave one.
        request_id: The vendor's id of the request, to quote to its support.
        status: The HTTP status, where there was one.
    """

    def __init__(
        self,
        message: str,
        *,
        vendor_code: str | None = None,
        request_id: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.vendor_code = vendor_code
        self.request_id = request_id
        self.status = status


class AuthError(ConnectorError):
    """The credentials were refused."""


class ScopeError(AuthError):
    """The credentials are good but lack a permission; the message names it."""


class RateLimited(ConnectorError):
    """The vendor asks for a pause. `retry_after` is None where it does not say how long."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta | None = None,
        vendor_code: str | None = None,
        request_id: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, vendor_code=vendor_code, request_id=request_id, status=status)
        self.retry_after = retry_after


class QuotaExceeded(ConnectorError):
    """The plan's quota is used up until `resets_at` (None where the vendor does not say)."""

    def __init__(
        self,
        message: str,
        *,
        resets_at: datetime | None = None,
        vendor_code: str | None = None,
        request_id: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, vendor_code=vendor_code, request_id=request_id, status=status)
        self.resets_at = resets_at


class Transient(ConnectorError):
    """The vendor did nothing (refused connection, 502, 503): safe to try again."""


class OutcomeUnknown(ConnectorError):
    """The request left, the answer did not come: it may or may not have happened."""


class InvalidRequest(ConnectorError):
    """The vendor refuses this content and will always refuse it."""


class NotFound(ConnectorError):
    """What the call names does not exist at the vendor."""


class Conflict(ConnectorError):
    """The vendor already holds something that this call contradicts."""


class ConnectorBug(ConnectorError):
    """The reply is not what the vendor documents; the connector's owner must look."""
