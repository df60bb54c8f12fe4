"""Which files of rules are read, and that a folder's own rule replaces the shipped one."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules import RuleSetError
from rules.shipped import shipped_rules
from rules.sources import NoSuchFile, sources

RULE = """
id: {id}
on: order.paid
when: [order.total >= {at}]
then: [{{award: {{points: 7}}}}]
"""


def write(folder: Path, name: str, **values: object) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(RULE.format(**{"id": "mine", "at": 50} | values), "utf-8")
    return path


def test_without_names_and_folder_the_shipped_rules_are_read() -> None:
    assert sources([], None).load() == shipped_rules()


def test_a_folder_adds_to_the_shipped_rules_and_replaces_by_id(tmp_path: Path) -> None:
    write(tmp_path, "mine.yaml")
    write(tmp_path, "deep/minimum.yml", id="minimum-purchase", at=75)
    (tmp_path / "templates.yaml").write_text("thanks: {sms: hello}", "utf-8")
    found = {one.id: one for one in sources([], tmp_path).load().rules}
    assert set(found) == {one.id for one in shipped_rules().rules} | {"mine"}
    assert found["minimum-purchase"].when == ("order.total >= 75",)


def test_named_files_are_read_alone_and_once(tmp_path: Path) -> None:
    path = write(tmp_path, "mine.yaml")
    assert [one.id for one in sources([path, path, tmp_path], None).load().rules] == ["mine"]


@pytest.mark.parametrize("name", ["nowhere", "nowhere.yaml", "empty"])
def test_a_path_without_rules_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoSuchFile, match=name):
        sources([tmp_path / name], None)


def test_two_own_rules_of_one_id_and_broken_files_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml")
    write(tmp_path, "b.yaml")
    with pytest.raises(RuleSetError, match="same id"):
        sources([tmp_path], None).load()
    (tmp_path / "a.yaml").write_text("id: [", "utf-8")
    with pytest.raises(RuleSetError, match=r"a\.yaml"):
        sources([tmp_path], None).load()
