"""What the WhatsApp connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Limit, Manifest
from connectors.whatsapp.account import WhatsappAccount
from connectors.whatsapp.actions import ACTIONS
from connectors.whatsapp.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.whatsapp.client import WhatsappClient


def _connect(account: Any) -> WhatsappClient:
    from connectors.whatsapp.client import WhatsappClient

    return WhatsappClient(account)


MANIFEST = Manifest(
    slug="whatsapp",
    name="WhatsApp",
    docs_url="https://developers.facebook.com/documentation/business-messaging/whatsapp/overview",
    api_version="v23.0",
    owner="loyalty-hub",
    account=WhatsappAccount,
    limit=Limit(
        burst=36,
        per_second=36.0,
        source="developers.facebook.com/documentation/business-messaging/whatsapp/throughput: 80 "
        "messages a second for each number, in and out, 10 % left free, burst and rate together",
        scope="account",
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    auth="system user's access token; webhooks signed with the app secret",
    scopes=("whatsapp_business_messaging",),
    data_classes=("phone", "message text"),
    exempt={
        "contract": "The published schema of a text message contradicts itself (a part that "
        "forbids the fields that another part demands); templates, the check and, with that "
        "part mended, texts are validated against it in tests/connectors/whatsapp.",
        "subscriptions": "Meta keeps one webhook address for an app, which a person sets in the "
        "app's dashboard together with the fields that it is about.",
    },
    known_limits=(
        "Free text is taken within 24 hours of the person's last message; later WhatsApp refuses "
        "it (131047), often only by the webhook, told as whatsapp.window_closed. The message gate "
        "keeps to the window; an approved template is good at any time.",
        "WhatsApp takes no idempotency key: after a lost answer a person decides whether to send "
        "again.",
        "A message counts as sent when WhatsApp has accepted it; it may still hold it back for "
        "quality. What became of it is told by the webhook.",
        "One person takes about one message in six seconds (131056); WhatsApp publishes no exact "
        "figure, and the hub meets it with a pause.",
        "The throughput of 80 a second also counts what comes in; numbers shared with the "
        "WhatsApp Business app have 20 and need a smaller limit.",
        "Of templates the parameters of the body are filled, in order; headers, buttons and named "
        "parameters are not.",
        "What people write is kept with their conversation (the first 500 characters of the "
        "latest message); a word such as STOP ends invitations there, and changes nothing of "
        "e-mail and SMS, whose consent is another one.",
        "STOP and WhatsApp's own marketing switch are told as activities; consent is not changed, "
        "since the hub keeps consent for e-mail and SMS only.",
        "Groups are ignored, and nothing is sent to them.",
        "An app has one webhook address: messages of all its numbers are told under one "
        "connection.",
        "The app must not require an app secret proof, which is not sent along.",
        "What webhooks missed for longer than Meta repeats them (seven days) cannot be asked for.",
        "WhatsApp cannot link accounts; a person is known by the number, which it has verified.",
        "Version v23.0 is the one whose contract is published; Meta names no end of it yet.",
    ),
)
