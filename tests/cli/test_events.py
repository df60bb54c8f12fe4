"""`hub events` and `hub event`: how events ended, and why."""

from __future__ import annotations

from typing import Any

import pytest

EMAIL = "ann.example@shop.example"


@pytest.fixture
def booked(shop: Any, order: Any) -> str:
    """An order of 79.90 EUR, booked under the shipped rules; its key."""
    shop.publish()
    event = order()
    shop.receive(event)
    shop.work_off("orders")
    return str(event.business_key)


def test_an_empty_inbox_says_how_events_come_in(hub: Any) -> None:
    answer = hub("events")
    assert answer.code == 0
    assert "/hooks/" in answer.out
    assert hub("events", "--json").json == {"counts": {}, "events": []}


def test_events_are_listed_newest_first_with_counts(hub: Any, shop: Any, order: Any) -> None:
    shop.receive(order("1001"), order("1002"), order("1003"))
    shop.close("shopify/main:order.paid:1002", "failed", f"KeyError with {EMAIL}")
    found = hub("events", "--json").json
    assert found["counts"] == {"waiting": 2, "failed": 1}
    assert [one["key"][-4:] for one in found["events"]] == ["1003", "1002", "1001"]
    (failed,) = hub("events", "--state", "failed", "--trigger", "orders", "--json").json["events"]
    assert failed["reason"] == "KeyError with a…@shop.example"
    assert hub("events", "--trigger", "refunds", "--json").json["events"] == []
    assert "No events match." in hub("events", "--trigger", "refunds").out
    assert len(hub("events", "--limit", "1", "--json").json["events"]) == 1


def test_an_event_tells_points_deliveries_and_why_each_rule_fired_or_not(
    hub: Any, booked: str
) -> None:
    told = hub("event", booked, "--json").json
    assert (told["state"], told["points"], told["balance"]) == ("done", 79, 79)
    (entry,) = told["entries"]
    assert (entry["rule"], entry["points"]) == ("points-per-currency", 79)
    assert "79" in entry["reason"]
    why = {one["rule"]: (one["fired"], one["why"]) for one in told["rules"]}
    assert why["points-per-currency"][0] is True
    assert why["minimum-purchase"][0] is False
    assert "does not hold" in why["minimum-purchase"][1]
    assert set(told["fired"]) == {rule for rule, (fired, _) in why.items() if fired}
    assert told["deliveries"]
    assert {one["state"] for one in told["deliveries"]} <= {"held", "suppressed"}
    assert all(one["reason"] for one in told["deliveries"])


def test_for_people_it_reads_in_words_without_addresses(hub: Any, booked: str) -> None:
    answer = hub("event", booked)
    assert answer.code == 0
    assert "+79" in answer.out
    assert "minimum-purchase" in answer.out
    assert "does not hold" in " ".join(answer.out.split())
    assert EMAIL not in "".join(answer.out.split())


def test_an_event_that_waits_says_so_and_tells_no_rules(hub: Any, shop: Any, order: Any) -> None:
    shop.receive(order("1001"))
    key = "shopify/main:order.paid:1001"
    shop.close(key, "parked", "the sale is not there yet", "sale:shopify/main:1001")
    told = hub("event", key, "--json").json
    assert (told["state"], told["waits_for"]) == ("parked", "sale:shopify/main:1001")
    assert (told["rules"], told["rules_untold"]) == ([], "the rules were not asked")
    assert "It booked nothing." in hub("event", key).out


def test_an_unknown_key_is_1_and_unusable_filters_are_2(hub: Any) -> None:
    answer = hub("event", "shopify/main:order.paid:9")
    assert (answer.code, answer.out) == (1, "")
    assert "hub events" in answer.err
    assert hub("events", "--state", "lost").code == 2
    assert hub("events", "--trigger", "lost").code == 2
