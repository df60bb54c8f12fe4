"""Cases a second: the acceptance scenarios over and over, through the real engine.

Counts the playing alone; starting PostgreSQL and migrating is told apart. The target of the
brief is 20 a second on two cores.
"""

from __future__ import annotations

import argparse
import gc
import time
from pathlib import Path

import uvloop

from deployments.scenario.document import Case, read_file
from deployments.scenario.run import play_all
from deployments.scenario.stage import stage

FILES = sorted((Path(__file__).parents[1] / "tests" / "scenarios").glob("*.yaml"))


async def measure(cases: list[Case], rounds: int, at_once: int) -> int:
    """Prints cases a second of each round; the number of cases that differed."""
    began = time.perf_counter()
    differed = 0
    async with stage(count=at_once) as databases:
        print(f"PostgreSQL up and migrated in {time.perf_counter() - began:.1f} s")
        for number in range(1, rounds + 1):
            began, cpu = time.perf_counter(), time.process_time()
            verdicts = [one async for one in play_all(databases, cases)]
            seconds = time.perf_counter() - began
            spent = (time.process_time() - cpu) / len(cases)
            differed += sum(not one.passed for one in verdicts)
            print(
                f"round {number}: {len(cases)} cases in {seconds:.2f} s ="
                f" {len(cases) / seconds:.1f} a second ({spent * 1000:.0f} ms of CPU each,"
                f" PostgreSQL's not counted)"
            )
    return differed


def main() -> int:
    """0 where all cases came out as expected."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=4)
    options.add_argument("--at-once", type=int, default=2)
    given = options.parse_args()
    cases = [case for path in FILES for case in read_file(path)]
    gc.freeze()  # As the command does.
    differed = uvloop.run(measure(cases, given.rounds, given.at_once))
    return 1 if differed else 0


if __name__ == "__main__":
    raise SystemExit(main())
