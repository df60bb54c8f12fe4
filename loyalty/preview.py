"""A message as one recipient would get it, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loyalty.locales import DEFAULT_LOCALE
from loyalty.sms import SmsSize, measure
from loyalty.texts import Texts

CLIPPED_BYTES = 102_000
"""Gmail cuts a longer mail off, and with it the footer."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What somebody would get.

    Attributes:
        segments: What an SMS costs; 0 for other channels.
        locale: The language that was chosen; empty where the text has no languages.
        is_fallback: The language asked for is not there.
        warnings: What its author should know, in words.
    """

    subject: str
    text: str
    html: str
    segments: int
    locale: str = ""
    is_fallback: bool = False
    warnings: tuple[str, ...] = ()
    sms: SmsSize | None = None


def preview(
    texts: Texts, template: str, channel: str, *, locale: str, context: Mapping[str, Any]
) -> Preview:
    """The message in a language, filled in.

    Args:
        locale: Any BCP 47 tag; empty for the recipient's own, else the programme's.
        context: As the planner makes it: `member` or `recipient`, `programme`, `values` …

    Raises:
        TextError: The text is missing or cannot be filled in with this.
    """
    parts = texts.render(template, channel, context, locale=locale)
    programme = context.get("programme")
    default = programme.default_locale if programme is not None else DEFAULT_LOCALE
    asked = locale or _locale_of(context)
    chosen = texts.choice(template, channel, asked, default=default)
    size = measure(parts["text"]) if channel == "sms" else None
    is_fallback = bool(asked and chosen.locale) and chosen.is_fallback
    return Preview(
        subject=parts.get("subject", ""),
        text=parts["text"],
        html=parts.get("html", ""),
        segments=size.segments if size else 0,
        locale=chosen.locale,
        is_fallback=is_fallback,
        warnings=tuple(_warnings(parts, size, asked if is_fallback else "", chosen.locale)),
        sms=size,
    )


def _locale_of(context: Mapping[str, Any]) -> str:
    person = context.get("recipient") or context.get("member")
    return str(getattr(person, "locale", ""))


def _warnings(
    parts: Mapping[str, str], size: SmsSize | None, missing: str, chosen: str
) -> list[str]:
    told = []
    if missing:
        told.append(f"there is no text in {missing}: this one is in {chosen}")
    if size and size.warning:
        told.append(size.warning)
    if size and size.segments > 1 and not size.warning:
        told.append(f"it is sent, and paid for, as {size.segments} segments")
    if len(parts.get("html", "").encode()) > CLIPPED_BYTES:
        told.append("it is longer than 102 kB: Gmail cuts it off before its footer")
    return told
