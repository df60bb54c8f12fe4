"""A mail server that keeps the mails and shows them in a browser.

SMTP listens on a port of its own; the inbox is a web page at the sandbox's address.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Sequence
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html import escape
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from connectors.kit.sandbox import VendorSandbox

SANDBOX_ACCOUNT: dict[str, Any] = {
    "host": "127.0.0.1",
    "security": "none",
    "username": "sandbox",
    "password": "sandbox-smtp-password",
    "from_email": "hello@shop.example",
    "from_name": "Sandbox Shop",
    "hook_token": "sandbox-smtp-hook-token",
}

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 50rem }}
td, th {{ text-align: left; padding: .2rem 1rem .2rem 0 }}
pre {{ white-space: pre-wrap }} iframe {{ width: 100%; height: 30rem; border: 1px solid #ccc }}
</style><h1>{title}</h1>{body}</html>"""
_POLICY = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}


class SmtpSandbox(VendorSandbox):
    """A mail server for one user.

    Args:
        smtp_port: 0 picks a free one; `smtp_port` says which once it has started.
        auth_required: Whether mails are taken only after the login.
    """

    slug = "smtp"

    def __init__(self, *, smtp_port: int = 0, auth_required: bool = True) -> None:
        super().__init__()
        self.smtp_port = smtp_port
        self.connections = 0
        self._auth_required = auth_required
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Opens the SMTP port on loopback."""
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._session, "127.0.0.1", self.smtp_port)
        self.smtp_port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Closes the SMTP port."""
        if self._server is not None:
            self._server.close()

    def account(self) -> dict[str, Any]:
        """The fields of an account that reaches this sandbox; call it after `start`."""
        return {**SANDBOX_ACCOUNT, "port": self.smtp_port}

    def account_at(self, base_url: str) -> dict[str, Any]:
        """As `account`: mail does not go over HTTP."""
        return self.account()

    def routes(self) -> Sequence[BaseRoute]:
        """The inbox: for people at the root, for programs below `messages`."""
        return [
            Route("/", self._inbox, methods=["GET"]),
            Route("/messages", self._list, methods=["GET"]),
            Route("/messages/{number:int}", self._read, methods=["GET"]),
        ]

    # --- SMTP, as aiosmtpd calls it ----------------------------------------------------------

    def _session(self) -> SMTP:
        self.connections += 1
        return SMTP(
            self,
            hostname="sandbox.example",
            auth_require_tls=False,
            authenticator=_login,
            loop=asyncio.get_running_loop(),
        )

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes the sender, after the login where one is asked for."""
        if self._auth_required and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keeps the mail, unless a planned fault for the path DATA says otherwise."""
        fault = self.take_fault("DATA")
        if fault is None or fault.when == "after":
            self._keep(envelope)
        if fault is None:
            return "250 2.0.0 Accepted"
        await asyncio.sleep(fault.hang_seconds)
        if fault.status:
            return f"{fault.status} {fault.body or 'planned fault'}"
        if isinstance(server.transport, asyncio.WriteTransport):
            server.transport.abort()
        return "421 gone"

    def _keep(self, envelope: Envelope) -> None:
        content = envelope.content
        raw = content if isinstance(content, bytes) else str(content).encode()
        mail: Any = message_from_bytes(raw, policy=default)
        self.record(
            "email",
            id=str(mail["Message-ID"] or ""),
            to=envelope.rcpt_tos[0],
            sender=envelope.mail_from,
            subject=str(mail["Subject"] or ""),
            text=_part(mail, "plain"),
            html=_part(mail, "html"),
            headers={name: str(value) for name, value in mail.items()},
        )

    # --- the inbox ---------------------------------------------------------------------------

    async def _inbox(self, request: Request) -> Response:
        rows = [
            f"<tr><td>{number}<td>{escape(one['to'])}"
            f'<td><a href="messages/{number}">{escape(one["subject"])}</a>'
            for number, one in enumerate(self.records, 1)
        ]
        table = f"<table><tr><th>#<th>To<th>Subject{''.join(reversed(rows))}</table>"
        body = table if rows else "<p>No mail yet.</p>"
        return HTMLResponse(_PAGE.format(title="Sandbox inbox", body=body), headers=_POLICY)

    async def _list(self, request: Request) -> Response:
        return JSONResponse({"messages": list(self.records)})

    async def _read(self, request: Request) -> Response:
        number = request.path_params["number"]
        if not 1 <= number <= len(self.records):
            return PlainTextResponse("There is no such mail.", status_code=404)
        mail = self.records[number - 1]
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse(mail["text"])
        head = "".join(f"{escape(k)}: {escape(v)}\n" for k, v in mail["headers"].items())
        body = f'<p><a href="../">Inbox</a></p><pre>{head}</pre><pre>{escape(mail["text"])}</pre>'
        if mail["html"]:
            # The sandbox attribute keeps scripts of a mail from running.
            body += f'<iframe sandbox title="HTML" srcdoc="{escape(mail["html"])}"></iframe>'
        page = _PAGE.format(title=escape(mail["subject"]), body=body)
        return HTMLResponse(page, headers=_POLICY)


def _login(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    if not isinstance(data, LoginPassword):
        return AuthResult(success=False, handled=False)
    given = data.login + b"\0" + data.password
    expected = f"{SANDBOX_ACCOUNT['username']}\0{SANDBOX_ACCOUNT['password']}".encode()
    return AuthResult(success=hmac.compare_digest(given, expected), handled=False)


def _part(mail: EmailMessage, kind: str) -> str:
    part: Any = mail.get_body((kind,))
    return str(part.get_content()).replace("\r\n", "\n") if part is not None else ""
