"""Which word of a person counts: the latest, or at the same instant the stricter one."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from loyalty.events import ConsentState
from loyalty.gate import EVERYTHING, MARKETING, About, Words, window_is_open
from tests.loyalty.gate.asked import EMAIL, GRANTED, NOON, PENDING, PHONE, WITHDRAWN

ABOUT = About("email", EMAIL)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("order", list(permutations([GRANTED, PENDING, WITHDRAWN])))
def test_at_one_instant_the_strictest_counts(order: tuple[ConsentState, ...]) -> None:
    words = Words()
    for state in order:
        words.hear(ABOUT, store="shop", state=state, at=NOON)
    assert words.state(*ABOUT) is WITHDRAWN


def test_words_on_other_purposes_topics_and_addresses_are_other_words() -> None:
    words = Words()
    words.hear(ABOUT, store="shop", state=GRANTED, at=NOON)
    for other in (
        About("email", "b@example.com"),
        About("sms", EMAIL),
        About("email", EMAIL, EVERYTHING),
        About("email", EMAIL, MARKETING, "news"),
    ):
        assert words.state(*other) is None


def test_a_withdrawal_is_remembered_after_a_new_yes() -> None:
    """An import is held against it, whatever was said since."""
    words = Words()
    words.hear(ABOUT, store="shop", state=WITHDRAWN, at=NOON)
    words.hear(ABOUT, store="hub", state=GRANTED, at=NOON + MINUTE)
    words.hear(ABOUT, store="old", state=WITHDRAWN, at=NOON - MINUTE)
    assert words.state(*ABOUT) is GRANTED
    assert words.withdrawn_at(*ABOUT) == NOON


def test_start_lifts_a_stop_and_an_older_yes_does_not() -> None:
    words = Words()
    channel = About("sms", PHONE, EVERYTHING)
    words.hear(channel, store="twilio", state=WITHDRAWN, at=NOON)
    words.hear(About("sms", PHONE), store="shop", state=GRANTED, at=NOON - MINUTE)
    assert words.is_stopped("sms", PHONE, only_by_keyword=False)
    words.hear(channel, store="twilio", state=GRANTED, at=NOON + MINUTE)
    for only_by_keyword in (True, False):
        assert not words.is_stopped("sms", PHONE, only_by_keyword=only_by_keyword)


@pytest.mark.parametrize(
    ("hours_ago", "hours", "is_open"),
    [(24, 24, True), (24.001, 24, False), (0, 24, True), (None, 24, False), (None, None, True)],
)
def test_a_chat_window_is_open_to_its_last_instant(
    hours_ago: float | None, hours: int | None, is_open: bool
) -> None:
    last = None if hours_ago is None else NOON - timedelta(hours=hours_ago)
    assert window_is_open(last, hours, now=NOON) is is_open
