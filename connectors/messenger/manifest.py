"""What the Messenger connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Limit, Manifest
from connectors.messenger.account import MessengerAccount
from connectors.messenger.actions import ACTIONS
from connectors.messenger.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.messenger.client import MessengerClient


def _connect(account: Any) -> MessengerClient:
    from connectors.messenger.client import MessengerClient

    return MessengerClient(account)


MANIFEST = Manifest(
    slug="messenger",
    name="Messenger",
    docs_url="https://developers.facebook.com/docs/messenger-platform/reference/send-api",
    api_version="v25.0",
    owner="loyalty-hub",
    account=MessengerAccount,
    limit=Limit(
        burst=135,
        per_second=135.0,
        source="developers.facebook.com/documentation/business-messaging/messenger-platform/"
        "overview/rate-limiting: 300 texts a second for each Page, 10 % left free, burst and rate "
        "together",
        scope="account",
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    auth="Page access token; webhooks signed with the app secret",
    scopes=("pages_messaging", "page_utility_messaging"),
    data_classes=("message text",),
    exempt={
        "contract": "Meta publishes no machine-readable description of Messenger; what is there "
        "of the Send API has no call that a check could make, and every message is validated "
        "against it in tests/connectors/messenger.",
        "subscriptions": "Meta keeps one webhook address for an app, which a person sets in the "
        "app's dashboard together with the Pages and fields that it is about.",
    },
    known_limits=(
        "Text is taken within 24 hours of the person's last message; later Messenger refuses it "
        "(10, subcode 2018278). The message gate keeps to the window; a utility template is good "
        "at any time.",
        "Utility templates must not advertise, and Meta opens them to some countries only; how "
        "their parameters are written is not published in machine-readable form (UNCONFIRMED).",
        "Messenger takes no idempotency key: after a lost answer a person decides whether to send "
        "again.",
        "A Page may also send no more than 200 times as many messages a day as people talk to it; "
        "that is met with a pause when Messenger asks for it.",
        "The codes of Messenger's limits are published in part; 4, 9, 17, 32, 613 and 80006 "
        "count as such.",
        "Its general failures (1, 2, 1200) count as unknown, since messages were seen to arrive "
        "in spite of them.",
        "A report of delivery without message ids, as older clients send it, is ignored; a report "
        "of reading names a moment up to which all was read, not messages.",
        "What people write is kept with their conversation (the first 500 characters of the "
        "latest message); a word such as STOP ends invitations there, and changes nothing of "
        "e-mail and SMS, whose consent is another one.",
        "Linking, opting in and coming by a link have no id: they are one by person and time.",
        "An app has one webhook address: events of all its Pages are told under one connection.",
        "Instagram's messages, echoes of the Page's own, and chats that another app is in charge "
        "of (standby) are ignored.",
        "The app must not require an app secret proof, which is not sent along.",
        "What webhooks missed for longer than Meta repeats them (seven days) is not asked for.",
    ),
)
