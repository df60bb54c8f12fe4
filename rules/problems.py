"""What is wrong with rule documents, all of it at once, each with its rule and place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ValidationError

from rules.actions import Action
from rules.audience import Audience, Holdout
from rules.document import Group, RuleDocument
from rules.expectations import Example, ExampleEvent, Expectation, Used
from rules.limits import Limit
from rules.windows import Hours
from rules.wording import in_words


@dataclass(frozen=True, slots=True)
class RuleProblem:
    """One thing to correct: in which rule, where in it, and what."""

    rule: str
    place: str
    message: str

    def __str__(self) -> str:
        where = f"{self.rule}, {self.place}" if self.place else self.rule
        return f"{where}: {self.message}"


class RuleSetError(ValueError):
    """The rules are refused; `problems` lists everything that has to be corrected."""

    def __init__(self, problems: Sequence[RuleProblem]) -> None:
        self.problems = tuple(problems)
        count = f"{len(problems)} problem{'s' if len(problems) != 1 else ''}"
        super().__init__("\n".join([f"The rules have {count}:", *map(str, problems)]))


_MODELS: dict[str, type[BaseModel]] = {
    "": RuleDocument,
    "then": Action,
    "otherwise": Action,
    "group": Group,
    "examples": Example,
    "event": ExampleEvent,
    "expect": Expectation,
    "used": Used,
    "limits": Limit,
    "audience": Audience,
    "holdout": Holdout,
    "hours": Hours,
}
for _name, _field in Action.model_fields.items():
    _MODELS[_name] = next(
        one
        for one in getattr(_field.annotation, "__args__", ())
        if isinstance(one, type) and issubclass(one, BaseModel)
    )


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def place_of(location: Sequence[int | str]) -> str:
    """A location as people write it: `then[0].send_message.channel`."""
    written = ""
    for part in location:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else part
    return written


def problems_of(
    error: ValidationError, rule: str, *, under: str = "", model: type[BaseModel] | None = None
) -> list[RuleProblem]:
    """The findings of a failed validation as problems of a rule.

    Args:
        error: Of the document, or of a part of it.
        rule: The rule's id.
        under: The part's place in the document.
        model: The part's model where it is not the document itself.
    """
    problems = []
    for one in error.errors(include_url=False):
        location = one["loc"]
        words = [part for part in location[:-1] if isinstance(part, str)]
        owner = _MODELS.get(words[-1] if words else "") if model is None else model
        if model is not None and words:
            owner = None
        place = place_of([*([under] if under else []), *location])
        message = in_words(one, _keys(owner) if owner else ())
        problems.append(RuleProblem(rule=rule, place=place, message=message))
    return problems
