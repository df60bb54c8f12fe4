"""Puts a version of the rules in force; where a second person has to agree, the run is suspended.

A suspended run holds no place in a worker: it ends, and the answer in the Prefect UI ("Resume")
starts it again (https://docs.prefect.io/v3/advanced/interactive; docs/decisions/012).
"""

from __future__ import annotations

from typing import Annotated

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact
from prefect.flow_runs import asuspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from flows.rule_changes import review_of
from flows.rule_reports import changes_markdown, question_markdown
from flows.runtime import Hub, runtime
from loyalty.store import rule_sets
from loyalty.store.rule_sets import SwitchRefused, Version

Name = Annotated[str, Field(min_length=4, max_length=64)]
Person = Annotated[str, Field(min_length=1, max_length=100)]
Reason = Annotated[str, Field(max_length=500)]

PATIENCE_SECONDS = 30 * 24 * 3600
"""How long a run waits for the second person; the draft itself waits for ever."""

TRIES = 10
"""How often the answer of somebody who may not agree is asked for again."""


class Approval(RunInput):
    """The second person's answer."""

    approved_by: str = Field(description="Your name. The author cannot agree.")
    agrees: bool = Field(True, description="Take the tick away to turn it down.")


class TurnedDown(Exception):
    """The second person did not agree; the draft stays a draft."""


@flow(name="publish-rules", persist_result=False)
async def publish_rules(version: Name, published_by: Person, reason: Reason = "") -> None:
    """Puts a draft in force, or an earlier version again (rollback), in one switch.

    Where a second person has to agree, the run is suspended until they answer in its form.

    Args:
        version: A draft's version from propose-rule, or an earlier one to go back to.
        published_by: Your name; kept in the history.
        reason: Why; empty takes the draft's own.
    """
    async with runtime() as hub:
        async with hub.database.begin() as connection:
            known = await rule_sets.find(connection, version)
        if known.waits_for_approval:
            known = await _approved(hub, known)
        async with hub.database.begin() as connection:
            found = await review_of(connection, known.version)
            switch = await rule_sets.publish(
                connection, known.version, actor=published_by, reason=reason, now=hub.clock()
            )
        await hub.refresh_rulebook()
    told = f"{known.version} is in force already."
    if switch is not None:
        agreed = f" {switch.approved_by} agreed." if switch.approved_by else ""
        told = f"{switch.version} is in force instead of {switch.before or 'nothing'}.{agreed}"
    get_run_logger().info(told)
    markdown = f"# {told}\n\n{changes_markdown(found)}"
    await acreate_markdown_artifact(key="publish-rules", markdown=markdown)


async def _approved(hub: Hub, known: Version) -> Version:
    """The version once a second person agreed; each wrong answer is asked about again."""
    async with hub.database.begin() as connection:
        found = await review_of(connection, known.version)
    question = question_markdown(known.version, known.author, known.reason, found)
    for number in range(TRIES):
        answer = await asuspend_flow_run(
            wait_for_input=Approval.with_initial_data(description=question),
            timeout=PATIENCE_SECONDS,
            key=f"approval-{number}",
        )
        if not answer.agrees:
            raise TurnedDown(f"{answer.approved_by} did not agree to {known.version}")
        try:
            async with hub.database.begin() as connection:
                return await rule_sets.approve(
                    connection, known.version, by=answer.approved_by, now=hub.clock()
                )
        except SwitchRefused as refused:
            question = f"**{refused}.**\n\n{question}"
    raise TurnedDown(f"nobody who may agree to {known.version} did")
