"""A few seconds of the fuzzer, so that it works when somebody runs it for hours."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def fuzzed(*settings: str) -> subprocess.CompletedProcess[str]:
    """A run of the fuzzer in a process of its own, because atheris ends the one it runs in."""
    command = [sys.executable, "-m", "tests.rules.fuzz", *settings]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="atheris is not installed: it has wheels for Linux on x86_64 up to Python 3.13",
)
def test_the_guided_fuzzer_finds_nothing_in_seconds(tmp_path: Path) -> None:
    done = fuzzed("--seconds", "3", "--corpus", str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    [runs] = re.findall(r"Done (\d+) runs", done.stderr)
    assert int(runs) > 100
    assert any(tmp_path.iterdir()), "nothing was interesting: is the language instrumented?"


def test_the_plain_fuzzer_finds_nothing_in_a_second() -> None:
    done = fuzzed("--seconds", "1", "--plain")
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(r"[1-9]\d+ inputs, nothing found", done.stdout)
