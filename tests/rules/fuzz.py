"""Fuzzes the language: `python -m tests.rules.fuzz --seconds 600`.

With atheris (https://github.com/google/atheris) the bytes are led by the coverage of the
language's own code; where it is not installed they are random. Two kinds of inputs are made of
them: texts as they come, which are refused or read, and expressions that are sound by
construction, which must pass the checks and, on the strangest events, yield their type or fail
as declared.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from time import monotonic

from tests.rules.dice import Dice

try:
    import atheris
except ImportError:
    atheris = None

if atheris and "--plain" not in sys.argv:
    with atheris.instrument_imports(include=["rules.language", "rules.clause"]):
        import rules.language  # noqa: F401 - imported here to be instrumented.

from tests.rules.settling import check_sound, settle

PIECES = (
    *"()[]{}.,:='\"\\ \n", "order", ".lines", "line", " for ", " in ", " if ", " else ", "lambda",
    "not ", "1", "__", "*", "//", "f'", "#", "…", "é", "\0", "any(", " and ", " or ", " is None",
    "floor(", ".total", "member.email", "event.time", "then.hour", "goods", "lets", "0.5", "1e9",
    "'UTC'", " == ", " < ", "weekday(", "matches(", "distinct(", "-", "/", "%", "await ", "yield",
    ":=", "**", "@", "о",
)  # fmt: skip


def check(data: bytes) -> None:
    """One input: what fails here is a defect."""
    dice = Dice(data)
    way = dice.below(4)
    if way == 0:
        settle(data[1:].decode(errors="surrogateescape"))
    elif way == 1:
        settle("".join(dice.pick(PIECES) for _ in range(min(len(data), 60))))
    else:
        check_sound(data[1:])


def _at_random(seconds: float, seed: int) -> int:
    source, until, count = random.Random(seed), monotonic() + seconds, 0
    while monotonic() < until:
        data = source.randbytes(source.randrange(4, 400))
        try:
            check(data)
        except Exception:
            print(f"failed for bytes.fromhex({data.hex()!r})", file=sys.stderr)
            raise
        count += 1
    return count


def _guided(seconds: float, seed: int, folder: str, once: Callable[[bytes], None]) -> None:
    limits = [
        f"-max_total_time={max(int(seconds), 1)}",
        f"-seed={seed}",
        "-max_len=400",
        "-len_control=0",
    ]
    quiet = [
        "-timeout=10",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={folder}/",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *limits, *quiet, folder], once)
    atheris.Fuzz()


def main() -> None:
    """Fuzzes for so many seconds; the exit code says whether anything was found."""
    parser = argparse.ArgumentParser(description="Fuzz the rule language.")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--corpus", default="", help="a folder that keeps what was interesting")
    parser.add_argument("--plain", action="store_true", help="random bytes, without atheris")
    chosen = parser.parse_args()
    if atheris and not chosen.plain:
        folder = chosen.corpus or tempfile.mkdtemp(prefix="rules-fuzz-")
        _guided(chosen.seconds, chosen.seed, folder, check)
    else:
        print(f"{_at_random(chosen.seconds, chosen.seed)} inputs, nothing found")


if __name__ == "__main__":
    main()
