"""The texts of messages as people write them in YAML: `{name: {channel: {locale: parts}}}`.

A channel with one text for everybody may leave the languages out. Texts are Jinja over `member`,
`recipient`, `programme`, `links`, and for rules `result`, `values`, `event` and the event's data;
`loyalty.texts` renders them. E-mails are written in MJML (`mjml`), HTML or plain text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from loyalty.events import Channel, Frozen
from loyalty.locales import is_known
from loyalty.mail_source import MailSourceError
from rules.actions import Action, CreateTicket, PostToChat, SendMessage
from rules.fields import Word
from rules.layouts import Body, Layout, is_document
from rules.problems import RuleProblem, place_of
from rules.ruleset import RuleSet
from rules.wording import in_words
from rules.yaml_documents import YamlError, read_yaml

Text = Annotated[str, Field(min_length=1, max_length=20_000)]
Markup = Annotated[str, Field(max_length=200_000)]
Line = Annotated[str, Field(min_length=1, max_length=500)]


class EmailText(Frozen):
    """An e-mail in one language; what is given of `mjml`, `html` and `text` is its body.

    The plain-text part is derived where there is none. `preheader` is what mailboxes show beside
    the subject; `layout` surrounds MJML that is not a whole document.
    """

    subject: Line
    preheader: Annotated[str, Field(max_length=500)] = ""
    mjml: Markup = ""
    html: Markup = ""
    text: Annotated[str, Field(max_length=20_000)] = ""
    layout: Word = "base"

    @model_validator(mode="after")
    def _has_a_body(self) -> EmailText:
        if not (self.mjml or self.html or self.text):
            raise ValueError("it has no body: give `mjml`, `html` or `text`")
        if self.mjml and self.html:
            raise ValueError("it has two bodies: give either `mjml` or `html`")
        return self

    def parts(self) -> dict[str, str]:
        """The parts that `loyalty.texts` takes."""
        given = self.model_dump(include={"subject", "mjml", "html", "text"})
        return {name: value for name, value in given.items() if value}


class ChatText(Frozen):
    """A chat message, with the label of its button where it has one."""

    text: Text
    button: Annotated[str, Field(max_length=20)] = ""

    def parts(self) -> dict[str, str]:
        """The parts that `loyalty.texts` takes."""
        return {"text": self.text, **({"button": self.button} if self.button else {})}


def _by_locale(given: Any) -> Any:
    """Parts without a language stand under the empty one."""
    is_parts = isinstance(given, dict) and given.keys() & _PART_KEYS
    return {"": given} if is_parts or not isinstance(given, dict) else given


def _as_chat(given: Any) -> Any:
    return {"text": given} if isinstance(given, str) else given


def _language(tag: str) -> str:
    if tag and not is_known(tag):
        raise ValueError(f"`{tag[:40]}` is no language: write a BCP 47 tag such as `de` or `pt-BR`")
    return tag


_PART_KEYS = EmailText.model_fields.keys() | ChatText.model_fields.keys()
Locale = Annotated[str, AfterValidator(_language)]
ByLocale = BeforeValidator(_by_locale)
Chat = Annotated[ChatText, BeforeValidator(_as_chat)]


class Template(Frozen):
    """One text in the channels and languages that it exists in."""

    email: Annotated[dict[Locale, EmailText], Field(min_length=1), ByLocale] | None = None
    sms: Annotated[dict[Locale, Text], Field(min_length=1), ByLocale] | None = None
    chat: Annotated[dict[Locale, Chat], Field(min_length=1), ByLocale] | None = None

    def plain(self) -> dict[str, Any]:
        """The texts by channel and language, as `loyalty.texts.Texts` takes them."""
        return {
            channel: {
                locale: one if isinstance(one, str) else one.parts()
                for locale, one in by_locale.items()
            }
            for channel in type(self).model_fields
            if (by_locale := getattr(self, channel))
        }

    def over(self, shipped: Template) -> Template:
        """This text on top of a shipped one: its channels, and of them its languages, count."""
        found: dict[str, Any] = {}
        for channel in type(self).model_fields:
            own, theirs = getattr(self, channel), getattr(shipped, channel)
            is_whole = not own or not theirs or "" in own or "" in theirs
            found[channel] = (own or theirs) if is_whole else theirs | own
        return Template.model_construct(**found)


class TemplateError(ValueError):
    """The templates cannot be read; the message says which and why."""


_TEMPLATES = TypeAdapter(dict[Word, Template])
_KEYS = (*Template.model_fields, *EmailText.model_fields, "button")


def read_templates(
    text: str, *, name: str = "templates", layouts: Mapping[str, Layout] | None = None
) -> dict[str, Template]:
    """The templates of a YAML text, by name, their e-mails laid out.

    Raises:
        TemplateError: It is not YAML, or a key or a text is not as it must be.
    """
    found: dict[str, Any] = {}
    try:
        for document in read_yaml(text, name=name):
            found.update(document or {})
        read = _TEMPLATES.validate_python(found)
    except YamlError as error:
        raise TemplateError(str(error)) from None
    except ValidationError as error:
        raise TemplateError(told(error, name)) from None
    return {key: _laid_out(key, one, layouts or {}) for key, one in read.items()}


def read_layout(text: str, *, name: str) -> Layout:
    """The layout of a YAML text.

    Raises:
        TemplateError: It is not YAML, or not a layout.
    """
    try:
        return Layout.model_validate(next(iter(read_yaml(text, name=name)), None))
    except YamlError as error:
        raise TemplateError(str(error)) from None
    except ValidationError as error:
        raise TemplateError(told(error, name)) from None


def told(error: ValidationError, name: str) -> str:
    """The findings of a failed validation, a line for each."""
    return "\n".join(
        f"{name}, {place_of([part for part in one['loc'] if part != ''])}: {in_words(one, _KEYS)}"
        for one in error.errors(include_url=False)
    )


def _laid_out(name: str, template: Template, layouts: Mapping[str, Layout]) -> Template:
    if not template.email:
        return template
    emails = {
        locale: _surrounded(name, one, locale, layouts) for locale, one in template.email.items()
    }
    return template.model_copy(update={"email": emails})


def _surrounded(
    name: str, email: EmailText, locale: str, layouts: Mapping[str, Layout]
) -> EmailText:
    if not email.mjml or is_document(email.mjml):
        return email
    layout = layouts.get(email.layout)
    if layout is None:
        raise TemplateError(f"{name}.email: there is no layout `{email.layout}`")
    body = Body(email.mjml, email.subject, email.preheader, locale)
    try:
        return email.model_copy(update={"mjml": layout.around(body)})
    except MailSourceError as error:
        raise TemplateError(f"{name}.email: {error}") from None


def missing_templates(rules: RuleSet, templates: Mapping[str, Template]) -> tuple[RuleProblem, ...]:
    """Every text that a rule names and that does not exist for its channel."""
    problems = []
    for rule in rules.rules:
        for place, action in rule.actions():
            for channel, name in named_texts(action):
                template = templates.get(name)
                if template is None or getattr(template, channel) is None:
                    missing = f"there is no {channel} text `{name}`: add it to the templates"
                    problems.append(RuleProblem(rule.id, place, missing))
    return tuple(problems)


def named_texts(action: Action) -> tuple[tuple[str, str], ...]:
    """The channel and the name of each text that an action may send; a message whose channel is
    left open needs one for all of them."""
    match action.effect[1] if action.effect else None:
        case SendMessage(channel="auto") as body:
            return tuple((channel.value, body.template) for channel in Channel)
        case SendMessage() as body:
            return ((body.channel, body.template),)
        case PostToChat() | CreateTicket() as body:
            return (("chat", body.template),)
    return ()
