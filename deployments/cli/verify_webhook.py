"""`hub verify-webhook`: checks a captured request as the gateway would, and says what is wrong.

It needs the webhook's secret alone and no store; whatever else an account has, the signature
does not hang on it. What a vendor has the request itself state (a shop's domain) is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from pydantic import SecretStr, ValidationError

from connectors.kit.account import Account
from connectors.kit.manifest import Manifest
from connectors.kit.redact import without_people
from connectors.kit.registry import manifest, slugs
from connectors.kit.verification import Explanation, explain
from connectors.kit.webhook import BadSignature, InboundRequest, Source, Unreadable, Webhook
from deployments.cli.answers import answering, say, show_fields, unusable, write_json
from flows.clients import first_problem
from flows.runtime import wall_clock


@dataclass(frozen=True, slots=True)
class Captured:
    """A captured request as the command line names it.

    Attributes:
        vendor: The connector's slug.
        connection: Which connection it came in for; part of the keys of its events.
        at: ISO 8601, when it came in; empty for now.
    """

    vendor: str
    url: str
    secret_file: Path
    headers: Path
    body: Path
    connection: str = "main"
    at: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What the hub would make of a genuine request: events, or why there are none."""

    says: str = ""
    events: tuple[str, ...] = ()


@answering
def run_verify(captured: Captured, *, as_json: bool) -> int:
    """Exit 0 where the request is genuine, 1 where it is not, 2 where it cannot be checked."""
    known, webhook = _receiver(captured.vendor)
    secret = SecretStr(_text(captured.secret_file, "the secret"))
    request = _request(captured)
    believed = {name: request.headers.get(header, "") for name, header in webhook.claims.items()}
    fields: dict[str, Any] = {name: value.lower() for name, value in believed.items()}
    account = known.account.model_construct(None, **{**fields, webhook.signing_field: secret})
    verdict = explain(webhook, request, account)
    source = Source(captured.vendor, captured.connection)
    content = _greeting(webhook, request, account)
    if verdict.valid and content is None:
        content = _content(webhook, request, source)
    content = content or Content()
    if as_json:
        write_json(
            {
                "vendor": source.connector,
                "connection": source.store,
                "received_at": request.received_at,
                **asdict(verdict),
                "content": content.says,
                "events": content.events,
                "not_checked": believed,
            }
        )
    else:
        _tell(verdict, content, believed)
    return 0 if verdict.valid else 1


def _greeting(webhook: Webhook, request: InboundRequest, account: Account) -> Content | None:
    """A vendor's set-up request is answered and leaves nothing; some come unsigned."""
    try:
        reply = webhook.handshake(request, account) if webhook.handshake else None
    except (BadSignature, Unreadable):
        return None
    if reply is None:
        return None
    return Content(f"a set-up request: the gateway answers {reply.status} and keeps nothing")


def _content(webhook: Webhook, request: InboundRequest, source: Source) -> Content:
    try:
        payload = webhook.decode(request.body)
        topic = webhook.topic(request, payload)
        trigger = webhook.triggers.get(topic)
        if trigger is None:
            return Content(f"of a kind the hub has no use for: {topic or 'it names none'}")
        events = trigger.parse(payload, request, source)
    except Unreadable as error:
        return Content(f"it cannot be read, so it is kept for inspection: {error}")
    except ValidationError as error:
        return Content(f"it cannot be read, so it is kept for inspection: {first_problem(error)}")
    if not events:
        return Content("it says nothing that becomes an event")
    return Content(events=tuple(one.business_key for one in events))


def _receiver(vendor: str) -> tuple[Manifest, Webhook]:
    if vendor not in slugs():
        raise unusable(f"there is no connector {vendor!r}; there are: {', '.join(slugs())}")
    known = manifest(vendor)
    if known.webhook is None or not known.webhook.signing_field:
        raise unusable(f"{known.name} sends no webhooks to the hub: there is nothing to check")
    return known, known.webhook


def _request(captured: Captured) -> InboundRequest:
    parts = urlsplit(captured.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise unusable("--url must be the whole address the vendor calls, with https://")
    return InboundRequest(
        method="POST",
        url=captured.url,
        headers=_headers(captured.headers),
        body=_read(captured.body, "the body"),
        received_at=_instant(captured.at),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
    )


def _instant(text: str) -> datetime:
    if not text:
        return wall_clock()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise unusable(f"--at {text!r} is no ISO 8601 time, such as 2026-01-15T09:40:00Z") from None
    if found.tzinfo is None:
        raise unusable(f"--at {text!r} has no time zone: add Z or an offset")
    return found


def _headers(path: Path) -> dict[str, str]:
    try:
        found = orjson.loads(_read(path, "the headers"))
    except orjson.JSONDecodeError as error:
        raise unusable(f"{path} is not JSON: {error}") from None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise unusable(f'{path} must be a JSON object such as {{"X-Header": "value"}}')
    return {name.lower(): value for name, value in found.items()}


def _text(path: Path, what: str) -> str:
    try:
        text = _read(path, what).decode("utf-8").strip()
    except UnicodeDecodeError:
        raise unusable(f"{path} is not text: it must hold {what} alone") from None
    if not text:
        raise unusable(f"{path} is empty: it must hold {what}")
    return text


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise unusable(f"{what} cannot be read from {path}: {error.strerror}") from None


def _tell(verdict: Explanation, content: Content, believed: Mapping[str, str]) -> None:
    say(("valid: " if verdict.valid else "not valid: ") + verdict.reason)
    for hint in verdict.hints:
        say(f"→ {hint}")
    if not verdict.valid and "timestamp" in verdict.reason:
        say("→ For a request captured earlier, say with --at when it came in.")
    for name, value in believed.items():
        say(f"Not checked: whether {name} is {value or '(not stated)'} in your account.")
    if content.says:
        say(f"Its content: {content.says}.")
    show_fields([("event", without_people(key)) for key in content.events])
