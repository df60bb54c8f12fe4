"""What runs say of rules on their way, in Markdown for the Prefect UI."""

from __future__ import annotations

from collections.abc import Sequence

from flows.rule_changes import Proposed
from rules import RuleProblem
from rules.review import Review

SHOWN = 60
"""Lines of a change that are shown."""


def proposal_markdown(proposed: Proposed) -> str:
    """A draft: what would change, who has to agree, what to do next."""
    version, found = proposed.version, proposed.review
    approval = "Nobody else has to agree."
    if found.needs:
        approval = "**A second person has to agree**: " + "; ".join(found.needs) + "."
    return "\n\n".join(
        [
            f"# Draft {version.version}",
            f"By {version.author}, on top of {version.base or 'nothing'}: {version.reason}",
            changes_markdown(found),
            f"{len(found.rules)} rules checked, {found.examples} examples came out as they say. "
            + approval,
            *(f"Look at {one}." for one in found.warnings),
            f"Next: run `simulate-rules` with the version `{version.version}` to see what it "
            "would have done, then `publish-rules`.",
        ]
    )


def changes_markdown(found: Review) -> str:
    """What changes, as a block of text."""
    lines = found.changes.lines()
    more = [f"and {len(lines) - SHOWN} lines more"] if len(lines) > SHOWN else []
    return "\n".join(["```diff", *lines[:SHOWN], *more, "```"])


def refusal_markdown(problems: Sequence[RuleProblem]) -> str:
    """What has to be corrected."""
    told = "\n\n".join(f"```\n{one}\n```" for one in problems[:SHOWN])
    return f"# Nothing was kept\n\n{len(problems)} to correct:\n\n{told}"


def question_markdown(version: str, author: str, reason: str, found: Review) -> str:
    """What a second person is asked to agree to."""
    return "\n\n".join(
        [
            f"{author or 'Somebody'} wants to publish {version}: {reason or 'no reason given'}",
            "You are asked because " + "; ".join(found.needs) + ".",
            changes_markdown(found),
        ]
    )
