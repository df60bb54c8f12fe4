"""The texts that rules name: `{name: {email: {subject, text}, sms: text, chat: text}}`.

They are Jinja texts over `member`, `result`, `values`, `programme`, `event` and the event's data;
`loyalty.texts` renders them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from loyalty.events import Frozen
from rules.actions import CreateTicket, PostToChat, SendMessage
from rules.fields import Word
from rules.problems import RuleProblem, place_of
from rules.ruleset import RuleSet
from rules.wording import in_words
from rules.yaml_documents import YamlError, read_yaml

Text = Annotated[str, Field(min_length=1, max_length=20_000)]


class EmailText(Frozen):
    """An e-mail; `html` beside the plain text where there is one."""

    subject: Annotated[str, Field(min_length=1, max_length=500)]
    text: Text
    html: Annotated[str, Field(max_length=200_000)] = ""


class Template(Frozen):
    """One text in the channels it exists for."""

    email: EmailText | None = None
    sms: Text | None = None
    chat: Text | None = None

    def plain(self) -> dict[str, Any]:
        """The texts by channel, as `loyalty.texts.Texts` takes them."""
        return self.model_dump(exclude_defaults=True)


class TemplateError(ValueError):
    """The templates cannot be read; the message says which and why."""


_TEMPLATES = TypeAdapter(dict[Word, Template])
_KEYS = (*Template.model_fields, *EmailText.model_fields)


def read_templates(text: str, *, name: str = "templates") -> dict[str, Template]:
    """The templates of a YAML text, by name.

    Raises:
        TemplateError: It is not YAML, or a key or a text is not as it must be.
    """
    try:
        found: dict[str, Any] = {}
        for document in read_yaml(text, name=name):
            found.update(document or {})
        return _TEMPLATES.validate_python(found)
    except YamlError as error:
        raise TemplateError(str(error)) from None
    except ValidationError as error:
        told = [
            f"{name}, {place_of(one['loc'])}: {in_words(one, _KEYS)}"
            for one in error.errors(include_url=False)
        ]
        raise TemplateError("\n".join(told)) from None


def missing_templates(rules: RuleSet, templates: Mapping[str, Template]) -> tuple[RuleProblem, ...]:
    """Every text that a rule names and that does not exist for its channel."""
    problems = []
    for rule in rules.rules:
        for place, action in rule.actions():
            body = action.effect[1] if action.effect else None
            if isinstance(body, SendMessage):
                channel = body.channel.value
            elif isinstance(body, (PostToChat, CreateTicket)):
                channel = "chat"
            else:
                continue
            template = templates.get(body.template)
            if template is None or getattr(template, channel) is None:
                told = f"there is no {channel} text `{body.template}`: add it to the templates"
                problems.append(RuleProblem(rule.id, place, told))
    return tuple(problems)
