"""Any JSON: what a mapping makes of it, what it leaves alone, and what is wrong with a mapping."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.kit.webhook import InboundRequest, Source, Unreadable
from connectors.webhook.account import WebhookAccount
from connectors.webhook.mapping import mapped, parse_mapping
from connectors.webhook.sandbox import SANDBOX_ACCOUNT
from connectors.webhook.triggers import WEBHOOK
from loyalty.events import Event

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MAPPING: list[dict[str, Any]] = [
    {
        "when": {"$.kind": "sale.closed", "$.sale.test": False},
        "event": {
            "type": "order.paid",
            "key": "$.sale.no|text",
            "time": "$.sale.closed|epoch",
            "customer": {"email": "$.buyer.mail|lower", "first_name": "$.buyer.name"},
            "data": {
                "id": "$.sale.no|text",
                "currency": "EUR",
                "total": "$.sale.cents|cents",
                "codes": ["$.sale.codes.0", "$.sale.codes.1"],
                "lines": {
                    "each": "$.sale.items",
                    "as": {
                        "id": "@.no|text",
                        "title": "@.name",
                        "quantity": "@.count",
                        "unit_price": "@.cents|cents",
                    },
                },
            },
        },
    },
    {
        "when": {"$.kind": "review"},
        "event": {
            "type": "activity.reported",
            "key": "$.id|text",
            "time": "$.at",
            "customer": {"id": "$.who|text"},
            "data": {"name": "review", "ref": "$.product"},
        },
    },
]
SALE: dict[str, Any] = {
    "kind": "sale.closed",
    "sale": {
        "no": 1001, "closed": 1795262400, "cents": 6480, "test": False, "codes": ["HELLO"],
        "items": [{"no": 1, "name": "Sencha", "count": 2, "cents": 3240}],
    },
    "buyer": {"mail": " Ann@Buyer.example"},
}  # fmt: skip


def account(mapping: Any = MAPPING) -> WebhookAccount:
    return WebhookAccount(**{**SANDBOX_ACCOUNT, "mapping": json.dumps(mapping)})


def told(body: Any, connected: WebhookAccount) -> list[Event]:
    raw = json.dumps(body).encode()
    request = InboundRequest("POST", "https://hub.example/hooks/webhook/main", {}, raw, NOW)
    request = replace(request, headers=WEBHOOK.sign(request, connected))
    WEBHOOK.verify(request, connected)
    payload = WEBHOOK.read(raw, connected)
    trigger = WEBHOOK.triggers.get(WEBHOOK.topic(request, payload))
    return [] if trigger is None else list(trigger.parse(payload, request, Source("webhook", "x")))


def test_a_foreign_body_becomes_an_order() -> None:
    [event] = told(SALE, account())
    assert event.business_key == "webhook/x:order.paid:1001"
    assert event.subject == "contact:ann@buyer.example"
    assert event.time == datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert event.data.total == Decimal("64.80")
    assert event.data.codes == ("HELLO",)
    assert event.data.customer.first_name == ""
    [line] = event.data.lines
    assert (line.id, line.quantity, line.net) == ("1", 2, Decimal("64.80"))


def test_the_first_entry_that_fits_decides_and_other_bodies_are_ignored() -> None:
    review = {"kind": "review", "id": 7, "at": "2026-11-21T12:00:00Z", "who": 42, "product": "mug"}
    [event] = told(review, account())
    assert (event.type, event.subject) == ("activity.reported", "webhook/x:customer:42")
    for other in ({"kind": "stock.changed"}, {}, {**SALE, "sale": {"test": True}}, [1], "text"):
        assert told(other, account()) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"sale": {**SALE["sale"], "no": None}}, "key"),
        ({"sale": {**SALE["sale"], "cents": "much"}}, "cannot be read as cents"),
        ({"sale": {**SALE["sale"], "closed": "yesterday"}}, "cannot be read as epoch"),
        ({"sale": {**SALE["sale"], "items": "two"}}, "is no list"),
        ({"sale": {**SALE["sale"], "no": {"a": 1}}}, "cannot be read as text"),
    ],
)
def test_a_body_that_fits_and_cannot_be_read_is_kept_with_the_reason(
    change: dict[str, Any], says: str
) -> None:
    with pytest.raises(Unreadable, match=says):
        told({**SALE, **change}, account())


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("nothing", "not JSON"),
        ("[]", "at least 1"),
        ('[{"event": {"type": "order.paid"}}]', "'key' is missing"),
        ('[{"when": {"kind": 1}, "event": {}}]', "no place in the body"),
        ('[{"event": {"type": "a", "key": "$.a b", "time": "", "data": {}}}]', "no place that"),
        ('[{"event": {"type": "a", "key": "@.a", "time": "", "data": {}}}]', "outside of a list"),
        ('[{"event": {"type": "a", "key": "$.a|eval", "time": "", "data": {}}}]', "stands one of"),
        ('[{"event": {"type": "", "key": "", "time": "", "data": {"each": "$.a"}}}]', "a list is"),
        (
            '[{"event": {"type": "", "key": "", "time": "", "data": {}}, "then": 1}]',
            "not permitted",
        ),
    ],
)
def test_a_mapping_that_cannot_be_right_is_refused_when_it_is_saved(
    mapping: str, says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        WebhookAccount(**{**SANDBOX_ACCOUNT, "mapping": mapping})


def test_without_a_mapping_bodies_are_in_the_hubs_words() -> None:
    plain = WebhookAccount(**SANDBOX_ACCOUNT)
    with pytest.raises(Unreadable, match="type"):
        told(SALE, plain)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda part: (
        st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=8), part, max_size=4)
    ),
    max_leaves=20,
)


@given(sale=JSON, buyer=JSON, kind=st.sampled_from(["sale.closed", "review", "x"]), rest=JSON)
def test_whatever_comes_ends_as_an_event_or_with_a_reason(
    sale: Any, buyer: Any, kind: str, rest: Any
) -> None:
    body = {"kind": kind, "sale": sale, "buyer": buyer, "id": rest, "who": rest, "at": rest}
    if isinstance(sale, dict):
        sale["test"] = False
    try:
        told(body, account())
    except (Unreadable, ValidationError):
        return


def test_a_place_reads_lists_by_number() -> None:
    event = {"type": "t", "key": "$.a.1.b", "time": "$.a.9", "data": {}}
    entries = parse_mapping(json.dumps([{"event": event}]))
    assert mapped(entries, {"a": [0, {"b": "x"}]}) == {"type": "t", "key": "x", "data": {}}
