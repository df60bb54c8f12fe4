"""What the Twilio connector says of itself."""

from __future__ import annotations

from typing import Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.twilio.account import TwilioAccount
from connectors.twilio.actions import SEND_SMS
from connectors.twilio.triggers import WEBHOOK


def _connect(account: Any) -> Any:
    # The SDK takes a second to import; the gateway never needs it.
    from connectors.twilio.client import TwilioClient

    return TwilioClient(account)


MANIFEST = Manifest(
    slug="twilio",
    name="Twilio",
    docs_url="https://www.twilio.com/docs/messaging/api/message-resource",
    api_version="2010-04-01",
    owner="loyalty-hub",
    account=TwilioAccount,
    limit=Limit(
        burst=14,
        per_second=14,
        concurrency=16,
        scope="account",
        source=(
            "https://www.twilio.com/docs/api/errors/20429: the account's REST concurrency is "
            "not published; this is a cautious start, raise it to your sender's throughput"
        ),
    ),
    connect=_connect,
    actions=(SEND_SMS,),
    webhook=WEBHOOK,
    auth="HTTP Basic with the account SID and auth token, or with an API key",
    data_classes=("phone", "message text"),
    contracts=(Contract("specs/twilio/openapi.json"),),
    exempt={
        "subscriptions": "Twilio has one address per number or Messaging Service, which a person "
        "sets in its console; the address for delivery reports goes along with each text.",
    },
    known_limits=(
        "Twilio takes no idempotency key: after a lost answer a person decides whether to resend.",
        "A text counts as sent when Twilio has queued it; the delivery report says the rest.",
        "Reports and replies carry no time, so the hub uses the moment it received them.",
        "Keywords that only Twilio's Advanced Opt-Out knows are told as an unsubscription as well "
        "as a text; a START by such a keyword is told as a text alone.",
        "Only SMS is read: WhatsApp and RCS messages are acknowledged and ignored.",
        "Webhooks signed with the newer SHA-256 key are refused; Twilio signs with the auth "
        "token unless told otherwise.",
    ),
)
