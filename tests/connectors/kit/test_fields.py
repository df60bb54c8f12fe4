"""Secrets and addresses as accounts take them, and the sandboxes' rate limit."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.kit.account import Account
from connectors.kit.fields import BaseUrl, Secret
from connectors.kit.window import Window


class Example(Account):
    """Any vendor's account: accounts hide what was typed in from their errors."""

    token: Secret


@pytest.mark.parametrize("text", ["", " ", "a b", "a\n", "\ta", "a\x00b", "a\u2028b"])
def test_a_secret_in_pieces_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Example.model_validate({"token": f"canary{text}canary" if text else text})
    assert "canary" not in str(caught.value)


def test_a_secret_in_one_piece_is_kept() -> None:
    assert TypeAdapter(Secret).validate_python("pk_1-äß").get_secret_value() == "pk_1-äß"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com/3.0/", "https://api.example.com/3.0"),
        ("http://127.0.0.1:8080/sheets", "http://127.0.0.1:8080/sheets"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_loses_its_trailing_slash(url: str, kept: str) -> None:
    assert TypeAdapter(BaseUrl).validate_python(url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "ftp://api.example.com",
        "https://user:pass@api.example.com",
        "https://api.example.com?x=1",
        "https://api.example.com#x",
        "https://api.example.com/a b",
        "https://api.example.com\n",
        "https:///path",
    ],
)
def test_what_is_no_plain_http_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(BaseUrl).validate_python(url)


def test_a_window_lets_so_many_pass_in_any_period_and_says_how_long_to_wait() -> None:
    now = 100.0
    window = Window(2, 10.0, clock=lambda: now)
    assert [window.take(), window.take(), window.take()] == [0.0, 0.0, 10.0]
    now = 104.0
    assert window.take() == 6.0
    now = 110.0
    assert [window.take(), window.take(), window.take()] == [0.0, 0.0, 10.0]


def test_a_window_of_nothing_is_no_limit() -> None:
    window = Window(0, 1.0)
    assert [window.take() for _ in range(100)] == [0.0] * 100
