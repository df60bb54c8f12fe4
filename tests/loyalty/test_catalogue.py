"""The catalogue's words: in the member's language, else in the one that was written first."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from loyalty.catalogue import RewardItem

FIVE_OFF = {"en": "5 € off", "de": "5 € Rabatt", "pt-BR": "5 € de desconto"}


def item(**changes: Any) -> RewardItem:
    plain = {"id": "five-off", "kind": "custom", "names": FIVE_OFF, "points": 500}
    return RewardItem.model_validate({**plain, **changes})


@pytest.mark.parametrize(
    ("locale", "name"),
    [
        ("de", "5 € Rabatt"),
        ("de-CH", "5 € Rabatt"),
        ("pt_BR", "5 € de desconto"),
        ("pt", "5 € off"),
        ("fr", "5 € off"),
        ("", "5 € off"),
    ],
)
def test_a_language_that_is_missing_gets_the_first(locale: str, name: str) -> None:
    assert item().name_in(locale) == name


def test_the_first_stays_the_first_where_a_store_sorts_the_keys_of_objects() -> None:
    """As PostgreSQL's jsonb does: the shorter first, then by letter."""
    document = item(descriptions={"en": "Off.", "de": "Ab."}).model_dump(mode="json")
    kept = RewardItem.model_validate_json(json.dumps(document, sort_keys=True))
    assert list(kept.names) == list(FIVE_OFF)
    assert kept.name_in("fr") == "5 € off"
    assert kept.description_in("fr") == "Off."


@pytest.mark.parametrize(
    "names",
    [{}, [], "5 off", [1], [["en"]], [["en", "a", "b"]], [[["en"], "a"]], [["en", 5]], {"q1": "a"}],
    ids=repr,
)
def test_words_without_a_language_are_refused(names: Any) -> None:
    with pytest.raises(ValidationError):
        item(names=names)
