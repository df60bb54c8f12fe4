"""Reads the mails that mail servers send about mails: RFC 3464 (bounces), RFC 5965 (complaints).

Only the parts of the report itself are read; what stands in the mail that was returned proves
nothing, except its Message-ID, by which the hub knows its own.
"""

from __future__ import annotations

import re
from email import message_from_bytes, message_from_string
from email.errors import MessageError
from email.message import Message
from typing import Any

from connectors.kit.webhook import Unreadable
from connectors.smtp.account import ADDR_SPEC

DELIVERY_STATUS, FEEDBACK = "delivery-status", "feedback-report"
MAX_RECIPIENTS = 100

OURS = re.compile(r"<[0-9a-f]{40}@[A-Za-z0-9.-]{1,253}>")
"""The Message-IDs that this connector makes."""


def decode(body: bytes) -> dict[str, Any]:
    """What a report says, in plain words; `kind` is empty where the mail is no report.

    Raises:
        Unreadable: It is no mail, or one that cannot be taken apart.
    """
    try:
        mail = message_from_bytes(body)
        if not mail.keys():
            raise Unreadable("the body is not an e-mail: send the whole mail as it came")
        return _report(mail)
    except RecursionError:
        raise Unreadable("the mail has too many parts inside one another") from None
    except (MessageError, LookupError, ValueError, TypeError, AttributeError) as error:
        # Python's parser takes every mail, but some headers only break when they are asked for.
        raise Unreadable(f"the mail cannot be taken apart ({type(error).__name__})") from None


def _report(mail: Message) -> dict[str, Any]:
    kind = str(mail.get_param("report-type", "")).lower()
    is_report = mail.get_content_type() == "multipart/report"
    if not (is_report and mail.is_multipart() and kind in (DELIVERY_STATUS, FEEDBACK)):
        return {"kind": "", "message_id": "", "recipients": []}
    parts = [one for one in mail.get_payload() if isinstance(one, Message)]
    original = _original(parts)
    found: dict[str, Any] = {"kind": kind, "message_id": _field(original, "Message-ID")}
    told = [one for one in parts if one.get_content_type() == f"message/{kind}"]
    blocks = [one for part in told[:1] for one in _blocks(part)]
    if kind == DELIVERY_STATUS:
        recipients = [_recipient(one) for one in blocks if one["Final-Recipient"]]
    else:
        recipients = [_complaint(one, original) for one in blocks]
    return {**found, "recipients": recipients[:MAX_RECIPIENTS]}


def _blocks(part: Message) -> list[Message]:
    content = part.get_payload()
    return [one for one in content if isinstance(one, Message)] if isinstance(content, list) else []


def _original(parts: list[Message]) -> Message:
    """The mail that the report is about, or what is left of it."""
    for part in parts:
        kind = part.get_content_type()
        if kind == "message/rfc822" and (inner := _blocks(part)):
            return inner[0]
        if kind in ("text/rfc822-headers", "message/rfc822-headers"):
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                return message_from_string(content.decode("utf-8", "replace"))
            if inner := _blocks(part):
                return inner[0]
    return Message()


def _recipient(block: Message) -> dict[str, str]:
    """Whom it did not reach. Where a mail was forwarded, the address that was written to."""
    original, final = _field(block, "Original-Recipient"), _field(block, "Final-Recipient")
    return {
        "address": _address(original) or _address(final),
        "action": _field(block, "Action").lower(),
        "status": _field(block, "Status").split(" ")[0],
        "diagnostic": _field(block, "Diagnostic-Code").partition(";")[2].strip(),
    }


def _complaint(block: Message, original: Message) -> dict[str, str]:
    to = _field(block, "Original-Rcpt-To") or _field(original, "To")
    return {"address": _address(to), "action": _field(block, "Feedback-Type").lower()}


def _field(block: Message, name: str) -> str:
    return " ".join(str(block[name] or "").split())[:500]


def _address(text: str) -> str:
    """`ann@x.example` of `rfc822; <ann@x.example>` or of `Ann <ann@x.example>`."""
    plain = text.rpartition(";")[2].strip().rpartition("<")[2].rstrip("> ")
    return plain if ADDR_SPEC.fullmatch(plain) else ""
