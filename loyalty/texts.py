"""Texts of messages: Jinja in a sandbox, every name known, in the recipient's language, bounded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError, nodes

from loyalty.events import Frozen
from loyalty.locales import DEFAULT_LOCALE, Choice, choose, formats_of
from loyalty.mail_source import MailSourceError, prepared
from loyalty.mail_text import few_blank_lines
from loyalty.programme import Programme
from loyalty.sms import single_spaces
from loyalty.text_formats import KEY, Formats, formats
from loyalty.text_language import BoundedEnvironment

MAX_TEXT = 20_000
MAX_HTML = 100_000
"""Characters of a finished mail; Gmail shows no more than 102 kB of one."""

MAX_SUBJECT = 500
_PARTS = frozenset({"subject", "text", "html", "mjml", "button"})


class TextError(ValueError):
    """A text is missing or cannot be rendered; the message names it and says why."""


class Recipient(Frozen):
    """Whom a text is for: a member, or a customer who is none yet."""

    name: str = ""
    first_name: str = ""
    locale: str = ""
    zone: str = ""


class MessageLinks(Frozen):
    """Links of the recipient's own that a mail's footer has; empty where there are none."""

    unsubscribe: str = ""
    preferences: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A text in one language, as Jinja reads it.

    Attributes:
        locale: As its author wrote it; empty where there is only one text for everybody.
    """

    name: str
    channel: str
    locale: str
    parts: Mapping[str, str]

    def __str__(self) -> str:
        language = f" ({self.locale})" if self.locale else ""
        return f"the {self.channel} text {self.name!r}{language}"


class Texts:
    """The programme's texts, by template name, channel and language.

    Args:
        sources: `{name: {channel: parts}}` or `{name: {channel: {locale: parts}}}`. Parts are a
            text; for e-mail `{subject, and mjml, html or text}`, for a chat with a button
            `{text, button}`.

        are_checked: Somebody has read them before: each is read when it is first asked for.

    Raises:
        TextError: One of them cannot be read; the message names it and its line.
    """

    def __init__(
        self, sources: Mapping[str, Mapping[str, Any]], *, are_checked: bool = False
    ) -> None:
        self._sources: dict[tuple[str, str], dict[str, Source]] = {}
        self._unread = {
            (name, channel): given if _is_by_locale(given) else {"": given}
            for name, channels in sources.items()
            for channel, given in channels.items()
        }
        if not are_checked:
            self._read_all()

    def render(
        self, name: str, channel: str, context: Mapping[str, Any], *, locale: str = ""
    ) -> dict[str, str]:
        """The parts of a text (`text`; for e-mail also `subject` and perhaps `html`), filled in.

        Args:
            context: What the text may speak of. `member` or `recipient` say in which language
                and zone, `programme` what holds where they do not.
            locale: The language instead of the recipient's, where it is given.

        Raises:
            TextError: There is no such text for the channel, a name in it is not known, or it
                does what texts may not.
        """
        known = {**_DEFAULTS, **context}
        known["recipient"] = person = _recipient(context)
        programme = known["programme"]
        wanted = locale or person.locale
        source = self.source(name, channel, wanted, default=programme.default_locale)
        known[KEY] = _formats(source, wanted, person, programme)
        try:
            return {part: _fit(channel, part, _filled(part, text, known))
                    for part, text in source.parts.items()}  # fmt: skip
        except Exception as error:  # noqa: BLE001 - a text may fail in any way that Python can
            says = str(error) if isinstance(error, TemplateError) else type(error).__name__
            raise TextError(f"{source} cannot be filled in: {says}") from None

    def source(
        self, name: str, channel: str, locale: str = "", *, default: str = DEFAULT_LOCALE
    ) -> Source:
        """The text in the language that serves a person best.

        Raises:
            TextError: There is no such text for the channel.
        """
        by_locale = self._by_locale(name, channel)
        if len(by_locale) == 1:
            return next(iter(by_locale.values()))
        return by_locale[choose(locale, by_locale, default).locale]

    def choice(
        self, name: str, channel: str, locale: str, *, default: str = DEFAULT_LOCALE
    ) -> Choice:
        """Which language a person gets, and whether it is only the fallback."""
        return choose(locale, self._by_locale(name, channel), default)

    def in_all_languages(self, name: str, channel: str) -> tuple[Source, ...]:
        """The text in every language that it is there in.

        Raises:
            TextError: There is no such text for the channel.
        """
        return tuple(self._by_locale(name, channel).values())

    def sources(self) -> list[Source]:
        """Every text in every language, by name."""
        self._read_all()
        return [one for key in sorted(self._sources) for one in self._sources[key].values()]

    def _read_all(self) -> None:
        for name, channel in list(self._unread):
            self._by_locale(name, channel)

    def _by_locale(self, name: str, channel: str) -> dict[str, Source]:
        if (name, channel) in self._unread:
            self._sources[name, channel] = {
                locale: _read(name, channel, locale, parts)
                for locale, parts in self._unread[name, channel].items()
            }
            del self._unread[name, channel]
        found = self._sources.get((name, channel))
        if not found:
            raise TextError(f"there is no {channel} text named {name!r}: add it to the templates")
        return found


def _is_by_locale(given: Any) -> bool:
    return isinstance(given, Mapping) and not _PARTS & given.keys()


def _read(name: str, channel: str, locale: str, parts: Any) -> Source:
    given = parts if isinstance(parts, Mapping) else {"text": parts}
    source = Source(name, channel, locale, given)
    try:
        ready = prepared(given) if channel == "email" else dict(given)
        for part, text in ready.items():
            _look_at(text, part == "html")
    except MailSourceError as error:
        raise TextError(f"{source} cannot be read: {error}") from None
    except TemplateError as error:
        line = getattr(error, "lineno", 1)
        raise TextError(f"{source} cannot be read (line {line}): {error.message}") from None
    return Source(name, channel, locale, ready)


_DEFAULTS: Mapping[str, Any] = {"links": MessageLinks(), "programme": Programme()}
_PLAIN, _HTML = BoundedEnvironment(autoescape=False), BoundedEnvironment(autoescape=True)


def tree_of(text: str, part: str) -> nodes.Template:
    """What one part of a text says, for checks that walk it."""
    return (_HTML if part == "html" else _PLAIN).readable(text)


@lru_cache(maxsize=4096)
def _look_at(text: str, is_html: bool) -> None:
    """Reads a text without compiling it, which takes four times as long: most are never sent."""
    (_HTML if is_html else _PLAIN).readable(text)


@lru_cache(maxsize=2048)
def _compiled(text: str, is_html: bool) -> Any:
    """Compiled once in a process, whoever has it among their texts."""
    return (_HTML if is_html else _PLAIN).compiled(text)


def _filled(part: str, text: str, context: Mapping[str, Any]) -> str:
    template = _compiled(text, part == "html")
    return str(template.environment.filled_in(template, context))


def _recipient(context: Mapping[str, Any]) -> Recipient:
    given, member = context.get("recipient"), context.get("member")
    if isinstance(given, Recipient) or member is None:
        return given or Recipient()
    first, last = getattr(member, "first_name", ""), getattr(member, "last_name", "")
    return Recipient(
        name=f"{first} {last}".strip(),
        first_name=first,
        locale=getattr(member, "locale", ""),
        zone=getattr(member, "zone", ""),
    )


def _formats(source: Source, wanted: str, person: Recipient, programme: Programme) -> Formats:
    language = source.locale or programme.default_locale
    money = (programme.currency, programme.unit_scale)
    return formats(formats_of(language, wanted), person.zone, programme.zone, money)


def _fit(channel: str, part: str, text: str) -> str:
    # A line break in a subject would begin a new header of the mail.
    if part in ("subject", "button"):
        return " ".join(text.split())[:MAX_SUBJECT]
    if part == "html":
        return _whole(text.strip())
    if channel == "sms":
        text = single_spaces(text)
    return (few_blank_lines(text) if channel == "email" else text.strip())[:MAX_TEXT]


def _whole(html: str) -> str:
    if len(html) > MAX_HTML:
        # Cut HTML is broken, and the footer with the way out would be the first to go.
        raise TemplateError(f"the HTML has more than {MAX_HTML} characters")
    return html
