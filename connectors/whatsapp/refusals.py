"""What WhatsApp's refusals mean, by their code.

https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes.
Codes decide, since one status stands for much: limits come as 400 as well as 429.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from connectors.kit.errors import (
    AuthError,
    ConnectorError,
    InvalidRequest,
    NotFound,
    OutcomeUnknown,
    QuotaExceeded,
    RateLimited,
    ScopeError,
    Transient,
)
from connectors.kit.meta_refusals import error_of, refusal
from connectors.kit.paging import dig
from connectors.kit.redact import without_people

PAIR = 131056
PAIR_PAUSE = timedelta(seconds=6)

_CALLS: dict[int, type[ConnectorError]] = {
    **dict.fromkeys((0, 190, 368, 131031), AuthError),
    **dict.fromkeys((3, 10, 131005), ScopeError),
    **dict.fromkeys(range(200, 300), ScopeError),
    **dict.fromkeys((4, 17, 32, 613, 80007, 130429, PAIR, 133016), RateLimited),
    **dict.fromkeys((131042, 131048), QuotaExceeded),
    **dict.fromkeys((131016, 133004), Transient),
    131000: OutcomeUnknown,
    **dict.fromkeys((131026, 132001), NotFound),
    **dict.fromkeys((131047, 470, 131049, 131050, 130472, 131030, 131051), InvalidRequest),
    **dict.fromkeys((132000, 132005, 132007, 132012, 132015, 132016), InvalidRequest),
}

_SAYS = {
    190: "the access token was refused: enter a system user's token that is valid",
    368: "WhatsApp has blocked the account for a time, because of its policies",
    131031: "WhatsApp has locked the account",
    470: "the person's last message is older than 24 hours: send an approved template",
    131047: "the person's last message is older than 24 hours: send an approved template",
    131049: "WhatsApp holds back marketing messages to this person for now: do not send it again",
    131050: "the person has stopped marketing messages of this number",
    130472: "the person is part of a WhatsApp experiment and gets no marketing messages",
    131026: "the message cannot be delivered: no WhatsApp number, or a client that is too old",
    131030: "a test number only writes to the numbers that were entered for it",
    131042: "the account's payment is not in order: see to it in WhatsApp Manager",
    131048: "WhatsApp restricts this number, because people blocked or reported its messages",
    132000: "the template takes another number of parameters",
    132001: "there is no such template in this language, or it is not approved yet",
    132015: "the template is paused for its low quality",
    132016: "the template was disabled for its low quality",
    PAIR: "too many messages to the same person",
}


def explain(
    status: int, headers: Mapping[str, str], body: bytes, writes: bool
) -> ConnectorError | None:
    """The error of a refusal that names a code; None where the status has to do."""
    error = error_of(body)
    code = error.get("code")
    if type(code) is not int:
        return None
    kind = NotFound if (code, error.get("error_subcode")) == (100, 33) else _CALLS.get(code)
    if kind is None:
        return None
    detail = dig(error, "error_data.details") or error.get("message") or "no explanation given"
    text = f"{_SAYS.get(code, 'WhatsApp refuses it')} ({code}: {without_people(str(detail)[:200])})"
    pause = PAIR_PAUSE if code == PAIR else None
    return refusal(kind, text, error, status=status, headers=headers, writes=writes, pause=pause)
