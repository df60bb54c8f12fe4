"""What a way to earn brings is told in words, as the language writes numbers and counts things."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.widget.earning import ways_to_earn
from gateway.widget.wording import Wording
from loyalty.sites import Site
from rules import RuleSet
from tests.widget.conftest import programme, site

NOW = datetime(2026, 3, 2, tzinfo=UTC)
POLISH = {"points_one": "{n} punkt", "points_few": "{n} punkty", "points_many": "{n} punktów"}


def told(given: dict[str, Any], language: str) -> str:
    """What the page says of a rule that gives this."""
    tea = Site.model_validate(site(languages=["en", "de", "fr", "pl"], texts={"pl": POLISH}))
    rules = RuleSet.load([{"id": "r", "on": "order.paid", "then": [given]}])
    (way,) = ways_to_earn(rules.rules, programme(), tea, Wording(tea, language), now=NOW)
    worth: str = way["worth"]
    return worth


@pytest.mark.parametrize(
    ("given", "language", "words"),
    [
        ({"award": {"points": 1}}, "en", "1 point"),
        ({"award": {"points": 12500}}, "de", "12.500 Punkte"),
        ({"award": {"points": 12500}}, "en", "12,500 points"),
        ({"award": {"points": 0}}, "fr", "0 point"),
        ({"award": {"points": 3}}, "pl", "3 punkty"),
        ({"award": {"points": 5}}, "pl", "5 punktów"),
        ({"award": {"points": "order.total * 2"}}, "en", ""),
        ({"award": {"points": "0.000000000001"}}, "en", "0.000000000001 points"),
        ({"earn": {"points": "1.5", "per": 10}}, "de", "1,5 Punkte je 10,00\u00a0€ Einkauf"),
        ({"multiply": {"by": "2"}}, "en", "Points × 2"),
        ({"multiply": {"by": "1.25"}}, "fr", "Points × 1,25"),
    ],
)
def test_what_it_brings_is_told(given: dict[str, Any], language: str, words: str) -> None:
    assert told(given, language) == words
