"""What people mean who text back; a keyword is the whole message, a wish makes a person look."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.gate import Intent, classify
from loyalty.gate.keywords import HELP_WORDS, START_WORDS, STOP_WORDS


@pytest.mark.parametrize(
    ("intent", "bodies"),
    [
        (Intent.STOP, ["stop", " Stop. ", "STOPALL", "Stop all", "OPT OUT", "opt-out", "Arrêt!",
                       "ABMELDEN", "baja", "¡Alto!", "„Stopp“", "ＳＴＯＰ", "stop\u200b",
                       "STOP 🛑"]),
        (Intent.START, ["START", "unstop", "Yes", "Anmelden", "ALTA"]),
        (Intent.HELP, ["help", "INFO", "Hilfe?", "aide", "ayuda"]),
        (Intent.REVIEW_STOP, [
            "Please stop texting me", "stop sending me these messages", "don't text me",
            "Do not ever contact me again", "I want to unsubscribe, thanks", "remove me",
            "no more texts", "wrong number", "Bitte keine SMS mehr", "je ne veux plus de SMS",
            "no me escriban", "STOP!! I said STOP IT",
        ]),
        (Intent.NONE, [
            "Can I stop by the store tomorrow?", "please stop by", "when does the sale end",
            "cancel my order please", "no", "thanks!", "", "   ", "🎉", "is this help desk open?",
            "I never quit", "ends today?", "yesterday",
        ]),
    ],
)  # fmt: skip
def test_texts_are_understood(intent: Intent, bodies: list[str]) -> None:
    assert {body: classify(body) for body in bodies} == dict.fromkeys(bodies, intent)


def test_no_keyword_means_two_things() -> None:
    assert not STOP_WORDS & START_WORDS
    assert not (STOP_WORDS | START_WORDS) & HELP_WORDS


@given(st.sampled_from(sorted(STOP_WORDS)), st.text(" \t\n.,!?*'\"-", max_size=5))
def test_case_and_stray_punctuation_make_no_difference(word: str, noise: str) -> None:
    spoken = word.replace("_", " ")
    for body in (spoken.upper(), spoken.title(), f"{noise}{spoken}{noise}"):
        assert classify(body) is Intent.STOP


@given(st.text(max_size=3000))
def test_any_text_at_all_is_understood_somehow(body: str) -> None:
    assert classify(body) in Intent
