"""What is kept out of logs, errors and stored requests."""

from __future__ import annotations

import time

import pytest
from pydantic import Field, SecretStr

from connectors.kit.account import Account
from connectors.kit.redact import (
    MASK,
    safe_headers,
    secrets_in_headers,
    secrets_of,
    without_people,
    without_secrets,
)


class Shop(Account):
    """An account with secrets in every place the model allows."""

    name: str = "main"
    token: SecretStr = SecretStr("tok-123456")
    short: SecretStr = SecretStr("abc")
    missing: SecretStr | None = None
    several: tuple[SecretStr, ...] = (SecretStr("old-secret"), SecretStr("new-secret"))
    by_name: dict[str, SecretStr] = Field({"x": SecretStr("named-secret")})


def test_every_secret_of_an_account_is_found_wherever_it_is_nested() -> None:
    assert secrets_of(Shop()) == ["tok-123456", "old-secret", "new-secret", "named-secret"]


def test_a_secret_that_is_part_of_another_leaves_no_rest() -> None:
    text = without_secrets(
        "key sk-live-42-extra and sk-live-42", ["sk-live-42", "sk-live-42-extra"]
    )
    assert text == f"key {MASK} and {MASK}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to ann.lee+x@shop.example now", "to a…@shop.example now"),
        ("call +4915112345678", "call +…678"),
        ("call +123456789012345", "call +…345"),
        ("order 4915112345678", "order 4915112345678"),
        ("a@b.co,c@d.co", "a…@b.co,c…@d.co"),
    ],
)
def test_people_are_shortened(text: str, expected: str) -> None:
    assert without_people(text) == expected


def test_shortening_takes_linear_time_on_hostile_text() -> None:
    started = time.perf_counter()
    without_people("a" * 200_000 + " " + "a@" * 50_000 + "x@" + "b" * 100_000)
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    "name",
    ["Authorization", "Proxy-Authorization", "X-Auth-Token", "Cookie", "X-Api-Secret", "x-guid"],
)
def test_headers_with_credentials_are_masked_and_found(name: str) -> None:
    headers = {name: "Bearer tok-123456", "Content-Type": "application/json"}
    assert safe_headers(headers) == {name: MASK, "Content-Type": "application/json"}
    assert secrets_in_headers(headers) == ["tok-123456"]
