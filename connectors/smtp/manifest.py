"""What the SMTP connector says of itself."""

from __future__ import annotations

from typing import Any

from connectors.kit.manifest import Limit, Manifest
from connectors.smtp.account import SmtpAccount
from connectors.smtp.actions import SEND_EMAIL
from connectors.smtp.triggers import WEBHOOK


def _connect(account: Any) -> Any:
    # The gateway imports every manifest and sends no mail.
    from connectors.smtp.client import SmtpClient

    return SmtpClient(account)


MANIFEST = Manifest(
    slug="smtp",
    name="SMTP",
    docs_url="https://www.rfc-editor.org/rfc/rfc5321",
    api_version="RFC 5321",
    owner="loyalty-hub",
    account=SmtpAccount,
    limit=Limit(
        burst=12,
        per_second=12,
        concurrency=4,
        source="https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas.html: every "
        "server has its own; 14 a second is a common grant. Set yours in Prefect",
    ),
    connect=_connect,
    actions=(SEND_EMAIL,),
    webhook=WEBHOOK,
    auth="user name and password, or none",
    data_classes=("email", "name", "message text"),
    exempt={
        "errors": "It speaks SMTP, not HTTP; what each of its reply codes becomes is tested in "
        "tests/connectors/smtp, against a mail server.",
        "contract": "SMTP is written down in prose (RFC 5321); nobody publishes a contract that "
        "a program could read. The sandbox is a mail server by the aiosmtpd project.",
        "subscriptions": "Whoever runs the mail server hands bounces on to the hub.",
    },
    known_limits=(
        "SMTP takes no idempotency key: after a lost answer a person decides whether to resend.",
        "The Message-ID of a mail is the same at every attempt: a doubled mail can be found in "
        "the server's log, and some mailboxes show it once, but nobody promises that.",
        "A mail counts as sent when the server has taken it; what comes back later is known where "
        "the mail server hands its bounces on to the hub.",
        "Bounces are not signed: who knows the address with its token, or can send mail to the "
        "bounce address in the name of a mail they got, can have an address marked as dead.",
        "Only standard reports (RFC 3464, RFC 5965) on mails of the hub's own are read.",
        "Addresses with letters outside ASCII before the @ are refused (SMTPUTF8 is not used).",
    ),
)
