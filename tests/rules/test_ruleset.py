"""Rule sets: named by their content, stored and read back, and never changed."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from loyalty.events import EventType
from rules import RuleSet, RuleSetError
from rules.shipped import shipped_rules


def rule(name: str, **more: Any) -> dict[str, Any]:
    """A small rule."""
    return {"id": name, "on": ["order.paid"], "then": [{"award": {"points": "1"}}], **more}


def test_the_version_is_that_of_the_content() -> None:
    first = RuleSet.load([rule("a"), rule("b", when=["order.total > 5"])])
    again = RuleSet.load([rule("b", when=["order.total > 5"]), rule("a")])
    other = RuleSet.load([rule("a"), rule("b", when=["order.total > 6"])])
    assert first.version == again.version
    assert first == again
    assert len({first, again, other}) == 2
    assert len(first.version) == 12
    assert int(first.version, 16) >= 0


def test_a_known_set_keeps_its_version() -> None:
    """Stored decisions name it, so the canonical form must not change by accident."""
    assert RuleSet.load([rule("a", when=["order.total > 5"])]).version == "83f518ac857a"


def test_what_is_left_at_its_default_does_not_change_the_version() -> None:
    plain, spelt = rule("a"), rule("a", priority=0, match="all", enabled=True, group="all", let={})
    assert RuleSet.load([plain]).version == RuleSet.load([spelt]).version


def test_documents_are_json_and_read_back_as_the_same_set() -> None:
    stored = json.loads(json.dumps(shipped_rules().documents()))
    again = RuleSet.from_documents(stored)
    assert again == shipped_rules()
    assert again.documents() == stored


def test_a_store_that_sorts_keys_changes_nothing() -> None:
    """PostgreSQL's jsonb keeps no order of keys; named values must not depend on it."""
    rules = RuleSet.load([rule("a", let={"z": "order.total", "a": "z + 1"}, when=["a > z"])])
    stored = json.loads(json.dumps(rules.documents(), sort_keys=True))
    assert RuleSet.from_documents(stored) == rules


def test_documents_given_out_are_copies() -> None:
    rules = RuleSet.load([rule("a")])
    rules.documents()[0]["id"] = "changed"
    assert rules.documents()[0]["id"] == "a"


def test_it_does_not_change() -> None:
    with pytest.raises(AttributeError, match="load another one"):
        RuleSet.load([rule("a")]).version = "x"


def test_it_travels_to_other_processes() -> None:
    rules = shipped_rules()
    assert pickle.loads(pickle.dumps(rules)) == rules


def test_rules_are_decided_by_priority_then_by_id() -> None:
    rules = RuleSet.load([rule("c"), rule("a"), rule("z", priority=5), rule("b", priority=-5)])
    assert [one.id for one in rules.listening(EventType.ORDER_PAID)] == ["z", "a", "c", "b"]
    assert rules.listening(EventType.SMS_RECEIVED) == ()


def test_a_rule_that_is_switched_off_is_checked_but_does_not_listen() -> None:
    rules = RuleSet.load([rule("a", enabled=False)])
    assert rules.listening(EventType.ORDER_PAID) == ()
    with pytest.raises(RuleSetError):
        RuleSet.load([rule("a", enabled=False, when=["order.totl > 1"])])


def test_ids_are_unique() -> None:
    with pytest.raises(RuleSetError, match="another rule has the same id"):
        RuleSet.load([rule("a"), rule("a")])


def test_a_group_has_one_mode() -> None:
    group = {"name": "offers", "mode": "highest"}
    with pytest.raises(
        RuleSetError, match="the group `offers` is highest in another rule and first"
    ):
        RuleSet.load([rule("a", group=group), rule("b", group={**group, "mode": "first"})])


def test_no_rules_are_a_rule_set_too() -> None:
    assert len(RuleSet.load([])) == 0


def test_files_have_one_rule_a_list_or_several_documents(tmp_path: Path) -> None:
    one, many, list_ = tmp_path / "one.yaml", tmp_path / "many.yaml", tmp_path / "list.yaml"
    text = "id: {}\non: order.paid\nthen: [award: {{points: 1}}]\n"
    one.write_text(text.format("a"))
    many.write_text(text.format("b") + "---\n" + text.format("c"))
    list_.write_text("- {id: d, on: [order.paid], then: [award: {points: 1.5}]}\n")
    rules = RuleSet.from_yaml(one, many, str(list_))
    assert [document.id for document in rules.rules] == ["a", "b", "c", "d"]


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("id: a\nid: b\n")
    with pytest.raises(RuleSetError) as caught:
        RuleSet.from_yaml(bad, tmp_path / "absent.yaml")
    told = str(caught.value)
    assert "bad.yaml, line 2, column 1: the key `id` is given twice" in told
    assert "absent.yaml" in told


def test_a_thousand_rules_are_published_within_two_seconds() -> None:
    documents = [
        rule(
            f"rule-{n}", when=[f"order.total >= {n}", f'any(x.sku == "S{n}" for x in order.lines)']
        )
        for n in range(1000)
    ]
    started = process_time()
    assert len(RuleSet.load(documents)) == 1000
    assert process_time() - started < 2
