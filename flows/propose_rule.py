"""A rule written in the Prefect form, as YAML or field by field, becomes a draft."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact
from pydantic import BaseModel, Field

from flows.rule_changes import Proposal, documents_in, propose
from flows.rule_reports import proposal_markdown, refusal_markdown
from flows.runtime import runtime
from loyalty.events import EventType
from rules import RuleSetError
from rules.shipped import all_templates

Author = Annotated[str, Field(min_length=1, max_length=100)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
Yaml = Annotated[str, Field(max_length=200_000, json_schema_extra={"format": "textarea"})]
Remove = Annotated[list[str], Field(max_length=100)]


class RuleForm(BaseModel):
    """A rule field by field; what else a rule can say goes into YAML."""

    id: str = Field(description="Its name: small letters, digits and hyphens.")
    description: str = Field("", description="What it is for, in a sentence.")
    on: EventType = Field(EventType.ORDER_PAID, description="Which events it listens to.")
    when: list[str] = Field(
        [], description="Conditions that all have to hold, e.g. order.eligible >= 100"
    )
    points: str = Field(description="How many points: a number or an expression.")
    starts: datetime | None = Field(None, description="In force from then on.")
    ends: datetime | None = Field(None, description="In force until then.")

    def document(self) -> dict[str, Any]:
        """The rule as a document."""
        filled = self.model_dump(mode="json", exclude_none=True)
        points = filled.pop("points")
        return {**filled, "then": [{"award": {"points": points}}]}


@flow(name="propose-rule", persist_result=False)
async def propose_rule(
    author: Author,
    reason: Reason,
    rule: Yaml = "",
    form: RuleForm | None = None,
    remove: Remove = [],  # noqa: B006 - Prefect shows the default in the form
) -> None:
    """Checks a rule and keeps it as a draft, on top of the rules in force. Nothing changes yet.

    The run's markdown says what would change and which version to try and to publish.

    Args:
        author: Your name; somebody else has to agree where that is asked for.
        reason: Why; kept with the version for good.
        rule: The rule in YAML, as in rules/library. A rule of the same id is replaced.
        form: The rule field by field, instead of YAML.
        remove: Ids of rules to take out.
    """
    logger = get_run_logger()
    try:
        documents = documents_in(rule) + ([form.document()] if form else [])
        proposal = Proposal(author.strip(), reason, documents, remove)
        async with runtime() as hub, hub.database.begin() as connection:
            templates = all_templates(hub.settings.rules)
            proposed = await propose(connection, proposal, now=hub.clock(), templates=templates)
    except RuleSetError as error:
        await acreate_markdown_artifact(
            key="propose-rule", markdown=refusal_markdown(error.problems)
        )
        raise
    await acreate_markdown_artifact(key="propose-rule", markdown=proposal_markdown(proposed))
    logger.info("%s is a draft, made from %s", proposed.version.version, proposed.version.base)
