"""What the Mailchimp connector can do and what it must not exceed."""

from __future__ import annotations

from connectors.kit.manifest import Client, Contract, Limit, Manifest
from connectors.mailchimp.account import MailchimpAccount
from connectors.mailchimp.actions import ACTIONS
from connectors.mailchimp.subscriptions import SUBSCRIPTIONS
from connectors.mailchimp.triggers import WEBHOOK


def _connect(account: MailchimpAccount) -> Client:
    from connectors.mailchimp.client import MailchimpClient

    return MailchimpClient(account)


MANIFEST = Manifest(
    slug="mailchimp",
    name="Mailchimp",
    docs_url="https://mailchimp.com/developer/marketing/api/",
    api_version="3.0",
    owner="loyalty-hub",
    account=MailchimpAccount,
    limit=Limit(
        burst=40,
        per_second=20,
        source="https://mailchimp.com/developer/marketing/docs/fundamentals/#api-limits "
        "(10 simultaneous connections per user and no documented rate: the threads are the "
        "limit, these slots only keep one burst from queueing behind them)",
        scope="account",
        concurrency=8,
    ),
    connect=_connect,
    actions=ACTIONS,
    webhook=WEBHOOK,
    subscriptions=SUBSCRIPTIONS,
    auth="API key; webhooks signed with a secret of their own",
    contracts=(Contract("specs/mailchimp/openapi.json"),),
    data_classes=("email", "name"),
    known_limits=(
        "A batch adds new members in one call of 500; every member that exists already costs a "
        "call of its own, because the batch endpoint cannot promise to leave a status alone.",
        "Every tagged member costs one more call: the batch endpoint documents no tags.",
        "Merge fields the audience marks as required are not insisted on.",
        "An address that was permanently deleted cannot be added again by the API: Mailchimp "
        "refuses it, and the person has to sign up by a form.",
        "Members are found by their e-mail address; a change of the address at Mailchimp "
        "(upemail) is not followed.",
        "A lost event is looked for among the member's newest 1,000 before it is sent again; the "
        "hub's mark stands among its properties.",
        "fired_at names no zone: it is read as UTC, and replaced by the time of the delivery "
        "where that is more than two hours away.",
        "A contact whom the team deletes counts as unsubscribed: the webhook is the same.",
        "Webhooks made before Mailchimp signed are refused; the hub replaces them.",
        "Changes made through the API, the hub's own among them, are not heard.",
        "The ten connections are counted per Mailchimp user, whatever the key: two connections "
        "of one user share them, and Mailchimp then throttles.",
    ),
)
