"""What the LINE connector declares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kit.manifest import Contract, Limit, Manifest
from connectors.line.account import LineAccount
from connectors.line.actions import ACTIONS
from connectors.line.triggers import WEBHOOK

if TYPE_CHECKING:
    from connectors.line.client import LineClient


def _connect(account: Any) -> LineClient:
    from connectors.line.client import LineClient

    return LineClient(account)


MANIFEST = Manifest(
    slug="line",
    name="LINE",
    docs_url="https://developers.line.biz/en/reference/messaging-api/",
    api_version="v2",
    owner="loyalty-hub",
    account=LineAccount,
    limit=Limit(
        burst=900,
        per_second=900.0,
        source="developers.line.biz/en/reference/messaging-api/#rate-limits: 2,000 calls a second "
        "for each endpoint and channel, 10 % left free, burst and rate together",
        scope="channel",
        concurrency=16,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    auth="long-lived channel access token; webhooks signed with the channel secret",
    data_classes=("message text",),
    contracts=(Contract("specs/line/openapi.json"),),
    exempt={
        "subscriptions": "A LINE channel has one webhook address, which a person sets together "
        "with the switch that turns it on; the check says whether it is.",
    },
    known_limits=(
        "The hub keeps messages to people within 24 hours of their last word, as in all chats; "
        "LINE itself takes a push at any time, and that limit is the message gate's.",
        "A reply needs the token of what it answers, once and within about a minute; "
        "LINE names no exact time. Tokens stand in the stored delivery, not in the event.",
        "A push bears a retry key that LINE honours for 24 hours; a reply bears none, but its "
        "token cannot be used twice: sent again it is refused, not repeated.",
        "LINE accepts messages to people who blocked the account and does not say so; there is "
        "no report of delivery or reading.",
        "What people write is kept with their conversation (the first 500 characters of the "
        "latest message); a word such as STOP ends invitations there, and changes nothing of "
        "e-mail and SMS, whose consent is another one.",
        "A word such as STOP is told as the activity line.stop_asked; consent is not changed, "
        "since the hub keeps consent for e-mail and SMS only.",
        "Messages of groups and rooms are ignored, and nothing is sent to them.",
        "Redelivery is off until it is switched on in LINE's console; how often and for how long "
        "it tries is not published. What was missed cannot be asked for.",
        "Messages of a month that is used up wait; LINE does not say when it begins anew.",
        "There are no approved templates at LINE: such a message is refused with a reason.",
    ),
)
