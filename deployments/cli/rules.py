"""`hub rules check | diff`, and how rule sets are named, read and told on the command line."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deployments.cli.answers import (
    Failure,
    answering,
    counted,
    say,
    unusable,
    write_json,
)
from deployments.cli.desk import Desk, at_desk, read_settings
from loyalty.programme import Programme
from loyalty.store import rule_sets, rulebook
from loyalty.store.rule_sets import SwitchRefused
from rules import RuleProblem, RuleSet, RuleSetError
from rules.diffing import RuleSetDiff, diff
from rules.review import NO_RULES, review
from rules.shipped import all_templates
from rules.sources import NoSuchFile, sources
from rules.templates import Template, TemplateError

SHOWN = 50
"""Problems or changes that are listed before the rest is only counted."""

FILES = "files"
ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Book:
    """What is in force."""

    programme: Programme
    rules: RuleSet | None


def read_files(paths: Sequence[Path]) -> RuleSet:
    """The rules of the files.

    Raises:
        Failure: (2) A path cannot be used.
        RuleSetError: The rules have problems.
    """
    try:
        return sources(paths, read_settings().rules).load()
    except NoSuchFile as error:
        raise unusable(str(error)) from None


def read_templates() -> dict[str, Template]:
    """The shipped texts and those of the folder HUB_RULES.

    Raises:
        Failure: (2) One of its files cannot be read.
    """
    try:
        return all_templates(read_settings().rules)
    except TemplateError as error:
        raise unusable(str(error)) from None


@answering
def run_check(paths: Sequence[Path], *, as_json: bool) -> int:
    """Checks types, examples and texts; needs no running hub. Exit 1 where something is wrong."""
    try:
        rules = read_files(paths)
    except RuleSetError as error:
        return tell_problems(error.problems, as_json=as_json)
    found = review(rules, None, Programme(), templates=read_templates())
    if found.problems:
        return tell_problems(found.problems, as_json=as_json)
    if as_json:
        write_json({"version": rules.version, "rules": len(rules), "examples": found.examples,
                    "problems": [], "warnings": [asdict(one) for one in found.warnings],
                    "needs_approval": list(found.needs)})  # fmt: skip
        return 0
    say(f"{counted(len(rules), 'rule')} ({rules.version}), {counted(found.examples, 'example')}: "
        "all is well.")  # fmt: skip
    for warning in found.warnings:
        say(f"Look at {warning}.")
    for need in found.needs:
        say(f"A second person will have to agree: {need}.")
    return 0


def tell_problems(problems: Sequence[RuleProblem], *, as_json: bool) -> int:
    """Says what is wrong with rules; the exit code for that."""
    if as_json:
        write_json({"problems": [asdict(one) for one in problems]})
        return 1
    say(f"{counted(len(problems), 'problem')}:")
    for one in problems[:SHOWN]:
        say(f"  {one}")
    if len(problems) > SHOWN:
        say(f"  and {len(problems) - SHOWN} more")
    return 1


@answering
def run_diff(before: str, after: str, *, as_json: bool) -> int:
    """What changed between two versions, files or folders. Exit 1 where something did."""
    one, other = both(before or ACTIVE, after or FILES)
    found = diff(one, other)
    if as_json:
        write_json(found.model_dump(mode="json"))
    else:
        tell_diff(found)
    return 0 if found.is_empty else 1


def both(before: str, after: str) -> tuple[RuleSet, RuleSet]:
    """Two rule sets by name: a version, `active`, `files`, or a path."""

    async def find(desk: Desk) -> tuple[RuleSet, RuleSet]:
        return await named(desk, before), await named(desk, after)

    if all(_is_file(name) for name in (before, after)):
        return _loaded(before), _loaded(after)
    return at_store(find)


async def named(desk: Desk, name: str) -> RuleSet:
    """The rules of a version, of `active`, of `files`, or of a path."""
    if _is_file(name):
        return _loaded(name)
    if name == ACTIVE:
        return (await in_force(desk)).rules or NO_RULES
    async with desk.database.begin() as connection:
        version = (await rule_sets.find(connection, name)).version
        documents = await rulebook.documents_of(connection, version)
    return _stored(documents or [], version)


def _is_file(name: str) -> bool:
    return name == FILES or "/" in name or Path(name).suffix in (".yaml", ".yml")


def _loaded(name: str) -> RuleSet:
    try:
        return read_files([] if name == FILES else [Path(name)])
    except RuleSetError as error:
        raise unusable(str(error)) from None


def _stored(documents: list[dict[str, Any]], version: str) -> RuleSet:
    try:
        return RuleSet.from_documents(documents)
    except RuleSetError as error:
        raise Failure(f"version {version} cannot be read by this program", str(error)) from None


def tell_diff(found: RuleSetDiff) -> None:
    """Says what changes, up to SHOWN lines."""
    lines = found.lines()
    for line in lines[:SHOWN]:
        say(line)
    if len(lines) > SHOWN:
        say(f"and {len(lines) - SHOWN} lines more: --json shows all")


async def in_force(desk: Desk) -> Book:
    """The programme and the rules that are in force now."""
    async with desk.database.begin() as connection:
        programme = await rulebook.programme(connection)
        found = await rulebook.active(connection)
    return Book(programme, _stored(found[1], found[0]) if found else None)


def at_store(work: Callable[[Desk], Awaitable[Any]]) -> Any:
    """Work with the store; what it refuses becomes a Failure."""

    async def guarded(desk: Desk) -> Any:
        try:
            return await work(desk)
        except SwitchRefused as refused:
            code = 2 if refused.code in ("unknown", "ambiguous") else 1
            raise Failure(str(refused), code=code) from None

    return at_desk(guarded)
