"""What Messenger's refusals mean, by their code and subcode.

https://developers.facebook.com/docs/messenger-platform/error-codes. Most come with status 400,
whatever they are about.
"""

from __future__ import annotations

from collections.abc import Mapping

from connectors.kit.errors import (
    AuthError,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScopeError,
)
from connectors.kit.meta_refusals import error_of, refusal
from connectors.kit.redact import without_people

_WINDOW = "the person's last message is older than 24 hours: wait for one, or send a template"
_GONE = "nobody can be reached under this id: blocked, left, or known to another Page"

_FINE: dict[tuple[int, int], tuple[type[ConnectorError], str]] = {
    (10, 2018065): (InvalidRequest, _WINDOW),
    (10, 2018278): (InvalidRequest, _WINDOW),
    (100, 33): (NotFound, _GONE),
    (100, 2018001): (NotFound, _GONE),
    (200, 1545041): (NotFound, _GONE),
}
_PAUSE = "Messenger asks for a pause"
_LACKS = "the app lacks a permission for this Page, or advanced access to it"
_COARSE: dict[int, tuple[type[ConnectorError], str]] = {
    **dict.fromkeys((3, 10, *range(200, 300)), (ScopeError, _LACKS)),
    **dict.fromkeys((4, 9, 17, 32, 613, 80006), (RateLimited, _PAUSE)),
    **dict.fromkeys((0, 102, 190), (AuthError, "the Page access token was refused: renew it")),
    **dict.fromkeys((368, 2022), (AuthError, "Meta has restricted the Page, for its policies")),
    **dict.fromkeys((1, 2, 1200), (OutcomeUnknown, "Messenger failed; it may have been sent")),
    551: (NotFound, _GONE),
}


def explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """The error of a refusal that names a code; None where the status has to do."""
    error = error_of(body)
    code, fine = error.get("code"), error.get("error_subcode")
    if type(code) is not int:
        return None
    found = _FINE.get((code, fine)) if type(fine) is int else None
    found = found or _COARSE.get(code)
    said = str(error.get("message") or "no explanation given")[:200]
    if code == 10 and "outside of allowed window" in said:
        found = (InvalidRequest, _WINDOW)
    if found is None:
        return None
    kind, means = found
    text = f"{means} ({without_people(said)})"
    return refusal(kind, text, error, status=status, headers=headers, writes=writes)
