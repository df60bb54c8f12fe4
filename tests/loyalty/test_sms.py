"""What an SMS costs: 3GPP TS 23.038 and 23.040."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.sms import measure, single_spaces


@pytest.mark.parametrize(
    ("text", "encoding", "segments", "left"),
    [
        ("", "GSM-7", 0, 160),
        ("a" * 160, "GSM-7", 1, 0),
        ("a" * 161, "GSM-7", 2, 145),
        ("a" * 306, "GSM-7", 2, 0),
        ("a" * 307, "GSM-7", 3, 152),
        ("€" * 80, "GSM-7", 1, 0),
        ("€" * 81, "GSM-7", 2, 143),
        ("äöüÄÖÜßéèàùìòñÑÇ£¥§¿¡ΔΦΓΛΩΠΨΣΘΞÆæØøÅå", "GSM-7", 1, 123),
        ("{}[]~^\\|", "GSM-7", 1, 144),
        ("ç", "UCS-2", 1, 69),
        ("a" * 70 + "’", "UCS-2", 2, 63),
        ("’" * 134, "UCS-2", 2, 0),
        ("’" * 135, "UCS-2", 3, 66),
        ("🎉" * 35, "UCS-2", 1, 0),
        ("🎉" * 36, "UCS-2", 2, 61),
        ("👩‍👩‍👧", "UCS-2", 1, 62),
    ],
)
def test_encoding_and_segments(text: str, encoding: str, segments: int, left: int) -> None:
    size = measure(text)
    assert (size.encoding, size.segments, size.left) == (encoding, segments, left)


def test_an_escaped_character_is_never_in_two_segments() -> None:
    # 152 septets and a euro do not fit into 153: it goes whole into the second segment.
    assert measure("a" * 152 + "€" + "a" * 151).segments == 2
    assert measure("a" * 152 + "€" + "a" * 152).segments == 3
    assert measure("a" * 153 + "€" + "a" * 151).segments == 2


def test_half_an_emoji_is_never_in_a_segment() -> None:
    assert measure("a" * 66 + "🎉" + "a" * 65).segments == 2
    assert measure("a" * 66 + "🎉" + "a" * 66).segments == 3


def test_the_character_that_makes_it_dear_is_named_with_what_could_stand_there() -> None:
    size = measure("Don’t miss it – really")
    assert [(one.character, one.position, one.instead) for one in size.culprits] == [
        ("’", 4, "'"), ("–", 15, "-"),
    ]  # fmt: skip
    assert size.warning.startswith("right single quotation mark (character 4) and 1 more makes")
    assert 'write "\'" instead' in size.warning
    assert measure("plain €").warning == ""


def test_the_marks_around_a_hebrew_name_are_not_blamed() -> None:
    assert measure("\u2068שלום\u2069").culprits[0].name == "hebrew letter shin"


def test_narrow_spaces_of_numbers_become_plain_ones() -> None:
    assert measure(single_spaces("1\u202f234\u00a0€")).encoding == "GSM-7"


@given(st.text(max_size=700))
def test_segments_hold_what_they_say(text: str) -> None:
    size = measure(text)
    room = {"GSM-7": (160, 153), "UCS-2": (70, 67)}[size.encoding]
    if size.segments <= 1:
        assert size.units + size.left == room[0]
    else:
        # At most one unit of each segment but the last stays empty: half a pair.
        held = size.segments * room[1] - size.left
        assert held - size.segments + 1 <= size.units <= held
