"""`hub rules` on a real store: check, diff, simulate, publish, approve, roll back, history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Hub, Shop

RULE = """
id: {id}
description: A rule of the test.
on: order.paid
when: [order.total >= {at}]
then: [{{award: {{points: {points}, flat: true}}}}]
examples:
  - event: {{type: order.paid, data: {{id: "1", currency: EUR, total: 80.00}}}}
    expect: {{fires: true, points: {expect}}}
"""


@pytest.fixture
def folder(tmp_path: Path, environment: pytest.MonkeyPatch) -> Path:
    """HUB_RULES: the programme's own rules in git."""
    found = tmp_path / "own"
    found.mkdir()
    environment.setenv("HUB_RULES", str(found))
    return found


def write(folder: Path, name: str = "mine", **values: Any) -> Path:
    path = folder / f"{name}.yaml"
    values = {"id": name, "at": 50, "points": 7, "expect": values.get("points", 7)} | values
    path.write_text(RULE.format(**values), "utf-8")
    return path


def test_check_passes_the_shipped_rules_without_a_hub(nowhere: Hub) -> None:
    answer = nowhere("rules", "check", "--json")
    assert answer.code == 0
    assert answer.json["problems"] == []
    assert answer.json["rules"] >= 9


def test_check_names_rule_place_and_problem(nowhere: Hub, folder: Path) -> None:
    write(folder, expect=8)
    path = write(folder, "typo")
    path.write_text(path.read_text().replace("order.total >=", "order.totl >="))
    answer = nowhere("rules", "check", "--json")
    assert answer.code == 1
    (found,) = answer.json["problems"]
    assert (found["rule"], found["place"]) == ("typo", "when[0]")
    assert "totl" in found["message"]
    path.unlink()
    answer = nowhere("rules", "check")
    assert answer.code == 1
    assert "mine, examples[0]" in answer.out


def test_check_of_nothing_is_unusable(nowhere: Hub, tmp_path: Path) -> None:
    answer = nowhere("rules", "check", str(tmp_path / "nowhere"))
    assert (answer.code, answer.out) == (2, "")
    assert "there is no file or folder" in answer.err


def test_diff_compares_active_rules_with_files(hub: Hub, shop: Shop, folder: Path) -> None:
    write(folder)
    shop.publish()
    answer = hub("rules", "diff", "--json")
    assert answer.code == 1
    (change,) = answer.json["rules"]
    assert (change["rule"], change["kind"]) == ("mine", "added")
    assert hub("rules", "diff", "active", "active").code == 0
    assert hub("rules", "diff", "feedfeed", "active").code == 2


def test_publish_shows_what_changes_and_history_and_rollback_go_with_it(
    hub: Hub, shop: Shop, folder: Path
) -> None:
    write(folder)
    shop.publish()
    first = hub("rules", "history", "--json").json["history"][0]["version"]
    assert hub("rules", "publish").code == 2
    answer = hub("rules", "publish", "--yes", "--reason", "spring")
    assert answer.code == 0
    assert "+ mine is new: A rule of the test." in answer.out
    assert "Nothing was posted." in answer.out
    assert f"is in force instead of {first}." in answer.out
    assert hub("rules", "publish", "--yes").out.strip() == "These rules are in force already."

    history = hub("rules", "history", "--json").json["history"]
    assert [(one["before"], one["reason"]) for one in history] == [(first, "spring"), ("", "t")]
    back = hub("rules", "rollback", first[:6], "--reason", "oops", "--json")
    assert (back.code, back.json["version"]) == (0, first)
    assert hub("rules", "rollback", "feedfeed").code == 2


def test_publish_of_rules_with_problems_changes_nothing(hub: Hub, shop: Shop, folder: Path) -> None:
    shop.publish()
    write(folder, expect=8)
    answer = hub("rules", "publish", "--yes", "--json")
    assert answer.code == 1
    assert answer.json["problems"][0]["place"] == "examples[0]"
    assert len(hub("rules", "history", "--json").json["versions"]) == 1


def test_where_a_second_person_is_asked_for_publishing_waits(
    hub: Hub, shop: Shop, folder: Path
) -> None:
    write(folder)
    shop.publish(approvals=True)
    answer = hub("rules", "publish", "--yes", "--json")
    assert (answer.code, answer.json["state"]) == (1, "draft")
    version = answer.json["version"]
    assert hub("rules", "approve", version).code == 1
    assert hub("rules", "publish", version, "--yes").code == 1
    agreed = hub("rules", "approve", version, "--as", "somebody else", "--json")
    assert (agreed.code, agreed.json["approved_by"]) == (0, "somebody else")
    assert hub("rules", "publish", version, "--yes", "--days", "0").code == 0
    assert hub("rules", "history", "--json").json["history"][0]["approved_by"] == "somebody else"


def test_simulate_tells_points_and_members(hub: Hub, shop: Shop, order: Any, folder: Path) -> None:
    write(folder)
    shop.publish()
    shop.receive(order())
    shop.work_off("orders")
    until = ["--to", "2100-01-01", "--from", "2020-01-01"]
    answer = hub("rules", "simulate", *until, "--json")
    assert answer.code == 0
    assert (answer.json["difference"], answer.json["members_changed"]) == (7, 1)
    words = hub("rules", "simulate", *until)
    assert "+7" in words.out
    assert "Nothing was posted." in words.out
    assert hub("rules", "simulate", "--from", "soon").code == 2
    assert hub("rules", "simulate", "--from", "2030-01-01", "--to", "2020-01-01").code == 2


def test_explain_tells_an_order(hub: Hub, shop: Shop, order: Any) -> None:
    shop.publish()
    shop.receive(order())
    shop.work_off("orders")
    answer = hub("explain", "1001", "--json")
    assert answer.code == 0
    assert answer.json["points"] == 79
    assert answer.json["doubts"] == []
    assert {one["rule"] for one in answer.json["rule_stories"]} >= {"points-per-currency"}
    assert "Order 1001" in hub("explain", "shopify/main:order.paid:1001").out
    assert hub("explain", "nothing").code == 1


def test_liability_of_what_is_outstanding(hub: Hub, shop: Shop, order: Any) -> None:
    shop.publish()
    shop.receive(order())
    shop.work_off("orders")
    answer = hub("liability", "--json")
    assert (answer.code, answer.json["outstanding"], answer.json["gross"]) == (0, 79, "0.79")
    before = hub("liability", "--as-of", "2020-01-01", "--json")
    assert before.json["outstanding"] == 0
    assert hub("liability", "--as-of", "soon").code == 2
