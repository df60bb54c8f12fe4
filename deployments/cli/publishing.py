"""`hub rules publish | approve | rollback | history`: from draft to live, and back."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
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
from deployments.cli.desk import Desk, actor
from deployments.cli.rules import (
    Book,
    at_store,
    in_force,
    named,
    read_files,
    read_templates,
    tell_diff,
    tell_problems,
)
from loyalty.store import rule_sets
from loyalty.store.rule_sets import Draft, Switch, Version
from rules import RuleSet, RuleSetError
from rules.review import Review, review

_VERSION = re.compile(r"[0-9a-f]{4,12}")


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
        return at_store(lambda desk: _publish_draft(desk, name, wanted))
    try:
        rules = read_files(wanted.paths)
    except RuleSetError as error:
        return tell_problems(error.problems, as_json=wanted.as_json)
    return at_store(lambda desk: _publish(desk, rules, wanted))


async def _publish_draft(desk: Desk, version: str, wanted: Wanted) -> int:
    """A draft of the Prefect form, or one that was approved meanwhile."""
    async with desk.database.begin() as connection:
        known = await rule_sets.find(connection, version)
    return await _publish(desk, await named(desk, known.version), wanted, draft=known)


async def _publish(
    desk: Desk, rules: RuleSet, wanted: Wanted, *, draft: Version | None = None
) -> int:
    book = await in_force(desk)
    found = review(rules, book.rules, book.programme, templates=read_templates())
    if not found.is_sound:
        return tell_problems(found.problems, as_json=wanted.as_json)
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
    tell_diff(found.changes)
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

    known = at_store(agree)
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

    known, switch = at_store(back)
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

    switches, known = at_store(find)
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
