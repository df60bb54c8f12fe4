"""What Slack tells the hub: https://docs.slack.dev/apis/events-api, and buttons that were pressed:
https://docs.slack.dev/reference/interaction-payloads/block_actions-payload.

Signatures: https://docs.slack.dev/authentication/verifying-requests-from-slack. Events come as
JSON, buttons as a form with the JSON in its one field; both are signed alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from connectors.kit.account import Account
from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Notice,
    NoticeKind,
    Reply,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    hmac_hex,
    no_events,
    require_fresh,
    require_match,
    require_object,
    signing_secrets,
)
from connectors.slack.account import SlackAccount
from connectors.slack.activities import parse_buttons, parse_event
from connectors.slack.conversations import INBOXES, parse_message
from loyalty.events import EventType

SIGNATURE = "X-Slack-Signature"
TIMESTAMP = "X-Slack-Request-Timestamp"
TOLERANCE = timedelta(minutes=5)
MAX_FIELDS = 20


# --- genuine or not --------------------------------------------------------------------------


def verify(request: InboundRequest, account: SlackAccount) -> None:
    """Raises BadSignature unless the signing secret signed this body within five minutes."""
    (secret,) = signing_secrets(account.signing_secret)
    stamp = request.headers.get(TIMESTAMP.lower(), "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        raise BadSignature(f"the {TIMESTAMP} header is missing or not a number of seconds")
    expected = "v0=" + hmac_hex(secret, f"v0:{stamp}:".encode() + request.body)
    require_match(request.headers.get(SIGNATURE.lower()), [expected], SIGNATURE)
    require_fresh(datetime.fromtimestamp(int(stamp), UTC), request.received_at, TOLERANCE)


def sign(request: InboundRequest, account: SlackAccount) -> Mapping[str, str]:
    """The headers of a genuine request."""
    (secret,) = signing_secrets(account.signing_secret)
    stamp = str(int(request.received_at.timestamp()))
    signature = "v0=" + hmac_hex(secret, f"v0:{stamp}:".encode() + request.body)
    return {TIMESTAMP.lower(): stamp, SIGNATURE.lower(): signature}


def handshake(request: InboundRequest, account: Account) -> Reply | None:
    """Returns Slack its challenge, once the signature has proven that Slack asks.

    Raises:
        BadSignature: It looks like a challenge but is not Slack's.
    """
    if b"url_verification" not in request.body or not isinstance(account, SlackAccount):
        return None
    verify(request, account)
    payload = require_object(decode(request.body))
    if payload.get("type") != "url_verification":
        return None
    challenge = payload.get("challenge")
    if not isinstance(challenge, str) or not challenge:
        raise Unreadable("the field challenge is missing or empty")
    return Reply(200, challenge.encode())


# --- content ---------------------------------------------------------------------------------


def decode(body: bytes) -> Any:
    """The JSON of an event, or the JSON in the form of an interaction."""
    if not body.startswith(b"payload="):
        return decode_json(body)
    try:
        fields = dict(parse_qsl(body.decode("ascii"), errors="strict", max_num_fields=MAX_FIELDS))
    except UnicodeDecodeError:
        raise Unreadable("the form is not percent-encoded UTF-8") from None
    except ValueError:
        raise Unreadable(f"the form has more than {MAX_FIELDS} fields") from None
    return decode_json(fields.get("payload", "").encode("utf-8", "surrogatepass"))


def decode_for(body: bytes, account: SlackAccount) -> Any:
    """The payload, with the channels that this connection names as shared inboxes."""
    payload = decode(body)
    if isinstance(payload, dict) and payload.get("type") == "event_callback":
        return {**payload, INBOXES: list(account.shared_inboxes)}
    return payload


def topic(request: InboundRequest, payload: Any) -> str:
    """The type of the inner event, or of the envelope where there is none."""
    envelope = require_object(payload)
    found = envelope.get("type")
    if found == "event_callback":
        inner = envelope.get("event")
        found = inner.get("type") if isinstance(inner, dict) else None
    return found if isinstance(found, str) else ""


def delivery_id(request: InboundRequest, payload: Any) -> str | None:
    """Slack's id of the event, the same when it is repeated; of an interaction, its trigger id."""
    envelope = require_object(payload)
    found = envelope.get("event_id") or envelope.get("trigger_id")
    return found if isinstance(found, str) else None


def uninstalled(payload: Any, request: InboundRequest) -> Notice | None:
    """The app was removed from the workspace."""
    return Notice(NoticeKind.REVOKED, "The app was removed from the Slack workspace.")


def tokens_revoked(payload: Any, request: InboundRequest) -> Notice | None:
    """The bot's token was revoked; a person's own token is no affair of the hub's."""
    inner = require_object(payload).get("event")
    tokens = inner.get("tokens") if isinstance(inner, dict) else None
    if not (isinstance(tokens, dict) and tokens.get("bot")):
        return None
    return Notice(NoticeKind.REVOKED, "The bot's token was revoked in Slack.")


def _activity(vendor_event: str, title: str) -> Trigger:
    kinds = (EventType.ACTIVITY_REPORTED,)
    return Trigger(vendor_event, kinds, title, parse_event, f"{vendor_event}.json")


TRIGGERS = (
    Trigger(
        "block_actions",
        (EventType.ACTIVITY_REPORTED,),
        "Somebody pressed a button below a message.",
        parse_buttons,
        "block_actions.txt",
    ),
    Trigger(
        "message",
        (EventType.CHAT_RECEIVED, EventType.ACTIVITY_REPORTED),
        "Somebody wrote in a channel of the app's.",
        parse_message,
        "message.json",
    ),
    _activity("app_mention", "Somebody mentioned the app."),
    _activity("reaction_added", "Somebody reacted to a message."),
    _activity("member_joined_channel", "Somebody joined a channel."),
    Trigger(
        "app_uninstalled",
        (),
        "The app was removed from the workspace.",
        no_events,
        "app_uninstalled.json",
        notice=uninstalled,
    ),
    Trigger(
        "tokens_revoked",
        (),
        "A token of the app's was revoked.",
        no_events,
        "tokens_revoked.json",
        notice=tokens_revoked,
    ),
)

WEBHOOK = Webhook(
    verify=verify,
    decode=decode,
    decode_for=decode_for,
    topic=topic,
    triggers={one.vendor_event: one for one in TRIGGERS},
    sign=sign,
    delivery_id=delivery_id,
    handshake=handshake,
    signing_field="signing_secret",
    # Slack shows whoever presses a button a warning after any answer but 200.
    acknowledge=Reply(200, b""),
)
