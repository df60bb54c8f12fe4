"""Amounts, points, days and plurals as the recipient's language writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from loyalty.programme import Programme
from loyalty.texts import Recipient, TextError, Texts

VALUES: dict[str, Any] = {
    "amount": Decimal("1234.5"), "points": 123450, "day": date(2026, 3, 2), "iso": "2026-03-02",
    "at": datetime(2026, 3, 2, 20, 30, tzinfo=UTC), "ends": "2026-12-31T23:00:00+00:00",
    "midnight": "2027-01-01T00:00:00+01:00", "nan": Decimal("NaN"),
}  # fmt: skip


def said(text: str, locale: str, *, zone: str = "Europe/Berlin", channel: str = "sms") -> str:
    """The text in a language, where `text` is written in that language."""
    parts = text if channel == "sms" else {"subject": "x", "text": text}
    texts = Texts({"t": {channel: {locale: parts, "eo": parts}}})
    context = {
        "recipient": Recipient(locale=locale, zone=zone),
        "programme": Programme(unit_scale=2, currency="EUR"),
        "values": VALUES,
    }
    return texts.render("t", channel, context)["text"]


@pytest.mark.parametrize(
    ("text", "locale", "result"),
    [
        ("{{ values.amount|money }}", "de", "1.234,50 €"),
        ("{{ values.amount|money }}", "en-GB", "€1,234.50"),
        ("{{ values.amount|money('JPY') }}", "en", "¥1,234"),
        ("{{ values.amount|money('USD') }}", "fr", "1 234,50 $US"),
        ("{{ values.points|points }}", "en", "1,234.5"),
        ("{{ 100000|points }}", "de", "1.000"),
        ("{{ -250|points }}", "en", "-2.5"),
        ("{{ values.amount|number }}", "de-CH", "1’234.5"),
        ("{{ 3|number(2) }}", "fr", "3,00"),
        ("{{ values.day|date }}", "en-US", "March 2, 2026"),
        ("{{ values.iso|date('full') }}", "de", "Montag, 2. März 2026"),
        ("{{ values.at|date }}", "de", "2. März 2026"),
        ("{{ values.at|datetime('short') }}", "de", "02.03.26, 21:30"),
        ("{{ values.at|datetime('short') }}", "en-US", "3/2/26, 9:30 PM"),
        ("{{ values.ends|last_day }}", "de", "31. Dezember 2026"),
        ("{{ values.midnight|last_day }}", "de", "31. Dezember 2026"),
        ("{{ values.iso|last_day }}", "en", "March 2, 2026"),
        ("{{ plural(1, one='rok', few='roky', other='let') }}", "cs", "rok"),
        ("{{ plural(3, one='rok', few='roky', other='let') }}", "cs", "roky"),
        ("{{ plural(5, one='rok', few='roky', other='let') }}", "cs", "let"),
        ("{{ plural(0, one='an', other='ans') }}", "fr", "an"),
        ("{{ plural(0, one='year', other='years') }}", "en", "years"),
        ("{{ plural(11, one='x', two='y', few='z', many='m', other='o') }}", "ar", "m"),
    ],
)
def test_a_value_is_written_as_the_language_writes_it(text: str, locale: str, result: str) -> None:
    assert said(text, locale) == result


def test_days_are_those_of_the_recipients_zone() -> None:
    assert said("{{ values.at|date }}", "en", zone="Asia/Tokyo") == "March 3, 2026"
    assert said("{{ values.ends|last_day }}", "en", zone="America/New_York") == "December 31, 2026"
    assert said("{{ values.ends|last_day }}", "en", zone="Asia/Tokyo") == "January 1, 2027"
    assert said("{{ values.at|date }}", "en", zone="Nowhere/None") == "March 2, 2026"


def test_a_text_that_is_only_the_fallback_keeps_the_formats_of_its_own_language() -> None:
    texts = Texts({"t": {"sms": {"en": "{{ 1234.5|number }}", "de": "{{ 1234.5|number }}"}}})
    for locale, result in (("de-AT", "1.234,5"), ("ja", "1,234.5"), ("fr", "1,234.5")):
        context = {"recipient": Recipient(locale=locale)}
        assert texts.render("t", "sms", context)["text"] == result


def test_an_email_keeps_the_spaces_that_hold_a_number_together() -> None:
    assert said("{{ values.amount|money }}", "de", channel="email") == "1.234,50\u00a0€"


def test_constants_are_written_for_each_recipient_anew() -> None:
    texts = Texts({"t": {"sms": "{{ 1234.5|number }} {{ plural(1, one='a', other='b') }}"}})
    found = [
        texts.render("t", "sms", {"programme": Programme(default_locale=one)})["text"]
        for one in ("en", "de", "en")
    ]
    assert found == ["1,234.5 a", "1.234,5 a", "1,234.5 a"]


def test_one_number_can_be_written_in_several_ways_in_one_text() -> None:
    text = "{{ 1|number }} {{ 1|number(2) }} {{ 1|number(1) }} {{ 100|points }} {{ 100|number }}"
    assert said(text, "en") == "1 1.00 1.0 1 100"
    assert said(text, "de") == "1 1,00 1,0 1 100"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ 'x'|money }}", "`money` needs a number, not 'x'"),
        ("{{ 5|money('EU') }}", "a currency of three letters"),
        ("{{ values.nan|number }}", "`number` needs a number"),
        ("{{ true|points }}", "`points` needs a number"),
        ("{{ '1e999999'|points }}", "out of bounds"),
        ("{{ '1e-999999'|number }}", "out of bounds"),
        ("{{ '0e999999'|points }}", "out of bounds"),
        ("{{ 5|number(11) }}", "0 to 10 decimals"),
        ("{{ 'soon'|date }}", "`date` needs a date, not 'soon'"),
        ("{{ values.day|datetime }}", "for a day there is `date`"),
        ("{{ '2026-03-02T10:00'|date }}", "an instant with a zone"),
        ("{{ values.day|date('yyyy') }}", "short, medium, long, full"),
        ("{{ plural(1, one='x') }}", "always other"),
        ("{{ plural(1, ones='x', other='y') }}", "`plural` takes"),
        ("{{ values.nobody|money }}", "nobody"),
    ],
)
def test_what_cannot_be_written_is_told(text: str, reason: str) -> None:
    with pytest.raises(TextError) as caught:
        said(text, "en")
    assert reason in str(caught.value)
