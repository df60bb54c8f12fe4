"""Webhooks in: the request as it came, the check of its signature, and what it is turned into.

Every check fails closed: a missing header, an empty secret and a wrong value are refused
alike, and comparisons take constant time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, NoReturn
from urllib.parse import urlencode

from pydantic import SecretStr

from connectors.kit.account import Account
from loyalty.events import Event, EventType


class BadSignature(Exception):
    """The request does not prove where it comes from; the text says what is missing or wrong."""


class Unreadable(Exception):
    """The request is genuine but its content cannot be understood; the text says where."""


@dataclass(frozen=True, slots=True)
class InboundRequest:
    """One HTTP request as it came in.

    Attributes:
        url: The public address as the vendor knows it, from configuration, never from Host.
        headers: Names in lower case.
        body: The raw bytes.
        received_at: Aware; what staleness is measured against.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in the vendor's own words: to a handshake, or as the acknowledgement."""

    status: int
    body: bytes
    content_type: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Source:
    """Which configured account a request belongs to: `shopify`, `main`."""

    connector: str
    connection: str

    @property
    def store(self) -> str:
        """The name of the id space, first part of every business key: `shopify/main`."""
        return f"{self.connector}/{self.connection}"


Parse = Callable[[Any, InboundRequest, Source], Sequence[Event]]
"""Turns a decoded payload into events; raises Unreadable (or pydantic's ValidationError)."""


class Proof(StrEnum):
    """How a vendor's webhooks prove where they come from."""

    SIGNATURE = "signature"
    """A signature over the body."""

    SECRET = "secret"  # noqa: S105 - the name of a kind of proof
    """A secret sent along (in the address, a header or the body); the body proves nothing."""


class NoticeKind(StrEnum):
    """What a vendor may tell about the connection itself, or ask of its owner."""

    REVOKED = "revoked"
    """The app was uninstalled or its access withdrawn: the connection counts as refused."""

    DATA_REQUEST = "data_request"
    """A person asks what is known of them."""

    SHOP_ERASURE = "shop_erasure"
    """The data of a whole shop are to be erased."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something operations must know of that is no event of a customer's; kept in the audit.

    Attributes:
        text: A sentence for people, without personal data.
        detail: What is needed to act on it, such as the vendor's ids.
    """

    kind: NoticeKind
    text: str
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trigger:
    """One kind of vendor event.

    Attributes:
        vendor_event: The vendor's topic, e.g. `orders/paid`.
        event_types: The canonical types it can become.
        title: For people, ending with a period.
        sample: File below `samples/` with a payload in the vendor's documented shape.
        ordering: What the vendor guarantees about order of arrival.
        rings: A doorbell: the payload is thin or proves nothing, so `parse` returns no events
            and the connection's poll is asked at once instead.
        notice: What it tells about the connection itself; called with what `parse` gets.
    """

    vendor_event: str
    event_types: tuple[EventType, ...]
    title: str
    parse: Parse
    sample: str
    ordering: str = "none"
    rings: bool = False
    notice: Callable[[Any, InboundRequest], Notice | None] | None = None


def no_events(payload: Any, request: InboundRequest, source: Source) -> Sequence[Event]:
    """The `parse` of a trigger that only rings or gives notice."""
    return ()


@dataclass(frozen=True, slots=True)
class Webhook:
    """How one vendor's webhooks are received.

    Attributes:
        verify: Raises BadSignature unless the request is genuine.
        decode: Raw body to payload; raises Unreadable.
        topic: The vendor event of a verified request (header or body).
        triggers: By vendor event. A topic that is not among them is acknowledged and ignored.
        delivery_id: The vendor's id of this delivery, for support; never the business key.
        handshake: Answers a vendor's set-up request, or None where it is not one. Called
            before `verify`, so it must itself refuse what is not proven.
        sign: Headers that make a request genuine: the sandbox and the tests send with it.
        signing_field: The account's field that holds the secret that signs; with it a captured
            request can be checked by somebody who has the secret alone.
        claims: Account fields that a request states itself, by header (lower case): taken at
            its word in such a check, never in the gateway.
        proof: What `verify` relies on. With SECRET the body is not protected: no trigger of it
            may turn into an event that moves points; it rings for the poll instead.
        query: Query parameters of the registered address by which requests prove themselves.
        acknowledge: The answer to a request that was taken, where not any 2xx will do.
        decode_for: In place of `decode`, where an account says itself how its bodies are read.
    """

    verify: Callable[[InboundRequest, Any], None]
    decode: Callable[[bytes], Any]
    topic: Callable[[InboundRequest, Any], str]
    triggers: Mapping[str, Trigger]
    sign: Callable[[InboundRequest, Any], Mapping[str, str]]
    delivery_id: Callable[[InboundRequest, Any], str | None] = lambda request, payload: None
    handshake: Callable[[InboundRequest, Account], Reply | None] | None = None
    signing_field: str = ""
    claims: Mapping[str, str] = field(default_factory=dict)
    proof: Proof = Proof.SIGNATURE
    query: Callable[[Any], Mapping[str, str]] | None = None
    acknowledge: Reply | None = None
    decode_for: Callable[[bytes, Any], Any] | None = None

    def read(self, body: bytes, account: Any) -> Any:
        """The payload of a body, as this account's bodies are read; raises Unreadable."""
        return self.decode_for(body, account) if self.decode_for else self.decode(body)

    def address(self, base: str, account: Any) -> str:
        """The address to register at the vendor, with what proves its requests in the query."""
        return f"{base}?{urlencode(self.query(account))}" if self.query else base


# --- signatures ------------------------------------------------------------------------------


def hmac_base64(secret: SecretStr, content: bytes, digest: str = "sha256") -> str:
    """Base64 of the HMAC (RFC 2104) of the content; an empty secret is refused."""
    return base64.b64encode(_hmac(secret, content, digest)).decode("ascii")


def hmac_hex(secret: SecretStr, content: bytes, digest: str = "sha256") -> str:
    """Lower-case hex of the HMAC (RFC 2104) of the content; an empty secret is refused."""
    return _hmac(secret, content, digest).hex()


def _hmac(secret: SecretStr, content: bytes, digest: str) -> bytes:
    key = secret.get_secret_value().encode("utf-8")
    if not key:
        raise BadSignature("this connection has no webhook secret: set it in its credentials")
    return hmac.digest(key, content, getattr(hashlib, digest))


def require_match(given: str | None, expected: Sequence[str], header: str) -> None:
    """Raises BadSignature unless `given` is one of the expected signatures (constant time)."""
    if not given:
        raise BadSignature(f"the {header} header is missing")
    offered = given.strip().encode("utf-8", "surrogateescape")
    matches = [hmac.compare_digest(offered, one.encode("ascii")) for one in expected]
    if not any(matches):
        raise BadSignature(
            f"the {header} header does not match: wrong secret, or the body was changed on its way"
        )


def require_secret(given: str | None, secret: SecretStr | None, where: str) -> None:
    """Raises BadSignature unless what was sent along is the secret (constant time).

    Args:
        where: Where it was looked for, `the token in the address`.
    """
    (expected,) = signing_secrets(secret)
    if not given:
        raise BadSignature(f"{where} is missing")
    offered = given.encode("utf-8", "surrogateescape")
    if not hmac.compare_digest(offered, expected.get_secret_value().encode("utf-8")):
        raise BadSignature(f"{where} does not match this connection's secret")


def require_fresh(stamp: datetime, received_at: datetime, tolerance: timedelta) -> None:
    """Raises BadSignature where the signed timestamp is too old or too far ahead."""
    if abs(received_at - stamp) > tolerance:
        raise BadSignature(
            f"the signed timestamp is {received_at - stamp} away from now: "
            "a replayed request, or a clock that is wrong"
        )


def signing_secrets(*candidates: SecretStr | None) -> list[SecretStr]:
    """The secrets to try, current first, empty ones left out; BadSignature if none is left."""
    found = [one for one in candidates if one is not None and one.get_secret_value()]
    if not found:
        raise BadSignature("this connection has no webhook secret: set it in its credentials")
    return found


# --- JSON ------------------------------------------------------------------------------------

MAX_EXPONENT = 400
"""Larger than any double; without it, 15 bytes could become a number of a million digits."""


def decode_json(body: bytes) -> Any:
    """JSON with exact numbers: Decimals instead of floats, duplicate keys and NaN refused."""
    try:
        payload = _DECODER.decode(body.decode("utf-8-sig"))
        if b"\\ud" in body or b"\\uD" in body:
            _refuse_half_characters(payload)
        return payload
    except UnicodeDecodeError as error:
        raise Unreadable(f"the body is not UTF-8 (byte {error.start})") from None
    except UnicodeEncodeError:
        raise Unreadable("the JSON has half a character (a lone surrogate)") from None
    except json.JSONDecodeError as error:
        raise Unreadable(
            f"the body is not JSON: {error.msg} (line {error.lineno}, column {error.colno})"
        ) from None
    except RecursionError:
        raise Unreadable("the JSON is nested too deeply") from None
    except ValueError as error:
        raise Unreadable(f"the JSON has a value that cannot be read: {error}") from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise ValueError(f"the key {key[:60]!r} stands twice")
            seen.add(key)
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _refuse_half_characters(payload: Any) -> None:
    # No database and no vendor takes them, so they are refused here, with a reason.
    json.dumps(payload, ensure_ascii=False, default=str).encode()


def _exact_number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"the number {text[:20]} is out of range") from None
    if abs(number.adjusted()) > MAX_EXPONENT:
        raise ValueError(f"the number {text[:20]} is out of range")
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_no_duplicates, parse_float=_exact_number, parse_constant=_refuse_constant
)


def require_object(payload: Any) -> dict[str, Any]:
    """The payload itself where it is a JSON object; Unreadable otherwise."""
    if not isinstance(payload, dict):
        raise Unreadable(f"a JSON object was expected, not {type(payload).__name__}")
    return payload
