"""The cases that a rule's author vouches for: made into events, and run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from loyalty.events import DATA_MODELS, Event
from loyalty.facts import MemberFacts
from loyalty.programme import Programme
from rules.document import RuleDocument
from rules.expectations import Example
from rules.problems import RuleProblem, problems_of

USUAL_TIME = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""When an example happens that does not say so: a Monday at noon."""


@dataclass(frozen=True, slots=True)
class Case:
    """An example ready to run."""

    event: Event
    member: MemberFacts
    programme: Programme


def case_of(document: RuleDocument, example: Example) -> Case:
    """The event, member and programme of an example.

    Raises:
        ValidationError: Its data do not fit the models.
    """
    given = example.event
    event = Event(
        type=given.type,
        store=given.store,
        key=given.key,
        time=given.time or document.starts or USUAL_TIME,
        subject=f"{given.store}:example",
        data=DATA_MODELS[given.type].model_validate(given.data),
    )
    return Case(
        event=event,
        member=MemberFacts.model_validate(example.member),
        programme=Programme.model_validate(example.programme),
    )


def check_examples(document: RuleDocument) -> Iterator[RuleProblem]:
    """What is wrong with the data of a rule's examples."""
    for at, example in enumerate(document.examples):
        under = f"examples[{at}]"
        parts = (
            ("event.data", DATA_MODELS[example.event.type], example.event.data),
            ("member", MemberFacts, example.member),
            ("programme", Programme, example.programme),
        )
        for name, model, value in parts:
            try:
                model.model_validate(value)
            except ValidationError as error:
                yield from problems_of(error, document.id, under=f"{under}.{name}", model=model)
        if example.event.type not in document.on:
            place = f"{under}.event.type"
            told = f"the rule does not listen to {example.event.type.value}"
            yield RuleProblem(document.id, place, told)
