"""`hub replay`: what failed or died is put back, once, after a yes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

FAILED = "shopify/main:order.paid:1001"
PARKED = "shopify/main:order.paid:1002"
WAITING = "shopify/main:order.paid:1003"


@pytest.fixture
def trouble(shop: Any, order: Any) -> Any:
    """One event failed, one parked, one waiting."""
    shop.receive(order("1001"), order("1002"), order("1003"))
    shop.close(FAILED, "failed", "KeyError")
    shop.close(PARKED, "parked", "the sale is not there yet", "sale:x")
    return shop


def _states(hub: Any) -> dict[str, str]:
    return {one["key"]: one["state"] for one in hub("events", "--json").json["events"]}


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [(["--failed"], [FAILED]), (["--parked"], [PARKED]), (["--event", FAILED], [FAILED])],
    ids=["failed", "parked", "by key"],
)
def test_events_are_put_back_to_waiting(
    hub: Any, trouble: Any, arguments: list[str], keys: list[str]
) -> None:
    answer = hub("replay", *arguments, "--yes", "--json")
    assert answer.code == 0
    assert answer.json == {"dry_run": False, "events": keys, "deliveries": [], "left": []}
    assert all(_states(hub)[key] == "waiting" for key in keys)
    others = {FAILED: "failed", PARKED: "parked", WAITING: "waiting"}
    assert {k: v for k, v in _states(hub).items() if k not in keys} == {
        k: v for k, v in others.items() if k not in keys
    }


def test_a_dry_run_changes_nothing_and_asks_nobody(hub: Any, trouble: Any) -> None:
    answer = hub("replay", "--failed", "--dry-run")
    assert answer.code == 0
    assert FAILED in answer.out
    assert _states(hub)[FAILED] == "failed"


def test_without_a_terminal_and_without_yes_nothing_is_done(hub: Any, trouble: Any) -> None:
    answer = hub("replay", "--failed")
    assert (answer.code, answer.out) == (2, "")
    assert "--yes" in answer.err
    assert _states(hub)[FAILED] == "failed"


def test_keys_that_cannot_be_replayed_are_named(hub: Any, trouble: Any) -> None:
    answer = hub(
        "replay", "--event", FAILED, "--event", WAITING, "--event", "no:such", "--yes", "--json"
    )
    assert answer.code == 1
    assert answer.json["events"] == [FAILED]
    left = {one["key"]: one["why"] for one in answer.json["left"]}
    assert left == {WAITING: "it is waiting", "no:such": "there is no such event"}


def test_dead_deliveries_of_one_connection_are_sent_again(hub: Any, shop: Any) -> None:
    texts, chats = str(shop.deliver("dead")), str(shop.deliver("dead", route="slack/main"))
    answer = hub("replay", "--dead", "--connection", "twilio/main", "--yes", "--json")
    assert answer.json["deliveries"] == [texts]
    assert hub("deliveries", "show", texts, "--json").json["state"] == "pending"
    assert hub("deliveries", "show", chats, "--json").json["state"] == "dead"


@pytest.mark.parametrize("option", ["--failed", "--parked", "--dead"])
def test_nothing_to_replay_is_said_and_is_well(hub: Any, option: str) -> None:
    answer = hub("replay", option)
    assert answer.code == 0
    assert answer.out.startswith("No ")


@pytest.mark.parametrize(
    "arguments",
    [[], ["--failed", "--dead"], ["--failed", "--connection", "twilio/main"]],
    ids=["none", "two kinds", "connection without dead"],
)
def test_unclear_wishes_are_refused_with_2(hub: Any, arguments: list[str]) -> None:
    answer = hub("replay", *arguments, "--yes")
    assert (answer.code, answer.out) == (2, "")


@pytest.mark.parametrize(("word", "state"), [("n", "failed"), ("y", "waiting")], ids=["no", "yes"])
def test_on_a_terminal_it_asks_first(hub: Any, trouble: Any, word: str, state: str) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", "from deployments.cli import main; main()"]
    with subprocess.Popen(
        [*command, "replay", "--failed", "--json"],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        os.write(ours, f"{word}\n".encode())
        out, err = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert b"Try 1 event again?" in err
    assert process.returncode == (1 if word == "n" else 0)
    assert bool(out) is (word == "y")
    assert _states(hub)[FAILED] == state
