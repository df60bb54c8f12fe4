"""Texts of messages: Jinja in a sandbox, every name known, the result bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import TemplateError

from loyalty.text_language import BoundedEnvironment

MAX_TEXT = 20_000


class TextError(ValueError):
    """A text is missing or cannot be rendered; the message names it and says why."""


class Texts:
    """The programme's texts, by template name and channel.

    Args:
        sources: `{name: {channel: text}}`; for e-mail `{subject, text, html?}` instead of text.

    Raises:
        TextError: One of them cannot be read; the message names it and its line.
    """

    def __init__(self, sources: Mapping[str, Mapping[str, Any]]) -> None:
        plain, html = BoundedEnvironment(autoescape=False), BoundedEnvironment(autoescape=True)
        self._templates = {
            (name, channel): {
                part: _compiled(html if part == "html" else plain, text, name, channel)
                for part, text in (parts if isinstance(parts, dict) else {"text": parts}).items()
            }
            for name, channels in sources.items()
            for channel, parts in channels.items()
        }

    def render(self, name: str, channel: str, context: Mapping[str, Any]) -> dict[str, str]:
        """The parts of a text (`text`, and for e-mail `subject`), filled in.

        Raises:
            TextError: There is no such text for the channel, a name in it is not known, or it
                does what texts may not.
        """
        parts = self._templates.get((name, channel))
        if not parts:
            raise TextError(f"there is no {channel} text named {name!r}: add it to the templates")
        try:
            rendered = {
                part: template.environment.filled_in(template, context)
                for part, template in parts.items()
            }
        except Exception as error:  # noqa: BLE001 - a text may fail in any way that Python can
            says = str(error) if isinstance(error, TemplateError) else type(error).__name__
            raise TextError(f"the {channel} text {name!r} cannot be filled in: {says}") from None
        return {part: _fit(part, text) for part, text in rendered.items()}


def _compiled(environment: BoundedEnvironment, text: str, name: str, channel: str) -> Any:
    try:
        return environment.compiled(text)
    except TemplateError as error:
        line = getattr(error, "lineno", 1)
        told = f"the {channel} text {name!r} cannot be read (line {line}): {error.message}"
        raise TextError(told) from None


def _fit(part: str, text: str) -> str:
    # A line break in a subject would begin a new header of the mail.
    return (" ".join(text.split()) if part == "subject" else text.strip())[:MAX_TEXT]
