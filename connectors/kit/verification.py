"""Says in words why a captured webhook is refused, by trying what would make it genuine.

For `hub verify-webhook`. Nothing is guessed: each suspicion (another address, a changed body,
an old timestamp, a secret in the wrong field) is tried with the connector's own check, and
only what makes the check pass is reported. No secret appears in the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import orjson
from pydantic import SecretStr

from connectors.kit.account import Account
from connectors.kit.redact import without_secrets
from connectors.kit.webhook import BadSignature, InboundRequest, Webhook


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a check of a captured request found.

    Attributes:
        reason: The connector's own verdict, in words.
        hints: What would make the request genuine, and what to do about it.
    """

    valid: bool
    reason: str
    hints: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Suspicion:
    hint: str
    request: InboundRequest
    account: Account


def explain(webhook: Webhook, request: InboundRequest, account: Account) -> Explanation:
    """Checks a captured request as the gateway would, and says what is wrong with it.

    Args:
        request: With `received_at` of the capture, so that its timestamp is judged as then.
        account: Whose secret should have signed it.
    """
    reason = _refusal(webhook, request, account)
    if reason is None:
        return Explanation(True, "The signature is right: this connection's vendor sent it.")
    hints = tuple(dict.fromkeys(_hints(webhook, request, account)))
    secrets = [one.get_secret_value() for one in _secrets(account).values()]
    return Explanation(
        False, without_secrets(reason, secrets), tuple(without_secrets(h, secrets) for h in hints)
    )


def _refusal(webhook: Webhook, request: InboundRequest, account: Account) -> str | None:
    try:
        webhook.verify(request, account)
    except BadSignature as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a check that fails in any way is a refusal
        return f"the check itself failed ({type(error).__name__})"
    return None


def _hints(webhook: Webhook, request: InboundRequest, account: Account) -> Iterator[str]:
    missing = _missing_headers(webhook, request, account)
    if missing:
        yield (
            f"The request has no {', '.join(missing)} header: a proxy dropped it, or the request "
            "did not come from the vendor."
        )
        return
    moments = _moments(request)
    for moment in moments:
        at_the_time = replace(request, received_at=moment)
        if _refusal(webhook, at_the_time, account) is None:
            yield _stale(request.received_at - moment)
            return
    found = False
    for moment in (request.received_at, *moments):
        for suspicion in _suspicions(replace(request, received_at=moment), account):
            if _refusal(webhook, suspicion.request, suspicion.account) is None:
                found = True
                yield suspicion.hint
                if moment != request.received_at:
                    yield _stale(request.received_at - moment)
    if not found:
        yield (
            "No other address, spelling of the body or secret of this connection makes it "
            "genuine: compare the webhook secret with the vendor's, character by character, and "
            "make sure that the body was captured as raw bytes."
        )


def _missing_headers(webhook: Webhook, request: InboundRequest, account: Account) -> list[str]:
    """The headers that the connector signs with and the request lacks."""
    try:
        expected = webhook.sign(request, account)
    except Exception:  # noqa: BLE001 - a captured body may be anything; then nothing is known
        return []
    return sorted(name for name in expected if not request.headers.get(name.lower()))


def _stale(age: timedelta) -> str:
    minutes = abs(age).total_seconds() / 60
    if age < timedelta(0):
        return (
            f"The signature is right, but its timestamp lies {minutes:.0f} minutes ahead of the "
            "time of receipt: the clock of one side is wrong."
        )
    return (
        f"The signature is right, but it was made {minutes:.0f} minutes before the time of "
        "receipt: a replayed request, a proxy that held it back, or a clock that is wrong."
    )


# --- times -----------------------------------------------------------------------------------

_EPOCH = re.compile(r"(?<![\w.])(?:t=)?(\d{10}|\d{13})(?![\w.])")


def _moments(request: InboundRequest) -> list[datetime]:
    """The instants that stand in the headers, in any of the usual spellings."""
    found: dict[datetime, None] = {}
    for value in request.headers.values():
        for digits in _EPOCH.findall(value):
            found[datetime.fromtimestamp(int(digits[:10]), UTC)] = None
        moment = _date_of(value)
        if moment is not None:
            found[moment] = None
    return list(found)[:8]


def _date_of(value: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(value)
        except (ValueError, TypeError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


# --- suspicions ------------------------------------------------------------------------------


def _suspicions(request: InboundRequest, account: Account) -> Iterator[_Suspicion]:
    for url in _addresses(request.url):
        yield _Suspicion(
            f"It was signed for {url}, not for {request.url}: register this hub's address at the "
            "vendor exactly so, or set HUB_PUBLIC_URL to what the vendor calls.",
            replace(request, url=url),
            account,
        )
    for change, body in _bodies(request.body):
        yield _Suspicion(
            f"The body was changed on its way: {change}. Hand the bytes on untouched.",
            replace(request, body=body),
            account,
        )
    for field, other in _other_secrets(account):
        yield _Suspicion(
            f"It is signed with {field}: the secrets of this connection stand in the wrong "
            "fields, or the vendor signs with another one than the hub was given.",
            request,
            other,
        )


def _addresses(url: str) -> Iterator[str]:
    """The same address as a proxy or a typist may have changed it."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    tried = {url}
    for scheme in ("https", "http"):
        for ending in dict.fromkeys((port, "", ":443", ":80", ":4300")):
            for path in (parts.path, parts.path + "/", parts.path.rstrip("/")):
                for query in dict.fromkeys((parts.query, "")):
                    other = urlunsplit((scheme, host + ending, path, query, ""))
                    if other not in tried:
                        tried.add(other)
                        yield other


def _bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    """The body as an editor, a shell or a proxy may have found it."""
    changes: dict[str, bytes] = {
        "a line break at its end was added": body.rstrip(b"\r\n"),
        "the line break at its end was removed": body + b"\n",
        "the line breaks were rewritten": body.replace(b"\r\n", b"\n"),
        "the line breaks were rewritten to LF": body.replace(b"\r\n", b"\n").replace(
            b"\n", b"\r\n"
        ),
        "a byte order mark was added": body.removeprefix(b"\xef\xbb\xbf"),
        "a byte order mark was removed": b"\xef\xbb\xbf" + body,
        "the JSON was written anew, with other spaces": _as_json(body, None),
        "the JSON was written anew, indented": _as_json(body, orjson.OPT_INDENT_2),
        "characters were escaped or unescaped": _escaped(body),
    }
    for change, other in changes.items():
        if other != body:
            yield change, other


def _as_json(body: bytes, option: int | None) -> bytes:
    try:
        return orjson.dumps(orjson.loads(body), option=option)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return body


def _escaped(body: bytes) -> bytes:
    """Compact JSON with `\\/` and `\\u…`, as PHP writes it."""
    text = _as_json(body, None).decode("utf-8", "replace").replace("/", "\\/")
    return "".join(_php(letter) for letter in text).encode("ascii")


def _php(letter: str) -> str:
    if letter.isascii():
        return letter
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _other_secrets(account: Account) -> Iterator[tuple[str, Account]]:
    """The account with each secret in the place of each other, and without stray spaces."""
    secrets = _secrets(account)
    for place, secret in secrets.items():
        stripped = secret.get_secret_value().strip()
        if stripped != secret.get_secret_value():
            yield f"{place} without the spaces around it", _with(account, place, stripped)
        for other, value in secrets.items():
            if other != place:
                yield other, _with(account, place, value.get_secret_value())


def _secrets(account: Account) -> Mapping[str, SecretStr]:
    """The account's secrets by field; an account may be incomplete, with one secret alone."""
    fields = {name: getattr(account, name, None) for name in type(account).model_fields}
    return {
        name: value
        for name, value in fields.items()
        if isinstance(value, SecretStr) and value.get_secret_value()
    }


def _with(account: Account, field: str, secret: str) -> Account:
    update: dict[str, Any] = {field: SecretStr(secret)}
    return account.model_copy(update=update)
