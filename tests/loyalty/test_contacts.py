"""One spelling per address, whoever wrote it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.contacts import normal_address, normal_email, normal_phone
from loyalty.events import Channel


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (" Ada@Example.COM ", "ada@example.com"),
        ("ada+tea@sub.example.co.uk", "ada+tea@sub.example.co.uk"),
        ("ada@bücher.example", "ada@bücher.example"),
        ("ada@example.com\n", "ada@example.com"),
        (None, None),
        ("", None),
        ("ada", None),
        ("ada@localhost", None),
        ("@example.com", None),
        ("ada@.com", None),
        ("ada@example.", None),
        ("ada@example..com", None),
        ("a da@example.com", None),
        ("ada@exa mple.com", None),
        ("ada@eve@example.com", None),
        ("ada@example.com\nBcc: eve@example.com", None),
        ("a\tb@example.com", None),
        ("a\x00b@example.com", None),
        (f"{'a' * 250}@example.com", None),
    ],
)
def test_an_email_address(written: str | None, normal: str | None) -> None:
    assert normal_email(written) == normal


@pytest.mark.parametrize(
    ("written", "country", "normal"),
    [
        ("+49 1511 2345678", "", "+4915112345678"),
        ("01511 2345678", "DE", "+4915112345678"),
        ("01511 2345678", "de", "+4915112345678"),
        ("+1 (650) 253-0000", "DE", "+16502530000"),
        ("01511 2345678", "", None),
        ("01511 2345678", "XX", None),
        ("12", "DE", None),
        ("call me", "DE", None),
        ("", "DE", None),
        (None, "DE", None),
        ("+49" + "1" * 20, "", None),
        ("1" * 300, "DE", None),
    ],
)
def test_a_telephone_number(written: str | None, country: str, normal: str | None) -> None:
    assert normal_phone(written, country) == normal


@given(st.text(max_size=60) | st.emails())
def test_what_is_normal_stays_as_it_is(written: str) -> None:
    email = normal_email(written)
    assert email is None or normal_email(email) == email
    phone = normal_phone(written, "DE")
    assert phone is None or normal_phone(phone) == phone


@given(st.from_regex(r"\+[0-9]{5,18}", fullmatch=True))
def test_every_number_that_passes_can_be_texted(written: str) -> None:
    phone = normal_phone(written)
    assert phone is None or re.fullmatch(r"\+[1-9]\d{6,14}", phone)


@pytest.mark.parametrize(
    ("channel", "reported", "normal"),
    [
        (Channel.EMAIL, "Ada@Example.com", "ada@example.com"),
        (Channel.SMS, "+49 1511 2345678", "+4915112345678"),
        (Channel.SMS, " 24680 ", "24680"),
        (Channel.EMAIL, "NOT AN ADDRESS", "not an address"),
    ],
)
def test_an_address_that_a_vendor_reports(channel: Channel, reported: str, normal: str) -> None:
    assert normal_address(channel, reported) == normal
