"""Speaks SMTP (RFC 5321) over a few connections that are kept.

What an error means depends on when it came: until the server has the mail's text, nothing
happened; once the text is on its way, a lost connection leaves the outcome unknown.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPNotSupported,
    SMTPResponseException,
)

from connectors.kit.action import Job, Sent
from connectors.kit.errors import (
    AuthError,
    ConnectorError,
    InvalidRequest,
    OutcomeUnknown,
    RateLimited,
    Transient,
)
from connectors.kit.redact import secrets_of, without_people, without_secrets
from connectors.smtp.account import Security, SmtpAccount
from connectors.smtp.mime import build, message_id, recipient

CONNECTIONS = 4
IDLE_SECONDS = 20.0
MAILS_PER_CONNECTION = 100
"""Servers close a connection after so many mails, or after a pause; we do so first."""

AUTH_CODES = {530, 534, 535, 538}
_RATE = re.compile(r"\b4\.7\.\d+\b|rate|too many|throttl|slow down", re.IGNORECASE)


class _Connection:
    """A logged-in connection and how much it was used."""

    def __init__(self, smtp: SMTP) -> None:
        self.smtp = smtp
        self.mails = 0
        self.used_at = time.monotonic()

    @property
    def is_fresh(self) -> bool:
        idle = time.monotonic() - self.used_at
        return self.smtp.is_connected and idle < IDLE_SECONDS and self.mails < MAILS_PER_CONNECTION


class SmtpClient:
    """One mail server. Up to four mails at once, each connection used for many.

    Args:
        now: Stands in the Date header.
    """

    def __init__(
        self,
        account: SmtpAccount,
        *,
        connections: int = CONNECTIONS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._account = account
        self._now = now
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[_Connection] = []

    async def check(self) -> str:
        """Connects, logs in where there is a user, and asks nothing further (NOOP)."""
        async with self._connection() as connection:
            try:
                await connection.smtp.noop()
            except (SMTPException, OSError) as error:
                raise self._error(error, is_sent=False) from None
        account = self._account
        who = f" and knows {account.username}" if account.username else ""
        return f"The mail server {account.host}:{account.port} answers{who}."

    async def send_email(self, job: Job) -> Sent:
        """Hands one mail to the server; its id is the Message-ID."""
        to = recipient(job.input)
        content = build(job.key, job.input, self._account, self._now())
        async with self._connection() as connection:
            await self._deliver(connection, to, content)
        return Sent(vendor_id=message_id(job.key, self._account))

    async def aclose(self) -> None:
        """Says goodbye and closes the connections."""
        while self._idle:
            await _close(self._idle.pop())

    async def _deliver(self, connection: _Connection, to: str, content: bytes) -> None:
        smtp, is_sent = connection.smtp, False
        try:
            await smtp.mail(self._account.bounce_email or self._account.from_email)
            await smtp.rcpt(to)
            is_sent = True
            await smtp.data(content)
        except (SMTPException, OSError) as error:
            raise self._error(error, is_sent=is_sent) from None

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        """A connection for one mail; it is kept where the server's last word is known."""
        async with self._slots:
            connection = await self._take()
            is_in_step = False
            try:
                yield connection
                is_in_step = True
            except ConnectorError as error:
                is_in_step = error.vendor_code not in (None, "421")
                raise
            finally:
                connection.mails += 1
                connection.used_at = time.monotonic()
                if is_in_step:
                    self._idle.append(connection)
                else:
                    connection.smtp.close()

    async def _take(self) -> _Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fresh:
                with contextlib.suppress(SMTPException, OSError):
                    # Also proves that the server did not hang up in the meantime.
                    await connection.smtp.rset()
                    return connection
            await _close(connection)
        return await self._connect()

    async def _connect(self) -> _Connection:
        account = self._account
        smtp = SMTP(
            hostname=account.host,
            port=account.port,
            username=account.username or None,
            password=account.password.get_secret_value() if account.password else None,
            use_tls=account.security is Security.TLS,
            start_tls=account.security is Security.STARTTLS,
            timeout=account.timeout_seconds,
            local_hostname=account.from_email.rpartition("@")[2],
        )
        try:
            await smtp.connect()
            if not account.username:
                await smtp.ehlo()
        except (SMTPException, OSError) as error:
            smtp.close()
            raise self._error(error, is_sent=False) from None
        return _Connection(smtp)

    def _error(self, error: Exception, *, is_sent: bool) -> ConnectorError:
        if isinstance(error, SMTPResponseException):
            return self._refusal(error.code, error.message)
        if type(error) in (SMTPException, SMTPNotSupported):
            # No STARTTLS, or no way to log in that both sides know: sending in the clear
            # instead is not for us to decide.
            return AuthError(f"the mail server lacks what the connection asks for: {error}")
        name = type(error).__name__
        if is_sent:
            return OutcomeUnknown(
                f"the mail was on its way when the connection was lost ({name}): "
                "it may or may not arrive"
            )
        return Transient(f"the mail server could not be reached ({name})")

    def _refusal(self, code: int, message: str) -> ConnectorError:
        """The error for an SMTP code: https://www.rfc-editor.org/rfc/rfc5321#section-4.2.3."""
        text = " ".join(message.split())[:200]
        says = f"{code} {without_people(without_secrets(text, secrets_of(self._account)))}"
        known: dict[str, Any] = {"vendor_code": str(code), "status": code}
        if code in AUTH_CODES:
            return AuthError(f"the mail server refuses the login: {says}", **known)
        if 400 <= code < 500 and _RATE.search(text):
            return RateLimited(f"the mail server asks for a pause: {says}", **known)
        if code < 500:
            return Transient(f"the mail server is not ready: {says}", **known)
        return InvalidRequest(f"the mail server refuses this mail: {says}", **known)


async def _close(connection: _Connection) -> None:
    with contextlib.suppress(SMTPException, OSError):
        if connection.smtp.is_connected:
            await connection.smtp.quit(timeout=1)
    connection.smtp.close()
