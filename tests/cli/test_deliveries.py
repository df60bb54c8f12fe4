"""`hub deliveries`: summary, list, one delivery, and a person's word."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

PHONE = "+15005550123"

SOME_ID = "019cae6b-6600-7004-ac17-5c20391038bf"


def _audit(shop: Any) -> list[Any]:
    async def read(connection: Any) -> list[Any]:
        return (await connection.execute(text("select * from audit order by id"))).all()

    return list(shop.write(read))


def test_an_empty_store_is_said_to_be_empty(hub: Any) -> None:
    answer = hub("deliveries")
    assert (answer.code, answer.err) == (0, "")
    assert "No deliveries yet" in answer.out
    assert hub("deliveries", "--json").json == {"deliveries": [], "total": 0}
    assert hub("deliveries", "list", "--json").json == {"deliveries": []}


def test_the_default_view_counts_by_connection_and_state(hub: Any, shop: Any) -> None:
    shop.deliver("sent")
    shop.deliver("dead", reason=f"30003: {PHONE} is not in service")
    shop.deliver("dead", reason=f"30003: {PHONE} is not in service")
    found = hub("deliveries", "--json").json
    counts = {(one["route"], one["state"]): one["count"] for one in found["deliveries"]}
    assert counts == {("twilio/main", "sent"): 1, ("twilio/main", "dead"): 2}
    assert found["total"] == 3
    shown = hub("deliveries").out
    assert "twilio/main" in shown
    assert PHONE not in shown


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--state", "dead,unknown"], 2),
        (["list", "--state", "dead"], 1),
        (["list", "--connection", "slack/main"], 1),
        (["list", "--connection", "slack"], 1),
        (["--key", "order.paid:1001"], 3),
        (["list", "--key", "order.paid:9"], 0),
        (["list", "--limit", "2"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_filters_narrow_the_list(hub: Any, shop: Any, arguments: list[str], count: int) -> None:
    shop.deliver("dead")
    shop.deliver("unknown")
    shop.deliver("sent", route="slack/main")
    assert len(hub("deliveries", *arguments, "--json").json["deliveries"]) == count


@pytest.mark.parametrize("columns", ["100", "40"])
def test_tables_hold_no_whole_address(
    hub: Any, shop: Any, columns: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("COLUMNS", columns)
    wanted = shop.deliver("dead", reason=f"{PHONE} is not in service")
    answer = hub("deliveries", "--state", "dead")
    folded = "".join(answer.out.split())
    assert PHONE not in folded
    assert "+…123" in folded
    assert str(wanted) in folded or columns == "100"
    assert all(len(line) <= int(columns) for line in answer.out.splitlines())


def test_one_delivery_is_shown_with_its_tries_and_shortened_input(hub: Any, shop: Any) -> None:
    wanted = str(shop.deliver("dead", reason="not in service"))
    shown = hub("deliveries", "show", wanted, "--json")
    assert shown.json["input"] == {"to": "+…123", "body": "D… (29 characters)"}
    (attempt,) = shown.json["tries"]
    assert (attempt["number"], attempt["outcome"], attempt["vendor_code"]) == (1, "dead", "30003")
    assert PHONE not in shown.out
    assert "Ann" not in shown.out
    for_people = hub("deliveries", "show", wanted)
    assert "1.50 s" in for_people.out
    assert PHONE not in for_people.out


def test_full_shows_what_was_said(hub: Any, shop: Any) -> None:
    wanted = str(shop.deliver("dead"))
    full = hub("deliveries", "show", wanted, "--full", "--json").json
    assert full["input"] == {"to": PHONE, "body": "Dear Ann, you have 79 points."}
    assert full["key"].endswith(PHONE)


def test_a_delivery_that_is_not_there_is_named(hub: Any) -> None:
    wanted = str(uuid4())
    answer = hub("deliveries", "show", wanted)
    assert (answer.code, answer.out) == (1, "")
    assert wanted in answer.err


@pytest.mark.parametrize(
    ("option", "state", "action"),
    [
        ("--sent", "sent", "delivery.said_to_be_sent"),
        ("--resend", "pending", "delivery.sent_again"),
        ("--cancel", "cancelled", "delivery.cancelled"),
    ],
)
def test_a_word_on_an_unknown_delivery_is_taken_and_noted(
    hub: Any, shop: Any, option: str, state: str, action: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("LOGNAME", "carol")
    wanted = str(shop.deliver("unknown"))
    answer = hub("deliveries", "resolve", wanted, option, "--reason", "asked them", "--json")
    assert answer.code == 0
    assert answer.json == {"state": state, "changed": [wanted], "left": []}
    assert hub("deliveries", "show", wanted, "--json").json["state"] == state
    (line,) = _audit(shop)
    assert (line.actor, line.action, line.object) == ("carol", action, wanted)
    assert line.detail == {"why": "asked them"}


def test_what_is_sent_stays_sent_and_the_rest_is_done(hub: Any, shop: Any) -> None:
    sent, dead, strange = str(shop.deliver("sent")), str(shop.deliver("dead")), str(uuid4())
    answer = hub(
        "deliveries", "resolve", sent, dead, strange, "--resend", "--reason", "mended", "--json"
    )
    assert answer.code == 1
    assert answer.json["changed"] == [dead]
    left = {one["id"]: one["why"] for one in answer.json["left"]}
    assert left == {sent: "it is sent", strange: "there is no such delivery"}
    assert [line.object for line in _audit(shop)] == [dead]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--state", "lost"],
        ["show", "not-an-id"],
        ["resolve", SOME_ID, "--reason", "x"],
        ["resolve", SOME_ID, "--sent", "--cancel", "--reason", "x"],
        ["resolve", SOME_ID, "--sent"],
        ["resolve", SOME_ID, "--sent", "--reason", " "],
        ["--state", "dead", "list"],
        ["list", "--limit", "0"],
    ],
    ids=" ".join,
)
def test_unusable_input_is_refused_with_2(hub: Any, arguments: list[str]) -> None:
    answer = hub("deliveries", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err
