"""`hub verify-webhook`: checks a captured request as the gateway would, and says what is wrong.

It needs the webhook's secret alone and no store; whatever else an account has, the signature
does not hang on it. What a vendor has the request itself state (a shop's domain) is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
from pydantic import SecretStr

from connectors.kit.manifest import Manifest
from connectors.kit.registry import manifest, slugs
from connectors.kit.webhook import InboundRequest, Source, Unreadable, Webhook
from deployments.cli.answers import answering, say, show_fields, unusable, write_json
from flows.runtime import wall_clock
from gateway.answers import Refused
from gateway.connections import Hook
from gateway.receiving import Ignored, greet, prove, understand


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
class Verdict:
    """Whether a request is genuine, and what the gateway would make of it."""

    valid: bool
    reason: str
    content: str = ""
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
    verdict = judge(Hook(Source(captured.vendor, captured.connection), webhook, account), request)
    if as_json:
        write_json(
            {
                "vendor": captured.vendor,
                "connection": f"{captured.vendor}/{captured.connection}",
                "received_at": request.received_at,
                "valid": verdict.valid,
                "reason": verdict.reason,
                "content": verdict.content,
                "events": verdict.events,
                "not_checked": believed,
            }
        )
    else:
        _tell(verdict, believed)
    return 0 if verdict.valid else 1


def judge(hook: Hook, request: InboundRequest) -> Verdict:
    """What the gateway would say to the request."""
    try:
        reply = greet(hook, request)
        if reply is not None:
            content = f"a set-up request: the gateway answers {reply.status} and keeps nothing"
            return Verdict(True, "The vendor's set-up request is in order.", content)
        prove(hook, request)
    except Refused as refused:
        return Verdict(False, _sentence(str(refused)))
    reason = "The signature is right."
    try:
        found = understand(hook, request)
    except Unreadable as error:
        return Verdict(True, reason, f"cannot be read, so it is kept for inspection: {error}")
    if isinstance(found, Ignored):
        return Verdict(True, reason, f"of a kind that has no use here: {found.topic or 'unnamed'}")
    keys = tuple(one.event.business_key for one in found)
    return Verdict(True, reason, "" if keys else "says nothing that becomes an event", keys)


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


def _tell(verdict: Verdict, believed: Mapping[str, str]) -> None:
    say(("valid: " if verdict.valid else "not valid: ") + verdict.reason)
    if not verdict.valid and "timestamp" in verdict.reason:
        say("For a request captured earlier, say with --at when it came in.")
    for name, value in believed.items():
        say(f"Not checked: whether {name} is {value or '(not stated)'} in your account.")
    if verdict.content:
        say(f"Its content: {verdict.content}.")
    if verdict.events:
        show_fields([("event", key) for key in verdict.events])


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
