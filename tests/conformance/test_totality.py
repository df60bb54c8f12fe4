"""Whatever stands in a webhook, reading it ends with events or with a reason, never otherwise."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.kit.webhook import Source, Unreadable
from loyalty.money import MoneyError
from tests.conformance.bench import not_needed
from tests.conformance.candidate import Candidate

pytestmark = pytest.mark.criterion("totality")

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, "", "x" * 3000, "\x00", "2026-13-40", [], [[]], {}, {"id": []}, "é",
)  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children = value.items() if isinstance(value, dict) else ()
    children = enumerate(value) if isinstance(value, list) else children
    for key, child in children:
        yield from _places(child, (*path, key))


def _with(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    changed = copy.deepcopy(value)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = odd
    return changed


def test_it_hears_something_or_needs_no_proof(one: Candidate) -> None:
    if not (one.manifest.webhook and one.manifest.webhook.triggers):
        not_needed("nothing is parsed")


def test_parsing_ends_with_events_or_a_reason(one: Candidate, topic: str) -> None:
    request = one.request(topic)
    payload = one.webhook.decode(request.body)
    places = list(_places(payload))
    dice = random.Random(topic)
    for path in dice.sample(places, min(len(places), 60)):
        for odd in dice.sample(ODD, 4):
            _parse(one, topic, _with(payload, path, odd))


def test_decoding_ends_with_a_payload_or_a_reason(one: Candidate, topic: str) -> None:
    body = one.request(topic).body
    dice = random.Random(topic)
    for _ in range(100):
        place = dice.randrange(len(body))
        spoilt = body[:place] + dice.randbytes(dice.randrange(4)) + body[place + 1 :]
        try:
            payload = one.webhook.decode(spoilt)
            one.webhook.topic(replace(one.request(topic), body=spoilt), payload)
        except Unreadable:
            continue  # a reason, which is all that is asked


def _parse(one: Candidate, topic: str, payload: Any) -> None:
    with suppress(Unreadable, ValidationError, MoneyError):  # each of them is a reason
        found = one.webhook.triggers[topic].parse(payload, one.request(topic), Source("a", "b"))
        assert all(event.business_key for event in found)
