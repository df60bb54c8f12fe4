"""Every parse ends in events or in a stated refusal, whatever the payload holds."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.kit.webhook import InboundRequest, Source, Unreadable, decode_json
from loyalty.events import Event
from loyalty.money import MoneyError

REQUEST = InboundRequest("POST", "https://h/x", {}, b"", datetime(2026, 1, 15, tzinfo=UTC))
REFUSALS = (Unreadable, ValidationError, MoneyError)

VALUES: list[Any] = [
    None, True, False, 0, -1, 7, 10**30, Decimal("-0.01"), Decimal("19.999"), Decimal("1e300"),
    Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), [], [None], ["a"], {}, {"id": None},
    "", " ", "0", "-1", "-0.01", "19.999", "1e400", "NaN", "9" * 60, "EUR", "XXX", "paid",
    "COMPLETED", "completed", "cancelled", "refunded", "subscribed", "2026-01-01",
    "2026-01-01T00:00:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z", "💧" * 300,
    "\x00", "a\udc80b", "x" * 10_000,
]  # fmt: skip

ODD = st.one_of(
    st.sampled_from(VALUES),
    st.integers(-(10**30), 10**30),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.text(max_size=20),
    st.lists(st.none() | st.integers() | st.text(max_size=5), max_size=3),
    st.dictionaries(st.text(max_size=5), st.none() | st.integers(), max_size=3),
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += _places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:1]):
            found += _places(inner, (*path, index))
    return found


def _change(payload: Any, path: tuple[Any, ...], value: Any, *, delete: bool) -> None:
    """Replaces or deletes what stands at the path, where an earlier change left it there."""
    *way, last = path
    try:
        for step in way:
            payload = payload[step]
        if delete:
            del payload[last]
        else:
            payload[last] = value
    except (KeyError, IndexError, TypeError):
        return


def _outcome(shop: Any, topic: str, payload: Any) -> list[Event] | Exception:
    trigger = shop.manifest.webhook.triggers[topic]
    try:
        return list(trigger.parse(payload, REQUEST, Source(shop.slug, "main")))
    except REFUSALS as refusal:
        return refusal


def _require_sound(outcome: list[Event] | Exception, store: str) -> None:
    for event in outcome if isinstance(outcome, list) else ():
        assert event.store == store
        assert "\\u0000" not in event.model_dump_json()


def test_any_odd_value_in_any_place_is_read_or_refused(shop: Any, topic: str) -> None:
    original = json.dumps(shop.sample(topic)).encode()
    sample = decode_json(original)
    assert isinstance(_outcome(shop, topic, sample), list)
    for path in _places(sample):
        for value in VALUES:
            payload = decode_json(original)
            _change(payload, path, copy.copy(value), delete=False)
            _require_sound(_outcome(shop, topic, payload), f"{shop.slug}/main")
        payload = decode_json(original)
        _change(payload, path, None, delete=True)
        _require_sound(_outcome(shop, topic, payload), f"{shop.slug}/main")


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_mangled_sample_is_read_or_refused(shop: Any, topic: str, data: st.DataObject) -> None:
    payload = decode_json(json.dumps(shop.sample(topic)).encode())
    places = _places(payload)
    for _ in range(data.draw(st.integers(2, 5))):
        path = data.draw(st.sampled_from(places))
        delete = data.draw(st.booleans())
        _change(payload, path, copy.deepcopy(data.draw(ODD)), delete=delete)
    _require_sound(_outcome(shop, topic, payload), f"{shop.slug}/main")


@pytest.mark.parametrize(
    "payload", [None, [], [1], "text", 7, True, {}, {"id": 1}, {"data": None}, Decimal(1)], ids=repr
)
def test_what_is_no_payload_at_all_is_refused(shop: Any, topic: str, payload: Any) -> None:
    assert isinstance(_outcome(shop, topic, payload), REFUSALS)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"nul", b"\xff", b'{"a":1,"a":2}', b"[" * 9999])
def test_a_body_that_is_no_json_object_is_refused(shop: Any, body: bytes) -> None:
    topic = next(iter(shop.manifest.webhook.triggers))
    webhook = shop.manifest.webhook

    def take_in() -> None:
        payload = webhook.decode(body)
        webhook.triggers[topic].parse(payload, REQUEST, Source(shop.slug, "main"))

    with pytest.raises(REFUSALS):
        take_in()


def test_the_refusal_says_where_and_names_no_person(shop: Any, topic: str) -> None:
    payload = shop.sample(topic)
    if shop.slug == "square":
        inner = next(iter(payload["data"]["object"].values()))
        inner["id"] = inner["order_id"] = inner["revoked_at"] = ["ann@example.com"]
        inner["buyer_email_address"] = "ann@example.com"
    else:
        payload["id"] = payload["customer_id"] = payload["shop_id"] = ["ann@example.com"]
    outcome = _outcome(shop, topic, payload)
    assert isinstance(outcome, Unreadable)
    assert any(place in str(outcome) for place in ("id", "revoked_at"))
    assert "ann@" not in str(outcome)
