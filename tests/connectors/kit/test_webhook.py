"""Reading and checking what anybody on the internet may send."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connectors.kit.webhook import (
    BadSignature,
    Unreadable,
    decode_json,
    hmac_base64,
    hmac_hex,
    require_fresh,
    require_match,
    require_object,
    signing_secrets,
)

SECRET = SecretStr("kit-secret")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"total": 19.99}', {"total": Decimal("19.99")}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": 1e3}', {"a": Decimal("1000")}),
        (b'{"id": 9007199254740993}', {"id": 9007199254740993}),
        (b'"\\ud83c\\udf81"', "\N{WRAPPED PRESENT}"),
        (b"[[[[]]]]", [[[[]]]]),
    ],
)
def test_json_is_read_exactly(body: bytes, expected: Any) -> None:
    found = decode_json(body)
    assert found == expected
    assert not isinstance(found, float)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "line 1, column 2"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1} {"b": 2}', "not JSON"),
        (b'{"total": 1, "total": 9}', "'total' stands twice"),
        (b'{"o": {"id": 1, "id": 1}}', "'id' stands twice"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b"-Infinity", "-Infinity is not a JSON number"),
        (b"9" * 5000, "cannot be read"),
        (b"1e999999999999999999999", "out of range"),
        (b"1e-5000", "out of range"),
        (b"[" * 100_000, "too deeply"),
        (b'{"a":' * 100_000, "too deeply"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        ('{"a": 1}'.encode("utf-16-le"), "not JSON"),
        ('{"name": "Zoë"}'.encode("latin-1"), "not UTF-8"),
        (b'{"name": "\\ud83c"}', "half a character"),
        (b'{"\\uDf81": 1}', "half a character"),
    ],
)
def test_json_that_cannot_be_trusted_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        decode_json(body)


@given(st.binary(max_size=200))
def test_reading_any_bytes_ends_in_a_value_or_in_unreadable(body: bytes) -> None:
    with suppress(Unreadable):
        decode_json(body)


@pytest.mark.parametrize("payload", [[], "x", 1, None])
def test_an_object_is_required_where_one_is_meant(payload: Any) -> None:
    with pytest.raises(Unreadable, match=type(payload).__name__):
        require_object(payload)


def test_signatures_are_those_of_rfc_2104() -> None:
    key = SecretStr("Jefe")
    content = b"what do ya want for nothing?"
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac_hex(key, content) == digest
    assert hmac_base64(key, content, "sha1") == "7/zfauXrL6LSdBbV8YTfnCWafHk="


@pytest.mark.parametrize("sign", [hmac_base64, hmac_hex])
def test_an_empty_secret_signs_nothing(sign: Any) -> None:
    with pytest.raises(BadSignature, match="no webhook secret"):
        sign(SecretStr(""), b"body")


@pytest.mark.parametrize("given_value", [None, "", " ", "wrong", "é", "\udcff", "a" * 10_000])
def test_anything_but_the_signature_is_refused(given_value: str | None) -> None:
    with pytest.raises(BadSignature, match="X-Signature"):
        require_match(given_value, [hmac_hex(SECRET, b"body")], "X-Signature")


def test_the_signature_passes_whichever_of_the_secrets_made_it() -> None:
    made = hmac_hex(SECRET, b"body")
    require_match(f" {made} ", [hmac_hex(SecretStr("new"), b"body"), made], "X-Signature")


def test_no_expected_signature_means_no() -> None:
    with pytest.raises(BadSignature):
        require_match("anything", [], "X-Signature")


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_a_stale_or_future_timestamp_is_refused(seconds: int) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    with pytest.raises(BadSignature, match="timestamp"):
        require_fresh(now + timedelta(seconds=seconds), now, timedelta(minutes=5))
    require_fresh(now + timedelta(seconds=299), now, timedelta(minutes=5))


def test_only_secrets_that_are_set_are_tried() -> None:
    assert signing_secrets(None, SecretStr(""), SECRET) == [SECRET]
    with pytest.raises(BadSignature, match="set it"):
        signing_secrets(None, SecretStr(""))
