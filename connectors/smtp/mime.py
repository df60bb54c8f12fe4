"""Builds the mail: RFC 5322 and MIME, with nothing that a value could smuggle into a header."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage as MimeMessage
from email.policy import SMTP
from email.utils import format_datetime

from connectors.kit.capabilities import EmailMessage
from connectors.kit.errors import InvalidRequest
from connectors.smtp.account import ADDR_SPEC, CONTROL, SmtpAccount

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,75}")
_LINE = re.compile(r"[\x20-\x7e]{1,900}")
_OURS = frozenset(
    {"from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "return-path",
     "received", "mime-version", "dkim-signature"}
)  # fmt: skip


def message_id(key: str, account: SmtpAccount) -> str:
    """The Message-ID of a job: the same at every attempt, telling nothing of the key."""
    domain = account.from_email.rpartition("@")[2]
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def recipient(mail: EmailMessage) -> str:
    """The address in ASCII (IDNA for the domain); InvalidRequest where there is none."""
    local, _, domain = mail.to.strip().rpartition("@")
    try:
        plain = f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        plain = ""
    if not ADDR_SPEC.fullmatch(plain):
        raise InvalidRequest("the field `to` is not an e-mail address that can be written to")
    return plain


def build(key: str, mail: EmailMessage, account: SmtpAccount, now: datetime) -> bytes:
    """The whole mail, ready for DATA.

    Raises:
        InvalidRequest: A header or a text cannot be sent; the field is named.
    """
    message = MimeMessage(policy=SMTP)
    message["From"] = _mailbox("from_name", account.from_name, account.from_email)
    message["To"] = _mailbox("to_name", mail.to_name, recipient(mail))
    message["Subject"] = _one_line("subject", mail.subject)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = message_id(key, account)
    try:
        # Quoted-printable passes every server, also one without 8BITMIME.
        message.set_content(mail.text, cte="quoted-printable")
        if mail.html:
            message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
        return _extra(mail.headers) + message.as_bytes()
    except UnicodeEncodeError:
        raise InvalidRequest("the field `text` or `html` has half a character in it") from None


def _extra(headers: dict[str, str]) -> bytes:
    """The extra headers, one line each.

    Written by hand: Python's email package turns a long List-Unsubscribe address into encoded
    words, which no mail program follows.
    """
    lines: list[str] = []
    seen: set[str] = set()
    for name, value in headers.items():
        lower = name.lower()
        if not _NAME.fullmatch(name) or lower in _OURS or lower.startswith("content-"):
            raise InvalidRequest(f"the header {name[:40]!r} may not be set")
        if lower in seen:
            raise InvalidRequest(f"the header {name[:40]!r} stands twice")
        if not _LINE.fullmatch(value):
            raise InvalidRequest(
                f"the header {name!r} must be one line of at most 900 ASCII characters"
            )
        seen.add(lower)
        lines.append(f"{name}: {value}\r\n")
    return "".join(lines).encode("ascii")


def _one_line(field: str, value: str) -> str:
    if CONTROL.search(value):
        raise InvalidRequest(f"the field `{field}` must be one line without control characters")
    return value


def _mailbox(field: str, name: str, address: str) -> Address:
    display_name = _one_line(field, name.strip())
    try:
        return Address(display_name=display_name, addr_spec=address)
    except (ValueError, MessageError):
        raise InvalidRequest(f"the address beside `{field}` cannot stand in a mail") from None
