"""The house keeps its shape: imports run one way, rooms stay small, deployments are complete."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

from loyalty.events import TRIGGERS

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("loyalty", "rules", "connectors", "flows", "gateway", "deployments", "benchmarks")
FILES = sorted(
    path
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if "migrations" not in path.parts  # history: written once, in one piece
)

LONGEST_FILE = 450
LONGEST_FUNCTION = 60

CLOUD_KEYS = {"sla", "slas", "webhook", "webhooks", "push_step", "push_pool"}
"""What the open-source server does not know. (`push` itself, for code storage, it does.)"""

DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))[
    "deployments"
]
NAMES = [one["name"] for one in DEPLOYMENTS]


def test_imports_run_one_way() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(
        [*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_room_is_too_large(path: Path) -> None:
    source = path.read_text("utf-8")
    assert source.count("\n") <= LONGEST_FILE, "split it"
    long = {name: lines for name, lines in _functions(source) if lines > LONGEST_FUNCTION}
    assert not long, "split them"


def _functions(source: str) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_only_flows_and_credentials_and_deployments_know_prefect() -> None:
    knowing = {_name(path) for path in FILES if "prefect" in _imported(path)}
    allowed = {
        name
        for name in knowing
        if name.startswith(("flows/", "deployments/", "benchmarks/"))
        or name.endswith("/credentials.py")
    }
    assert knowing == allowed


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=NAMES)
def test_a_deployment_is_described_and_so_is_each_field_of_its_form(
    deployment: dict[str, Any],
) -> None:
    from prefect import Flow

    path, _, name = deployment["entrypoint"].partition(":")
    flow = getattr(import_module(path.removesuffix(".py").replace("/", ".")), name)
    assert isinstance(flow, Flow)
    assert (ROOT / path).exists()
    assert deployment["description"].strip().endswith(".")
    assert flow.description
    assert flow.description.strip().endswith(".")
    for field, schema in flow.parameters.properties.items():
        assert schema.get("description", "").strip(), f"{field} has no description"


def test_every_trigger_has_a_deployment() -> None:
    triggers = {one["name"] for one in DEPLOYMENTS if "trigger" in one["tags"]}
    assert triggers == {*TRIGGERS, "deliver", "reconcile"}
    assert all("loyalty-hub" in one["tags"] for one in DEPLOYMENTS)
    assert len(NAMES) == len(set(NAMES))


def test_nothing_needs_prefect_cloud() -> None:
    document = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
    keys, values = _parts(document)
    assert not keys & CLOUD_KEYS
    assert not [one for one in values if one.endswith(":push") or one == "prefect:managed"]


def _parts(node: Any) -> tuple[set[str], set[str]]:
    """Every key and every text of a document."""
    if isinstance(node, dict):
        parts = [_parts(value) for value in node.values()]
        return set(node).union(*(k for k, _ in parts)), set().union(*(v for _, v in parts))
    if isinstance(node, list):
        parts = [_parts(value) for value in node]
        return set().union(*(k for k, _ in parts)), set().union(*(v for _, v in parts))
    return set(), {node} if isinstance(node, str) else set()


def test_pins_hold() -> None:
    assert Version(version("fastapi")) < Version("0.151")
    assert Version(version("SQLAlchemy")) < Version("2.1")
