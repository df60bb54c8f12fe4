"""Every connector has the same files, keeps to itself, and opens nothing when it is imported."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.kit.reference import with_reference
from connectors.kit.registry import HOUSE, slugs
from tests.conformance.candidate import Candidate

pytestmark = pytest.mark.criterion("anatomy")

FILES = (
    "__init__.py",
    "README.md",
    "account.py",
    "actions.py",
    "client.py",
    "credentials.py",
    "manifest.py",
    "sandbox.py",
    "triggers.py",
)
CHAPTERS = (
    {"## Set up", "## Set-up", "## Set it up"},
    {"## Known limits"},
    {"## Troubleshooting", "## When something is wrong"},
)


@pytest.mark.parametrize("file", FILES)
def test_every_file_of_the_anatomy_is_there(one: Candidate, file: str) -> None:
    assert (one.folder / file).is_file()


def test_no_sample_is_missing_broken_or_left_over(one: Candidate) -> None:
    webhook = one.manifest.webhook
    named = {trigger.sample for trigger in webhook.triggers.values()} if webhook else set()
    named |= {action.sample for action in one.manifest.actions}
    there = {path.name for path in (one.folder / "samples").iterdir()}
    assert named == there
    for name in sorted(name for name in there if name.endswith(".json")):
        json.loads((one.folder / "samples" / name).read_text("utf-8"))


# --- the README ------------------------------------------------------------------------------


def test_the_reference_is_current(one: Candidate) -> None:
    text = (one.folder / "README.md").read_text("utf-8")
    assert text == with_reference(text, one.manifest), "run `python -m connectors.kit.reference`"


def test_the_readme_tells_set_up_limits_and_what_to_do(one: Candidate) -> None:
    lines = (one.folder / "README.md").read_text("utf-8").splitlines()
    assert lines[0] == f"# {one.manifest.name}"
    assert [titles for titles in CHAPTERS if not titles & set(lines)] == []


# --- imports ---------------------------------------------------------------------------------


def _imported(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever in the file, in full."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _strangers(folder: Path) -> list[str]:
    """Imports of other vendors, and of Prefect where it has no place, below a folder."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        for module in _imported(path):
            house, _, rest = module.partition(".")
            if house == "connectors" and rest.split(".")[0] not in {"kit", folder.name}:
                found.append(f"{path.name}: {module}")
            if house == "prefect" and path.name != "credentials.py":
                found.append(f"{path.name}: {module}")
    return found


def test_no_connector_knows_another_vendor_or_prefect(one: Candidate) -> None:
    assert _strangers(one.folder) == []


def test_the_kit_knows_no_vendor() -> None:
    assert _strangers(HOUSE / "kit") == []


def test_a_stranger_is_noticed(tmp_path: Path) -> None:
    for name in ("actions.py", "credentials.py"):
        (tmp_path / name).write_text("import prefect\ndef f():\n    import connectors.twilio\n")
    found = ["actions.py: prefect", "actions.py: connectors.twilio"]
    assert _strangers(tmp_path) == [*found, "credentials.py: connectors.twilio"]


IMPORTING = """
import json, socket, sys

class Tripwire(socket.socket):
    def __init__(self, *args, **more):
        raise OSError("a socket was opened")

def refuse(*args, **more):
    raise OSError("the network was asked")

socket.socket = Tripwire
socket.getaddrinfo = socket.gethostbyname = socket.create_connection = refuse
said = {}
try:
    socket.socket()
    said["tripwire"] = "is not in place"
except OSError:
    said["tripwire"] = "is in place"
from connectors.kit.registry import manifest
for slug in sys.argv[1:]:
    try:
        said[slug] = f"is {manifest(slug).slug}"
    except Exception as error:
        said[slug] = repr(error)
said["prefect"] = "prefect" in sys.modules
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, Any]:
    """How the import of each manifest went, in one process without a network."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTING, *slugs()],
        cwd=HOUSE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    said: dict[str, Any] = json.loads(done.stdout)
    assert said["tripwire"] == "is in place"
    return said


def test_importing_the_manifest_opens_no_socket(one: Candidate, imported: dict[str, Any]) -> None:
    assert imported[one.slug] == f"is {one.slug}"


def test_no_manifest_brings_prefect_along(imported: dict[str, Any]) -> None:
    assert imported["prefect"] is False
