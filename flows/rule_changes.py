"""A change of the rules that somebody proposes: on top of those in force, checked, then a draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from loyalty.store import rule_sets, rulebook
from loyalty.store.rule_sets import Draft, Version
from rules import RuleProblem, RuleSet, RuleSetError
from rules.review import Review, review
from rules.shipped import shipped_templates
from rules.templates import Template
from rules.yaml_documents import YamlError, read_yaml


@dataclass(frozen=True, slots=True)
class Proposal:
    """Rules to be added or replaced (by their ids), and ids of rules to be taken out."""

    author: str
    reason: str
    documents: Sequence[Mapping[str, Any]] = ()
    remove: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Proposed:
    """The draft as kept, and what is to be known of it."""

    version: Version
    review: Review


def documents_in(text: str) -> list[Mapping[str, Any]]:
    """The rules of a YAML text: one, a list, or several documents.

    Raises:
        RuleSetError: It cannot be read, or holds something else.
    """
    found: list[Any] = []
    try:
        for document in read_yaml(text, name="the rule"):
            found += document if isinstance(document, list) else [document]
    except YamlError as error:
        raise RuleSetError([RuleProblem("the rule", "", str(error))]) from None
    if not all(isinstance(one, Mapping) for one in found):
        problem = "a rule is a mapping with `id`, `on` and `then`"
        raise RuleSetError([RuleProblem("the rule", "", problem)])
    return found


async def propose(
    connection: AsyncConnection,
    proposal: Proposal,
    *,
    now: datetime,
    templates: Mapping[str, Template] | None = None,
) -> Proposed:
    """Puts the change on top of the rules in force and keeps the whole as a draft.

    Args:
        templates: The installation's texts; the shipped ones where it has none of its own.

    Raises:
        RuleSetError: The rules have problems, their examples fail, or nothing would change.
    """
    programme = await rulebook.programme(connection)
    found = await rulebook.active(connection)
    before = RuleSet.from_documents(found[1]) if found else None
    rules = _on_top(before, proposal)
    told = review(rules, before, programme, templates=templates or shipped_templates())
    if told.problems:
        raise RuleSetError(told.problems)
    if before is not None and told.changes.is_empty:
        raise RuleSetError([RuleProblem("the rules", "", "nothing would change by this")])
    draft = Draft(rules.version, rules.documents(), proposal.author, proposal.reason, told.needs)
    return Proposed(await rule_sets.propose(connection, draft, now=now), told)


async def review_of(connection: AsyncConnection, version: str) -> Review:
    """The review of a version that is kept, against the rules in force now."""
    programme = await rulebook.programme(connection)
    found = await rulebook.active(connection)
    documents = await rulebook.documents_of(connection, version)
    before = RuleSet.from_documents(found[1]) if found else None
    return review(RuleSet.from_documents(documents or []), before, programme)


def _on_top(before: RuleSet | None, proposal: Proposal) -> RuleSet:
    documents = {one["id"]: one for one in before.documents()} if before else {}
    unknown = [name for name in proposal.remove if name not in documents]
    if unknown:
        raise RuleSetError([RuleProblem(name, "", "there is no such rule") for name in unknown])
    kept = [one for name, one in documents.items() if name not in proposal.remove]
    named = {one.get("id") for one in proposal.documents}
    return RuleSet.load([one for one in kept if one["id"] not in named] + [*proposal.documents])
