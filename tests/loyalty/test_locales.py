"""Which language a person gets, and in which formats a text is written."""

from __future__ import annotations

import pytest

from loyalty.locales import canonical, choose, direction, formats_of, is_known


@pytest.mark.parametrize(
    ("wanted", "available", "chosen"),
    [
        ("pt-BR", ("en", "pt", "zh-Hans"), "pt"),
        ("zh-Hant-TW", ("en", "pt", "zh-Hans"), "en"),
        ("zh-TW", ("en", "zh-Hans"), "en"),
        ("zh-CN", ("en", "pt", "zh-Hans"), "zh-Hans"),
        ("zh-HK", ("zh-Hans", "zh-Hant"), "zh-Hant"),
        ("EN_gb", ("de", "en"), "en"),
        ("en-AU", ("en-US", "en-GB"), "en-GB"),
        ("pt-PT", ("pt-BR", "pt-PT"), "pt-PT"),
        ("de_DE.UTF-8", ("en", "de"), "de"),
        ("sr-Latn", ("en", "sr"), "en"),
        ("iw", ("en", "he"), "he"),
        ("nb-NO", ("en", "no"), "no"),
        ("tlh", ("fr", "de"), "fr"),
        ("", ("de", "en"), "en"),
    ],
)
def test_only_the_same_language_in_the_same_script_serves(
    wanted: str, available: tuple[str, ...], chosen: str
) -> None:
    assert choose(wanted, available).locale == chosen


def test_a_missing_language_falls_back_to_the_programmes_and_says_so() -> None:
    choice = choose("ja", ("en", "de"), "de-AT")
    assert (choice.locale, choice.is_fallback) == ("de", True)
    assert not choose("de-CH", ("en", "de"), "en").is_fallback


@pytest.mark.parametrize("tag", ["x", "!!", "-", "a" * 100, "en-" * 400, "\x00", "und", "🎉"])
def test_what_is_no_language_tag_is_none(tag: str) -> None:
    assert canonical(tag) == ""
    assert choose(tag, ("fr", "en")).locale == "en"


@pytest.mark.parametrize(
    ("text", "person", "formats"),
    [("en", "en-GB", "en_GB"), ("en", "de-AT", "en"), ("de", "de-AT", "de_AT"), ("en", "", "en"),
     ("zh-Hans", "zh-CN", "zh_Hans_CN"), ("en", "en-XX", "en"), ("tlh", "tlh", "en")],
)  # fmt: skip
def test_numbers_are_written_as_the_texts_language_does(
    text: str, person: str, formats: str
) -> None:
    assert str(formats_of(text, person)) == formats


def test_directions_and_slips_are_known() -> None:
    assert [direction(one) for one in ("ar-EG", "he", "ur", "az-Arab", "de", "")] == [
        "rtl", "rtl", "rtl", "rtl", "ltr", "ltr",
    ]  # fmt: skip
    assert is_known("pt-BR")
    assert not is_known("ger man")
