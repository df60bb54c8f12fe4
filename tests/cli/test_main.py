"""`hub` as a program: fast help, honest exit codes."""

from __future__ import annotations

import subprocess
import sys

import pytest

HUB = [sys.executable, "-c", "from deployments.cli import main; main()"]


def test_help_lists_the_commands_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from deployments.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True
    )
    for name in ("up", "demo", "doctor", "connectors", "deliveries", "events", "event", "replay",
                 "verify-webhook"):  # fmt: skip
        assert f"  {name} " in done.stdout
    for heavy in ("prefect", "sqlalchemy", "pydantic", "rich", "httpx", "orjson"):
        assert f"'{heavy}'" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--help"], 0), (["nonsense"], 2), (["replay", "--nonsense"], 2)]
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    done = subprocess.run([*HUB, *arguments], capture_output=True, check=False)
    assert done.returncode == code
