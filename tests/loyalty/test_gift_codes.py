"""Gift codes: one spelling, check characters, windows of whole days, and who guesses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loyalty.gift_code_plans import BatchPlan, PrintPlan, needed_length
from loyalty.gift_codes import (
    ALPHABET,
    BatchRules,
    GiftCode,
    Guard,
    Shape,
    Uses,
    Window,
    bodies,
    check_character,
    is_mistyped,
    normal_form,
    pause_after,
    readings,
    refusal,
)

NEW_YORK = ZoneInfo("America/New_York")
SHAPE = Shape("FAIR", 12)
BODY = st.text(ALPHABET, min_size=11, max_size=11)


@pytest.mark.parametrize(
    "typed",
    [
        "SPRING-24AB", "spring-24ab ", " Spring 24 ab", "SPRING\u201424AB", "SPRING\u2212 24AB",
        "ＳＰＲＩＮＧ－２４ＡＢ", "S P R I N G 2 4 A B", "spring\u00a024ab", "spring\u200b24ab\t",
        "SPRING_24_AB", "ЅРRІNG-24АВ",
    ],
)  # fmt: skip
def test_a_code_is_the_same_however_it_is_typed(typed: str) -> None:
    assert normal_form(typed) == "SPRING24AB"


@pytest.mark.parametrize(
    "typed",
    ["", " -- ", "X", "A+B", "=SUM(A1)", "GR\u00dcN24", "\U0001f381CODE", "A" * 41, "A" * 999],
)
def test_what_cannot_be_a_code_has_no_spelling(typed: str) -> None:
    assert normal_form(typed) == ""


@given(st.text(max_size=60))
def test_the_spelling_of_a_spelling_is_itself(typed: str) -> None:
    assert normal_form(normal_form(typed)) == normal_form(typed)


def test_the_alphabet_has_no_character_that_is_read_as_another() -> None:
    assert len(ALPHABET) == len(set(ALPHABET)) == 32
    assert not set("01IO") & set(ALPHABET)


@given(BODY, st.integers(0, 11), st.sampled_from(ALPHABET))
def test_every_single_slip_is_noticed(body: str, place: int, other: str) -> None:
    code = body + check_character(body)
    slipped = code[:place] + other + code[place + 1 :]
    is_right = slipped[-1] == check_character(slipped[:-1])
    assert is_right == (slipped == code)


def test_all_but_two_kinds_of_swapped_neighbours_are_noticed() -> None:
    pairs = [(a, b) for a in ALPHABET for b in ALPHABET if a != b]
    unnoticed = [
        (a, b) for a, b in pairs if check_character(f"{a}{b}") == check_character(f"{b}{a}")
    ]
    assert sorted(unnoticed) == [("2", "Z"), ("Z", "2")]


@given(BODY)
def test_a_printed_code_is_understood_as_it_is_read_aloud(body: str) -> None:
    code = SHAPE.code(body)
    assert normal_form(SHAPE.shown(code)) == code
    misread = code.replace("Q", "O").replace("L", "1")
    assert code in readings(misread.lower(), [SHAPE, Shape("", 8)])


def test_a_slip_is_told_apart_from_a_code_that_never_was() -> None:
    code = SHAPE.code("ABCDEFGHJKM")
    other = next(one for one in ALPHABET if one != code[-1])
    assert not is_mistyped(code, [SHAPE])
    assert is_mistyped(code[:-1] + other, [SHAPE])
    assert not is_mistyped("SPRING-24AB", [SHAPE])
    assert not is_mistyped(code[:-1], [SHAPE])


def test_a_code_full_of_doubtful_characters_costs_no_time() -> None:
    assert readings("0" * 20, [Shape("", 20)]) == ("0" * 20,)


def test_codes_are_made_of_the_noise_alone_and_evenly() -> None:
    def noise() -> Iterator[bytes]:
        yield from (bytes([n] * 8) for n in range(256))

    found = list(bodies(noise(), 8))
    assert {len(one) for one in found} == {7}
    assert [found.count(one * 7) for one in ALPHABET] == [8] * 32


# --- plans


@pytest.mark.parametrize(("count", "length"), [(33, 6), (34, 7), (1_000, 7), (1_000_000, 9)])
def test_so_many_codes_need_so_many_characters(count: int, length: int) -> None:
    assert needed_length(count) == length
    PrintPlan(name="b", count=count, points=1, length=length)
    if length > 6:
        with pytest.raises(ValidationError, match=f"too easy to guess: take {length}"):
            PrintPlan(name="b", count=count, points=1, length=length - 1)


@pytest.mark.parametrize(
    ("given_prefix", "kept"), [("fair-", "FAIR"), ("", ""), (" ", ""), ("x", "X"), ("a b", "AB")]
)
def test_a_prefix_is_kept_in_its_one_spelling(given_prefix: str, kept: str) -> None:
    assert PrintPlan(name="b", count=1, points=1, prefix=given_prefix).prefix == kept


def test_a_plan_that_cannot_be_is_refused_in_words() -> None:
    with pytest.raises(ValidationError, match="letters A to Z and digits"):
        PrintPlan(name="b", count=1, points=1, prefix="\u00fc")
    with pytest.raises(ValidationError, match="before the first"):
        BatchPlan(name="b", valid_from=date(2026, 3, 2), valid_to=date(2026, 3, 1))
    with pytest.raises(ValidationError, match="needs a name"):
        BatchPlan(name="  ")


# --- what a code is worth when


def code(**more: object) -> GiftCode:
    """An ordinary code of a batch that is valid in the first week of March."""
    window = Window(date(2026, 3, 1), date(2026, 3, 8))
    rules = BatchRules(window, **more)  # type: ignore[arg-type]
    return GiftCode(1, UUID(int=1), "Fair", "FAIR26", 20, rules)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-02-28T23:59:59.999999-05:00", "code_not_yet_valid"),
        ("2026-03-01T00:00:00-05:00", None),
        ("2026-03-08T23:59:59.999999-04:00", None),
        ("2026-03-09T00:00:00-04:00", "code_expired"),
    ],
)
def test_days_are_whole_days_of_the_programme_over_a_clock_change(
    at: str, expected: str | None
) -> None:
    found = refusal(code(), Uses(), datetime.fromisoformat(at).astimezone(UTC), NEW_YORK)
    assert (found[0] if found else None) == expected


@pytest.mark.parametrize(
    ("limits", "of_all", "uses", "expected"),
    [
        ({}, 0, Uses(), None),
        ({}, 1, Uses(of_code=1), "code_used"),
        ({}, 1, Uses(), "code_used"),
        ({"max_uses": 2}, 1, Uses(), None),
        ({"max_uses": 2}, 1, Uses(of_code=1), "code_used"),
        ({"max_uses": 2, "per_member": 2}, 1, Uses(of_code=1), None),
        ({"batch_uses": 5}, 0, Uses(of_batch_by_all=4), None),
        ({"batch_uses": 5}, 0, Uses(of_batch_by_all=5), "batch_used_up"),
        ({"batch_per_member": 2}, 0, Uses(of_batch=1), None),
        ({"batch_per_member": 2}, 0, Uses(of_batch=2), "batch_limit"),
    ],
)
def test_limits_bite_at_their_figure(
    limits: dict[str, int], of_all: int, uses: Uses, expected: str | None
) -> None:
    one = code(**limits)
    one.uses = of_all
    found = refusal(one, uses, datetime(2026, 3, 2, tzinfo=UTC), NEW_YORK)
    assert (found[0] if found else None) == expected


# --- guessing

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LOCK = timedelta(minutes=15)


def test_the_fifth_wrong_code_locks_to_the_instant() -> None:
    guard = Guard("member:1")
    for second in range(5):
        assert guard.lock_at(NOON + timedelta(seconds=second)) is None
        guard.fail(NOON + timedelta(seconds=second), most=5, lock=LOCK)
    until = NOON + timedelta(seconds=4) + LOCK
    assert guard.locked_until == until
    assert guard.lock_at(until - timedelta(microseconds=1)) == until
    assert guard.lock_at(until) is None


def test_wrong_codes_are_forgotten_when_none_has_come_for_long() -> None:
    guard = Guard("member:1")
    times = [NOON, NOON + timedelta(minutes=14), NOON + timedelta(minutes=29)]
    for at in times:
        guard.fail(at, most=3, lock=LOCK)
    assert all(later - earlier <= LOCK for earlier, later in pairwise(times))
    assert guard.failures == 1
    assert guard.locked_until is None


def test_each_wrong_code_after_the_second_makes_the_next_one_wait_longer() -> None:
    assert [pause_after(count) for count in range(7)] == [0, 0, 1, 2, 4, 4, 4]
