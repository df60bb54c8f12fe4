"""`hub scenario`: plays stories about a programme through the real engine and says what differs."""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy.exc import ArgumentError

from deployments.cli.answers import Failure, console, counted, say, unusable
from deployments.scenario.document import Case, UnusableFile, read_file
from deployments.scenario.run import Verdict, play_all
from deployments.scenario.stage import stage
from loyalty.store.database import StoreAway, dumps
from loyalty.store.embedded import PostgresFailed

SHOWN = 10
"""So many cases are named in the summary."""


def run_scenarios(files: Sequence[Path], *, only: Sequence[str], server: str, as_json: bool) -> int:
    """Plays the cases of files: exit 0 where all hold, 1 where something differs, 2 where a file
    cannot be used."""
    try:
        cases = chosen(files, only)
        show = _silent if as_json else _show
        began = time.perf_counter()
        verdicts = _run(_play(cases, server, show))
    except Failure as failure:
        print(f"hub: {failure}", file=sys.stderr)
        if as_json:
            print(dumps({"problem": str(failure)}))
        return failure.code
    if as_json:
        print(dumps([one.document() for one in verdicts]))
    else:
        _sum_up(verdicts, time.perf_counter() - began)
    return 0 if all(one.passed for one in verdicts) else 1


def chosen(files: Sequence[Path], only: Sequence[str]) -> list[Case]:
    """The cases of the files, in order, or those of them that are named.

    Raises:
        Failure: A file cannot be used, an id stands in two files, or is not there.
    """
    cases: dict[str, Case] = {}
    for path in files:
        try:
            found = read_file(path)
        except UnusableFile as error:
            raise unusable(str(error)) from None
        for case in found:
            if case.id in cases:
                raise unusable(f"{path}: the case {case.id} is in an earlier file as well")
            cases[case.id] = case
    missing = [name for name in only if name not in cases]
    if missing:
        raise unusable(f"there is no case {', '.join(missing)}", "see the ids in the file")
    return [case for case in cases.values() if not only or case.id in only]


def run_schema() -> int:
    """Prints the JSON Schema of scenario files."""
    from deployments.scenario.schema import text

    print(text(), end="")
    return 0


def _run(work: Coroutine[Any, Any, list[Verdict]]) -> list[Verdict]:
    """On the faster loop where there is one.

    Modules, rules and cases are there to the end: looking through them for garbage after every
    booking would take a fifth of the time.
    """
    gc.collect()
    gc.freeze()
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)


async def _play(
    cases: Sequence[Case], server: str, show: Callable[[Verdict], None]
) -> list[Verdict]:
    verdicts = []
    try:
        async with stage(server) as databases:
            async for verdict in play_all(databases, cases):
                verdicts.append(verdict)
                show(verdict)
    except (StoreAway, OSError, asyncpg.PostgresError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise unusable(
            f"the PostgreSQL for scenarios cannot be used: {told}",
            "give --server a server on which a database may be created, or leave it out",
        ) from None
    except PostgresFailed as error:
        raise unusable(str(error)) from None
    except (ValueError, ArgumentError):
        # The text of these errors repeats the address, and with it the password.
        if not server:
            raise
        raise unusable(
            "--server cannot be read", "write postgresql://user:password@host/database"
        ) from None
    return verdicts


def _silent(verdict: Verdict) -> None:
    """For machines, everything is told at the end."""


def _show(verdict: Verdict) -> None:
    out: Any = console()
    mark, style = ("✓", "green") if verdict.passed else ("✗", "bold red")
    out.print(f"{mark} {verdict.id}", style=style)
    for one in verdict.differences:
        for at, line in enumerate(one.splitlines()):
            out.print(f"    {'' if at == 0 else '  '}{line}")


def _sum_up(verdicts: Sequence[Verdict], seconds: float) -> None:
    failed = [one.id for one in verdicts if not one.passed]
    told = f"{counted(len(verdicts), 'case')} in {seconds:.1f} s"
    if failed:
        names = ", ".join(failed[:SHOWN]) + (", …" if len(failed) > SHOWN else "")
        say(f"{told}: {len(failed)} differ: {names}")
    else:
        say(f"{told}, all as expected")
