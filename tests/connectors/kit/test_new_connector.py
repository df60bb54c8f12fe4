"""A new connector's folder: complete, importable, in order, and bronze."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from connectors.kit import quality
from connectors.kit.manifest import Manifest
from connectors.kit.new import CannotMake, make
from connectors.kit.registry import HOUSE, manifest

USE = """
import asyncio, sys
import connectors
connectors.__path__.insert(0, sys.argv[1])
from importlib import import_module
from connectors.kit.new import with_references
from pathlib import Path
slug = sys.argv[2]
with_references(slug, house=Path(sys.argv[1]))
found = import_module(f"connectors.{slug}.manifest").MANIFEST
import_module(f"connectors.{slug}.sandbox"); import_module(f"connectors.{slug}.credentials")
print(found.slug, found.name, found.account.__name__, len(found.actions))
"""


@pytest.mark.parametrize(
    ("slug", "name", "told"),
    [
        ("acme", "Acme Söhne CRM", "acme Acme Söhne CRM AcmeSHneCRMAccount 1"),
        ("zulu9", "", "zulu9 Zulu9 Zulu9Account 1"),
        ("threed", "3D Shop", "threed 3D Shop ThreedAccount 1"),
    ],
)
def test_it_can_be_imported_and_says_who_it_is(
    tmp_path: Path, slug: str, name: str, told: str
) -> None:
    made = make(slug, name, house=tmp_path)
    assert {path.name for path in made} >= {"README.md", "manifest.py", "sandbox.py", "client.py"}
    assert "@" not in "".join(path.read_text("utf-8") for path in made if path.suffix != ".md")
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", USE, str(tmp_path), slug],
        cwd=HOUSE.parent, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.stdout.strip() == told, done.stderr
    assert "| Connector |" in (tmp_path / slug / "README.md").read_text("utf-8")


@pytest.mark.parametrize("slug", ["acme", "zulu"])
def test_it_is_written_as_the_house_writes(tmp_path: Path, slug: str) -> None:
    """Wherever its name stands beside the kit's in the alphabet."""
    make(slug, "Acme", house=tmp_path / "connectors")
    rules = str(HOUSE.parent / "pyproject.toml")
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--config", rules,
             "--config", "lint.isort.known-first-party=['connectors']", str(tmp_path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("slug", ["kit", "Acme", "a-b", "../x", "", "9lives", "a" * 31])
def test_a_name_that_cannot_be_one_is_refused(tmp_path: Path, slug: str) -> None:
    with pytest.raises(CannotMake):
        make(slug, house=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["Acme & Co", "A<b>", 'A"b', "x" * 61])
def test_a_name_that_prefect_would_refuse_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotMake, match="block's name"):
        make("acme", name, house=tmp_path)


def test_what_is_there_is_not_overwritten() -> None:
    with pytest.raises(CannotMake, match="is there already"):
        make("shopify")


# --- the scale -------------------------------------------------------------------------------

ALL = set(quality.CRITERIA)
SHOPIFY = manifest("shopify")


@pytest.mark.parametrize(
    ("lacks", "tier"),
    [
        (set(), "platinum"),
        ({"load"}, "gold"),
        ({"contract"}, "silver"),
        ({"contract", "webhooks"}, "bronze"),
        ({"errors"}, "bronze"),
    ],
    ids=["nothing", "load", "contract", "webhooks", "errors"],
)
def test_a_tier_needs_everything_below_it(lacks: set[str], tier: str) -> None:
    found = quality.judge(ALL - lacks, {"contract": "none is published"})
    assert found.tier.value == tier
    assert set(found.missing) <= lacks


def test_evidence_of_other_sources_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "HOUSE", tmp_path)
    day = date(2026, 11, 21)

    def tier(one: Manifest = SHOPIFY, today: date = day) -> tuple[str, str]:
        found = quality.grade(one, today=today)
        return found.tier.value, found.missing.get("manifest", "")

    folder = tmp_path / "shopify"
    folder.mkdir()
    (folder / "client.py").write_text("x = 1\n")
    assert tier() == ("bronze", "the suite has not graded it yet")
    document = (
        f'{{"sources": "{quality.digest("shopify")}", "met": {sorted(ALL)}, "missing": {{}}}}'
    )
    quality.evidence("shopify").write_text(document.replace("'", '"'))
    assert tier() == ("platinum", "")
    assert tier(today=date(2027, 7, 1))[0] == "bronze"
    (folder / "client.py").write_text("x = 2\n")
    assert tier() == ("bronze", "its sources changed since the suite graded it")
