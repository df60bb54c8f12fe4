"""Looks at rules before they are put in force: examples, texts, what changed, who has to agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from loyalty.programme import Programme
from loyalty.texts import TextError
from rules.diffing import RuleSetDiff, diff
from rules.problems import RuleProblem
from rules.rehearsal import run_examples
from rules.ruleset import RuleSet
from rules.templates import Template, missing_templates
from rules.text_checks import text_problems, texts_of

NO_RULES = RuleSet.load([])
"""What is compared with before anything was published."""


@dataclass(frozen=True, slots=True)
class Review:
    """What is to be known of rules that compile, before they are published.

    Attributes:
        problems: What forbids publishing: examples that fail, texts that are not there.
        warnings: What the author hardly wants: rules that never fire, windows that overlap.
        needs: Why a second person has to agree; empty where nobody has to.
        examples: How many examples were run.
    """

    rules: RuleSet
    changes: RuleSetDiff
    problems: tuple[RuleProblem, ...]
    warnings: tuple[RuleProblem, ...]
    needs: tuple[str, ...]
    examples: int

    @property
    def is_sound(self) -> bool:
        """Whether it may be published, if need be after a second person agreed."""
        return not self.problems

    def document(self) -> dict[str, Any]:
        """The review for machines."""
        return {
            "version": self.rules.version,
            "rules": len(self.rules),
            "examples": self.examples,
            "problems": [asdict(one) for one in self.problems],
            "warnings": [asdict(one) for one in self.warnings],
            "needs_approval": list(self.needs),
            "changes": self.changes.model_dump(mode="json"),
        }


def review(
    rules: RuleSet,
    before: RuleSet | None,
    programme: Programme,
    *,
    templates: Mapping[str, Template] | None = None,
) -> Review:
    """Runs the examples and says what publishing would mean.

    Args:
        before: The rules in force; None where there are none.
        templates: The texts there are; None where they are not looked at.
    """
    changes = diff(before or NO_RULES, rules)
    failing = [
        RuleProblem(
            one.rule,
            f"examples[{one.example}]",
            f"{f'{one.says} ' if one.says else ''}expected {one.expected}, but it is {one.actual}",
        )
        for one in run_examples(rules)
    ]
    missing = _problems_of_texts(rules, templates) if templates is not None else ()
    return Review(
        rules=rules,
        changes=changes,
        problems=(*failing, *missing),
        warnings=rules.warnings,
        needs=tuple(_needs(rules, changes, programme)),
        examples=sum(len(one.examples) for one in rules.rules),
    )


def _problems_of_texts(
    rules: RuleSet, templates: Mapping[str, Template]
) -> tuple[RuleProblem, ...]:
    try:
        texts = texts_of(templates)
    except TextError as error:
        return (RuleProblem("the texts", "", str(error)),)
    return (*missing_templates(rules, templates), *text_problems(rules, texts))


def _needs(rules: RuleSet, changes: RuleSetDiff, programme: Programme) -> list[str]:
    """Only what changed is asked for: what is in force already was agreed to."""
    changed = {one.rule for one in changes.rules if one.kind != "removed"}
    found = [str(one) for one in rules.needs_approval if one.rule in changed]
    if programme.approvals and not changes.is_empty:
        found.append("the programme asks for a second person at every change")
    return found
