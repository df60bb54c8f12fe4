"""Texts of messages: Jinja in a sandbox, every name known, the result bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_TEXT = 20_000


class TextError(ValueError):
    """A text is missing or cannot be rendered; the message names it and says why."""


class Texts:
    """The programme's texts, by template name and channel.

    Args:
        sources: `{name: {channel: text}}`; for e-mail `{subject, text, html?}` instead of text.
    """

    def __init__(self, sources: Mapping[str, Mapping[str, Any]]) -> None:
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
        self._templates = {
            (name, channel, part): environment.from_string(text)
            for name, channels in sources.items()
            for channel, parts in channels.items()
            for part, text in (parts if isinstance(parts, dict) else {"text": parts}).items()
        }

    def render(self, name: str, channel: str, context: Mapping[str, Any]) -> dict[str, str]:
        """The parts of a text (`text`, and for e-mail `subject`), filled in.

        Raises:
            TextError: There is no such text for the channel, or a name in it is not known.
        """
        parts = {
            part: template
            for (found, of, part), template in self._templates.items()
            if (found, of) == (name, channel)
        }
        if not parts:
            raise TextError(f"there is no {channel} text named {name!r}: add it to the templates")
        try:
            rendered = {part: template.render(context) for part, template in parts.items()}
        except TemplateError as error:
            raise TextError(f"the {channel} text {name!r} cannot be filled in: {error}") from None
        return {part: text.strip()[:MAX_TEXT] for part, text in rendered.items()}
