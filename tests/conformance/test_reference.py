"""Writing the references into READMEs, and noticing those that are stale."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.kit import reference
from connectors.kit.reference import BEGIN, END, MissingMarkers, main, with_reference
from connectors.kit.registry import HOUSE, manifest, slugs

TWILIO = manifest("twilio")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all READMEs, which the command takes for the real ones."""
    for slug in slugs():
        (tmp_path / slug).mkdir()
        shutil.copy(HOUSE / slug / "README.md", tmp_path / slug)
    monkeypatch.setattr(reference, "HOUSE", tmp_path)
    return tmp_path


def test_a_stale_readme_is_named_and_then_rewritten(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    readme = house / "twilio" / "README.md"
    current = readme.read_text("utf-8")
    stale = current.replace("| 14 | 14 | account |", "| 15 | 14 | account |")
    readme.write_text(stale, "utf-8")

    assert main(["--check"]) == 1
    assert readme.read_text("utf-8") == stale
    assert f"{readme} is stale" in capsys.readouterr().err

    assert main([]) == 0
    assert readme.read_text("utf-8") == current
    assert capsys.readouterr().out == f"{readme} rewritten\n"
    assert main(["--check"]) == 0


def test_a_missing_readme_is_named(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (house / "slack" / "README.md").unlink()
    assert main(["--check"]) == 1
    assert f"{house / 'slack' / 'README.md'} is missing" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    ["# Twilio\n", BEGIN, f"{END}\n{BEGIN}\n", f"{BEGIN}{END}{BEGIN}{END}", f"{BEGIN}{END}{END}"],
    ids=["none", "no-end", "turned-round", "two", "two-ends"],
)
def test_a_readme_without_a_place_for_it_is_refused(text: str) -> None:
    with pytest.raises(MissingMarkers, match=r"twilio/README\.md: write <!-- reference -->"):
        with_reference(text, TWILIO)


def test_what_is_written_by_hand_stays() -> None:
    text = f"# Twilio\n\nby hand\n\n{BEGIN}\nyesterday\n{END}\n\n## Known limits\n"
    written = with_reference(text, TWILIO)
    assert written.startswith(f"# Twilio\n\nby hand\n\n{BEGIN}\n## Reference\n")
    assert written.endswith(f"\n{END}\n\n## Known limits\n")
    assert "yesterday" not in written
    assert with_reference(written, TWILIO) == written


def test_markup_in_a_declared_text_stays_text() -> None:
    one = replace(TWILIO, owner="a|b <c> *d*\ne")
    assert r"| Owner | a\|b &lt;c> \*d\* e |" in reference.reference(one)
