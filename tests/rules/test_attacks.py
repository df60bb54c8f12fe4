"""The corpus of attacks: each is refused, clearly and at once."""

from __future__ import annotations

import re
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import yaml

from rules import RuleSet, RuleSetError
from rules.language import ExpressionError
from tests.rules.samples import read, value_of

ATTACKS: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "attacks.yaml").read_text(encoding="utf-8")
)
ENOUGH_SECONDS = 0.05
"""A refusal takes well below a millisecond to a few; the best of three tries counts, because
the machine may be busy with other things."""


def text_of(attack: dict[str, Any]) -> str:
    """The attack's text, put together."""
    part, times = attack.get("repeat", ("", 0))
    middle = attack.get("text", part * times)
    closing = attack.get("close", "") * times
    return str(attack.get("before", "")) + middle + str(attack.get("after", "")) + closing


@pytest.mark.parametrize("attack", ATTACKS, ids=[text_of(one)[:30] or "-" for one in ATTACKS])
def test_an_attack_is_refused_with_a_clear_message_at_once(attack: dict[str, Any]) -> None:
    text = text_of(attack)
    told, seconds = min((refused(text) for _ in range(3)), key=lambda one: one[1])
    assert re.search(attack["says"], told)
    assert len(told) < 1500
    assert seconds < ENOUGH_SECONDS


def refused(text: str) -> tuple[str, float]:
    """What is said of a text, and after how many seconds."""
    started = perf_counter()
    with pytest.raises(ExpressionError) as caught:
        read(text)
    return str(caught.value), perf_counter() - started


def test_look_alikes_in_a_text_are_what_the_shop_sells() -> None:
    assert value_of("'оrder Ω ﬂ' == 'оrder Ω ﬂ'") is True


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ExpressionError, match="not valid Unicode"):
        read("'\ud800'")


@pytest.mark.parametrize("place", ["when", "let", "points", "values"])
def test_a_megabyte_in_a_document_is_refused_with_a_short_message(place: str) -> None:
    text = "1" * 1_000_000
    document: dict[str, Any] = {"id": "big", "on": "order.paid", "then": [{"award": {"points": 1}}]}
    if place == "when":
        document["when"] = [text]
    elif place == "let":
        document["let"] = {"x": text}
    elif place == "points":
        document["then"] = [{"award": {"points": text}}]
    else:
        document["then"] = [{"upsert_contact": {"values": {"x": text}}}]
    with pytest.raises(RuleSetError, match="at most 2000 characters") as caught:
        RuleSet.load([document])
    assert len(str(caught.value)) < 500
