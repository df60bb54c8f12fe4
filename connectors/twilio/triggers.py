"""What Twilio tells the hub: https://www.twilio.com/docs/usage/webhooks/messaging-webhooks.

Signatures: https://www.twilio.com/docs/usage/security#validating-requests. The form carries
no time of its own, so an event's time is when the hub received it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, parse_qs, parse_qsl, urlencode, urlsplit

from connectors.kit.webhook import (
    BadSignature,
    InboundRequest,
    Source,
    Trigger,
    Unreadable,
    Webhook,
    decode_json,
    hmac_base64,
    require_match,
    require_object,
)
from connectors.twilio.account import TwilioAccount
from loyalty.events import (
    Channel,
    Customer,
    Event,
    EventType,
    InboundMessage,
    MessageReport,
    subject_of,
)

HEADER = "X-Twilio-Signature"
MAX_FIELDS = 200

PERMANENT_CODES = frozenset({"21211", "21610", "21614", "30004", "30005", "30006"})
"""Blocked, unknown, landline, unsubscribed: the next text will fare no better. 30003 is a phone
that is switched off: tomorrow it may not be (https://www.twilio.com/docs/api/errors/30003)."""


# --- genuine or not --------------------------------------------------------------------------


def verify(request: InboundRequest, account: TwilioAccount) -> None:
    """Raises BadSignature unless the auth token signed the address and the parameters."""
    signed = ""
    if _is_json(request.body):
        _require_body_hash(request)
    else:
        signed = _signed_params(request.body)
    expected = [
        hmac_base64(account.auth_token, (url + signed).encode(), "sha1") for url in _urls(request)
    ]
    require_match(request.headers.get(HEADER.lower()), expected, HEADER)


def sign(request: InboundRequest, account: TwilioAccount) -> Mapping[str, str]:
    """The header of a genuine request; of JSON, the address must carry bodySHA256."""
    signed = "" if _is_json(request.body) else _signed_params(request.body)
    content = (_full_url(request) + signed).encode()
    return {HEADER.lower(): hmac_base64(account.auth_token, content, "sha1")}


def _is_json(body: bytes) -> bool:
    """Whether the body is JSON. Decided by the body alone, for the check and the reading alike."""
    return body.lstrip()[:1] in (b"{", b"[")


def _signed_params(body: bytes) -> str:
    try:
        pairs = _fields(body)
    except Unreadable as error:
        raise BadSignature(str(error)) from None
    return "".join(name + value for name, value in sorted(set(pairs)))


def _require_body_hash(request: InboundRequest) -> None:
    given = parse_qs(urlsplit(_full_url(request)).query).get("bodySHA256", [""])[0]
    actual = hashlib.sha256(request.body).hexdigest()
    if not hmac.compare_digest(given.lower().encode(), actual.encode()):
        raise BadSignature("the bodySHA256 of the address does not match the body")


def _full_url(request: InboundRequest) -> str:
    if "?" in request.url or not request.query:
        return request.url
    return f"{request.url}?{urlencode(request.query)}"


def _urls(request: InboundRequest) -> list[str]:
    """The address with and without its port: Twilio signs either."""
    url = _full_url(request)
    parts = urlsplit(url)
    host = parts.netloc.rsplit("@", 1)[-1]
    name = host[: -len(f":{parts.port}")] if parts.port else host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return [url, _with_host(parts, name), _with_host(parts, f"{name}:{port}")]


def _with_host(parts: SplitResult, host: str) -> str:
    return parts._replace(netloc=host).geturl()


# --- content ---------------------------------------------------------------------------------


def decode(body: bytes) -> dict[str, Any]:
    """The form's fields by name, or the JSON object."""
    if _is_json(body):
        return require_object(decode_json(body))
    return dict(_fields(body))


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except UnicodeDecodeError:
        raise Unreadable("the form is not percent-encoded UTF-8") from None
    except ValueError:
        raise Unreadable(f"the form has more than {MAX_FIELDS} fields") from None


def topic(request: InboundRequest, payload: Any) -> str:
    """`message.delivered` for a delivery report, `sms.received` for a reply."""
    fields = require_object(payload)
    if status := fields.get("MessageStatus"):
        return f"message.{status}"
    if "Body" in fields and str(fields.get("From", "")).startswith("+"):
        return "sms.received"
    return ""


def delivery_id(request: InboundRequest, payload: Any) -> str | None:
    """Twilio's token of this delivery, the same when it is repeated, where it sends one."""
    return request.headers.get("i-twilio-idempotency-token")


def _text(payload: Any, name: str) -> str:
    value = require_object(payload).get(name, "")
    if not isinstance(value, str) or not value:
        raise Unreadable(f"the field {name} is missing or empty")
    return value


def parse_reply(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """A text that somebody sent to us; where Twilio took it for a STOP, that as well.

    Twilio's Advanced Opt-Out knows keywords in languages that the hub does not, and blocks the
    sender's number by itself: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out.
    """
    sid, sender = _text(payload, "MessageSid"), _text(payload, "From")
    message = InboundMessage(
        id=sid,
        channel=Channel.SMS,
        sender=sender,
        recipient=payload.get("To", ""),
        body=str(payload.get("Body", ""))[:2000],
    )
    told = [_event(EventType.SMS_RECEIVED, sid, sender, message, (request, source))]
    if payload.get("OptOutType") == "STOP":
        left = MessageReport(
            channel=Channel.SMS,
            address=sender,
            vendor_message_id=sid,
            detail="STOP",
            permanent=True,
        )
        told.append(
            _event(EventType.MESSAGE_UNSUBSCRIBED, f"{sid}:stop", sender, left, (request, source))
        )
    return told


def parse_status(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """What became of a text of ours."""
    sid, to = _text(payload, "MessageSid"), _text(payload, "To")
    status, code = _text(payload, "MessageStatus"), str(payload.get("ErrorCode") or "")
    is_delivered = status == "delivered"
    report = MessageReport(
        channel=Channel.SMS,
        address=to,
        vendor_message_id=sid,
        detail="" if is_delivered else f"{status} {code}".strip(),
        permanent=not is_delivered and code in PERMANENT_CODES,
    )
    kind = EventType.MESSAGE_DELIVERED if is_delivered else EventType.MESSAGE_BOUNCED
    return [_event(kind, f"{sid}:{status}", to, report, (request, source))]


def _event(
    kind: EventType,
    key: str,
    phone: str,
    data: InboundMessage | MessageReport,
    origin: tuple[InboundRequest, Source],
) -> Event:
    request, source = origin
    subject = subject_of(source.store, Customer(phone=phone), key)
    return Event(
        type=kind,
        store=source.store,
        key=key,
        time=request.received_at,
        subject=subject,
        data=data,
    )


def _status_trigger(status: str, kind: EventType, title: str) -> Trigger:
    vendor_event = f"message.{status}"
    return Trigger(vendor_event, (kind,), title, parse_status, f"{vendor_event}.txt")


TRIGGERS = (
    Trigger(
        "sms.received",
        (EventType.SMS_RECEIVED, EventType.MESSAGE_UNSUBSCRIBED),
        "Somebody sent a text to our number.",
        parse_reply,
        "sms.received.txt",
    ),
    _status_trigger("delivered", EventType.MESSAGE_DELIVERED, "A text reached its phone."),
    _status_trigger(
        "undelivered", EventType.MESSAGE_BOUNCED, "A text was sent but the phone never got it."
    ),
    _status_trigger("failed", EventType.MESSAGE_BOUNCED, "A text could not be sent."),
)

WEBHOOK = Webhook(
    verify=verify,
    decode=decode,
    topic=topic,
    triggers={one.vendor_event: one for one in TRIGGERS},
    sign=sign,
    delivery_id=delivery_id,
    signing_field="auth_token",
)
