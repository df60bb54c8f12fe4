"""`hub gift-codes`: files, codes to print, lists, withdrawals."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text


def write(path: Path, content: str) -> str:
    """A file with this content."""
    path.write_text(content, "utf-8")
    return str(path)


def test_the_sample_is_written_and_its_own_rows_are_refused(hub: Any, tmp_path: Path) -> None:
    path = str(tmp_path / "codes.csv")
    assert hub("gift-codes", "sample", "--out", path).code == 0
    answer = hub("gift-codes", "upload", path, "--json")
    assert (answer.code, answer.json["created"]) == (1, 0)
    assert [one["row"] for one in answer.json["problems"]] == [2, 3]


def test_a_file_is_worked_off_and_told_row_by_row(hub: Any, tmp_path: Path) -> None:
    path = write(tmp_path / "codes.csv", "code;points\nA-1;100\nB-2;none\n")
    answer = hub("gift-codes", "upload", path, "--to", "2030-01-31", "--name", "Spring")
    assert answer.code == 1
    assert "1 new code from codes.csv (utf-8, semicolon); 1 row could not be used." in answer.out
    assert "whole number above 0" in answer.out
    found = hub("gift-codes", "status", "--json").json
    (batch,), (upload,) = found["batches"], found["uploads"]
    assert (batch["name"], batch["valid_to"], batch["unused"]) == ("Spring", "2030-01-31", 1)
    assert (upload["state"], upload["percent"]) == ("done", 100.0)
    assert "Spring" in hub("gift-codes", "status").out


@pytest.mark.parametrize(
    ("content", "says"),
    [("name,points\n", "expected two columns"), ("", "the file is empty")],
)
def test_a_file_of_something_else_is_unusable(
    hub: Any, tmp_path: Path, content: str, says: str
) -> None:
    answer = hub("gift-codes", "upload", write(tmp_path / "x.csv", content))
    assert answer.code == 2
    assert says in answer.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["upload", "/no/such/file.csv"],
        ["generate", "Fair", "--count", "1000", "--points", "5", "--length", "6"],
        ["generate", "Fair", "--count", "5", "--points", "1.5"],
        ["generate", "Fair", "--count", "5", "--points", "many"],
        ["create", "\u00fc", "--points", "5"],
        ["export", "Fair", "--out", "codes.txt"],
        ["void", "Fair", "--reason", " "],
    ],
    ids=lambda value: " ".join(value[:3]),
)
def test_what_cannot_be_is_unusable_input(hub: Any, arguments: list[str]) -> None:
    answer = hub("gift-codes", *arguments)
    assert answer.code == 2
    assert answer.err.startswith("hub: ")


def test_codes_are_made_once_and_written_as_list_and_sheet(
    hub: Any, shop: Any, tmp_path: Path
) -> None:
    asked = ["gift-codes", "generate", "Fair", "--count", "30", "--points", "50", "--prefix", "f"]
    first, again = hub(*asked, "--json"), hub(*asked, "--json")
    assert first.json == again.json
    assert first.json["made"] == 30
    assert hub("gift-codes", "generate", "Fair", "--count", "31", "--points", "50").code == 2
    out, sheet = tmp_path / "codes.csv", tmp_path / "codes.pdf"
    assert hub("gift-codes", "export", "Fair", "--out", str(out)).code == 0
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["code", "points", "uses", "state"]
    assert {tuple(row[1:]) for row in rows[1:]} == {("50", "0", "active")}
    assert len({row[0] for row in rows[1:]}) == 30
    answer = hub("gift-codes", "export", "Fair", "--out", str(sheet))
    assert (answer.code, "needs a page" in answer.err) == (1, True)
    assert not sheet.exists()
    assert hub("gift-codes", "export", "Other", "--out", str(out)).code == 1


def test_one_code_for_many_is_made_once(hub: Any) -> None:
    asked = ["gift-codes", "create", "FAIR-26", "--points", "20", "--max-uses", "500"]
    assert hub(*asked, "--from", "2026-03-01", "--to", "2026-03-08").code == 0
    again = hub(*asked, "--name", "Other")
    assert (again.code, "was there before" in again.err) == (1, True)
    (batch,) = hub("gift-codes", "status", "--json").json["batches"]
    assert (batch["max_uses"], batch["valid_from"]) == (500, "2026-03-01")


def test_a_withdrawal_asks_first_and_is_in_the_audit_log(hub: Any, shop: Any) -> None:
    hub("gift-codes", "generate", "Fair", "--count", "3", "--points", "5")
    asks = hub("gift-codes", "void", "Fair", "--reason", "stolen")
    assert (asks.code, "3 unused codes" in asks.err) == (1, True)
    done = hub("gift-codes", "void", "Fair", "--reason", "stolen", "--yes", "--json")
    assert done.json == {"withdrawn": 3}

    async def read(connection: Any) -> list[Any]:
        return list((await connection.execute(text("select action, detail from audit"))).all())

    (line,) = shop.write(read)
    assert tuple(line) == ("gift_codes.void", {"codes": 3, "reason": "stolen"})
