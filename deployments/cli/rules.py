"""`hub rules check | diff | publish | approve | rollback | history`: from draft to live."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deployments.cli.answers import (
    Failure,
    answering,
    counted,
    moment,
    say,
    show_rows,
    unusable,
    write_json,
)
from deployments.cli.desk import Desk, actor, at_desk, read_settings
from loyalty.programme import Programme
from loyalty.store import rule_sets, rulebook
from loyalty.store.rule_sets import Draft, Switch, SwitchRefused, Version
from rules import RuleProblem, RuleSet, RuleSetError
from rules.diffing import RuleSetDiff, diff
from rules.review import NO_RULES, Review, review
from rules.shipped import all_templates
from rules.sources import NoSuchFile, sources
from rules.templates import Template, TemplateError

SHOWN = 50
"""Problems or changes that are listed before the rest is only counted."""

_VERSION = re.compile(r"[0-9a-f]{4,12}")

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
        return _tell_problems(error.problems, as_json=as_json)
    found = review(rules, None, Programme(), templates=read_templates())
    if found.problems:
        return _tell_problems(found.problems, as_json=as_json)
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


def _tell_problems(problems: Sequence[RuleProblem], *, as_json: bool) -> int:
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
        _tell_diff(found)
    return 0 if found.is_empty else 1


def both(before: str, after: str) -> tuple[RuleSet, RuleSet]:
    """Two rule sets by name: a version, `active`, `files`, or a path."""

    async def find(desk: Desk) -> tuple[RuleSet, RuleSet]:
        return await named(desk, before), await named(desk, after)

    if all(_is_file(name) for name in (before, after)):
        return _loaded(before), _loaded(after)
    return _at_store(find)


async def named(desk: Desk, name: str) -> RuleSet:
    """The rules of a version, of `active`, of `files`, or of a path."""
    if _is_file(name):
        return _loaded(name)
    if name == ACTIVE:
        return (await _book(desk)).rules or NO_RULES
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


def _tell_diff(found: RuleSetDiff) -> None:
    lines = found.lines()
    for line in lines[:SHOWN]:
        say(line)
    if len(lines) > SHOWN:
        say(f"and {len(lines) - SHOWN} lines more: --json shows all")


# --- publishing -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be published and how.

    Attributes:
        days: How many days back the rules are tried on; 0 leaves it out.
    """

    paths: tuple[Path, ...]
    reason: str
    days: int
    is_agreed: bool
    as_json: bool


@answering
def run_publish(wanted: Wanted) -> int:
    """Syncs the YAML of git: check, examples, what changes, a backtest, then the switch."""
    name = str(wanted.paths[0]) if len(wanted.paths) == 1 else ""
    if _VERSION.fullmatch(name) and not Path(name).exists():
        return _at_store(lambda desk: _publish_draft(desk, name, wanted))
    try:
        rules = read_files(wanted.paths)
    except RuleSetError as error:
        return _tell_problems(error.problems, as_json=wanted.as_json)
    return _at_store(lambda desk: _publish(desk, rules, wanted))


async def _publish_draft(desk: Desk, version: str, wanted: Wanted) -> int:
    """A draft of the Prefect form, or one that was approved meanwhile."""
    async with desk.database.begin() as connection:
        known = await rule_sets.find(connection, version)
    return await _publish(desk, await named(desk, known.version), wanted, draft=known)


async def _publish(
    desk: Desk, rules: RuleSet, wanted: Wanted, *, draft: Version | None = None
) -> int:
    book = await _book(desk)
    found = review(rules, book.rules, book.programme, templates=read_templates())
    if not found.is_sound:
        return _tell_problems(found.problems, as_json=wanted.as_json)
    answer = found.document()
    if book.rules is not None and found.changes.is_empty:
        return _tell_end(wanted, answer | {"state": "active"}, "These rules are in force already.")
    backtest = await _backtest(desk, rules, book, wanted) if wanted.days else None
    answer |= {"backtest": backtest.document() if backtest else None}
    if not wanted.as_json:
        _tell_review(found, backtest.lines() if backtest else ["No backtest was asked for."])
    _ask(wanted, f"Publish {counted(len(found.changes.rules), 'change')}?")
    known = draft or await _proposed(desk, found, wanted.reason)
    if known.waits_for_approval:
        told = (
            f"{rules.version} is a draft now and waits for a second person: `hub rules approve "
            f"{rules.version}`, or the deployment publish-rules."
        )
        _tell_end(wanted, answer | {"state": "draft"}, told)
        return 1
    switch = await _switch(desk, rules.version, wanted.reason)
    return _tell_end(wanted, answer | {"state": "active"}, _switched(switch))


async def _proposed(desk: Desk, found: Review, reason: str) -> Version:
    rules = found.rules
    draft = Draft(rules.version, rules.documents(), actor(), reason, found.needs)
    async with desk.database.begin() as connection:
        return await rule_sets.propose(connection, draft, now=desk.now)


async def _switch(desk: Desk, version: str, reason: str) -> Switch | None:
    async with desk.database.begin() as connection:
        return await rule_sets.publish(
            connection, version, actor=actor(), reason=reason, now=desk.now
        )


async def _backtest(desk: Desk, rules: RuleSet, book: Book, wanted: Wanted) -> Any:
    from deployments.cli.simulate import backtest

    return await backtest(desk, rules, book.programme, days=wanted.days)


def _tell_review(found: Review, backtest: Sequence[str]) -> None:
    say(f"{counted(len(found.rules), 'rule')} checked, {counted(found.examples, 'example')} "
        "came out as their authors say.\n")  # fmt: skip
    _tell_diff(found.changes)
    say("")
    for line in backtest:
        say(line)
    for warning in found.warnings:
        say(f"\nLook at {warning}.")
    for need in found.needs:
        say(f"\nA second person has to agree: {need}.")


def _ask(wanted: Wanted, question: str) -> None:
    if wanted.is_agreed:
        return
    if not sys.stdin.isatty():
        raise unusable("this would be published", "say --yes")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise Failure("nothing was published")


def _tell_end(wanted: Wanted, answer: dict[str, Any], told: str) -> int:
    if wanted.as_json:
        write_json(answer)
    else:
        say(told)
    return 0


def _switched(switch: Switch | None) -> str:
    if switch is None:
        return "These rules are in force already."
    return f"{switch.version} is in force" + (f" instead of {switch.before}." * bool(switch.before))


@answering
def run_approve(version: str, *, by: str, as_json: bool) -> int:
    """A second person agrees to a draft. Exit 1 where that is not possible."""

    async def agree(desk: Desk) -> Version:
        async with desk.database.begin() as connection:
            return await rule_sets.approve(connection, version, by=by or actor(), now=desk.now)

    known = _at_store(agree)
    if as_json:
        write_json(asdict(known))
    else:
        say(f"{known.approved_by} agreed to {known.version}: `hub rules publish` puts it in force.")
    return 0


@answering
def run_rollback(version: str, *, reason: str, as_json: bool) -> int:
    """Puts an earlier version in force again: the same switch. Exit 2 where there is none."""

    async def back(desk: Desk) -> tuple[Version, Switch | None]:
        async with desk.database.begin() as connection:
            switch = await rule_sets.rollback(
                connection, version, actor=actor(), reason=reason, now=desk.now
            )
            return await rule_sets.find(connection, version), switch

    known, switch = _at_store(back)
    if as_json:
        write_json({"version": known.version, "before": switch.before if switch else None})
    else:
        say(_switched(switch))
    return 0


@answering
def run_history(*, limit: int, as_json: bool) -> int:
    """Every switch with its people and reasons, and the drafts there are."""

    async def find(desk: Desk) -> tuple[list[Switch], list[Version]]:
        async with desk.database.begin() as connection:
            switches = await rule_sets.history(connection, limit=limit)
            return switches, await rule_sets.versions(connection, limit=limit)

    switches, known = _at_store(find)
    if as_json:
        write_json({"history": [asdict(one) for one in switches],
                    "versions": [asdict(one) for one in known]})  # fmt: skip
        return 0
    if not switches:
        say("Nothing was published yet: `hub up` publishes the shipped rules.")
    else:
        show_rows(
            ("in force from", "version", "before", "by", "approved by", "why"),
            [(moment(s.at), s.version, s.before, s.actor, s.approved_by, s.reason)
             for s in switches],
        )  # fmt: skip
    drafts = [one for one in known if one.state == "draft"]
    if drafts:
        say("\ndrafts")
        show_rows(
            ("version", "from", "by", "made", "approved by", "why", "needs"),
            [(d.version, d.base, d.author, moment(d.created_at), d.approved_by, d.reason,
              "; ".join(d.needs)) for d in drafts],
        )  # fmt: skip
    return 0


async def _book(desk: Desk) -> Book:
    async with desk.database.begin() as connection:
        programme = await rulebook.programme(connection)
        found = await rulebook.active(connection)
    return Book(programme, _stored(found[1], found[0]) if found else None)


def _at_store(work: Callable[[Desk], Awaitable[Any]]) -> Any:
    """Work with the store; what it refuses becomes a Failure."""

    async def guarded(desk: Desk) -> Any:
        try:
            return await work(desk)
        except SwitchRefused as refused:
            code = 2 if refused.code in ("unknown", "ambiguous") else 1
            raise Failure(str(refused), code=code) from None

    return at_desk(guarded)
