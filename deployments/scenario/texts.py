"""The texts of a scenario's messages: they say what a case may expect of a message, word by word.

The planner renders them like any text of the programme, and the runner reads them back from what
the vendor was handed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from loyalty.texts import Texts
from rules.shipped import shipped_templates

FAN_OUT = "fan_out"
"""The text of what goes to the targets of a fan-out."""

_OWN = ("points_earned", "tier_up", "anniversary")
_BODY = """\
template: {name}
points: {{{{ result.points }}}}
balance: {{{{ result.balance }}}}
tier: {{{{ result.tier }}}}
"""
_DIGEST = """\
template: {name}
points: {{{{ values.points }}}}
balance: {{{{ values.balance }}}}
"""
_REMINDER = """\
template: expiry_reminder
points: {{ values.points }}
last_day: {{ values.last_day }}
"""
DIGEST = "digest_of_"
"""Begins the name of the text that says at once what a notice would have said several times."""

_REQUESTED = """\
template: {name}
balance: {{{{ member.points }}}}
tier: {{{{ member.tier }}}}
"""


def scenario_texts(
    requested: Sequence[str], languages: Mapping[str, Sequence[str]] | None = None
) -> Texts:
    """The texts that come with the hub, those of the notices, and those that a case asks for.

    Args:
        languages: Texts that are there in several languages.
    """
    by_language = {name: tuple(tags) for name, tags in (languages or {}).items()}
    return _texts(tuple(sorted(set(requested))), tuple(by_language.items()))


@lru_cache(maxsize=32)
def _texts(requested: tuple[str, ...], languages: tuple[tuple[str, tuple[str, ...]], ...]) -> Texts:
    sources = {name: template.plain() for name, template in shipped_templates().items()}
    for name in (*_OWN, *requested):
        body = (_BODY if name in _OWN else _REQUESTED).format(name=name)
        sources[name] = {"email": {"subject": name, "text": body}, "sms": body}
        digest = _DIGEST.format(name=name)
        sources[DIGEST + name] = {"email": {"subject": name, "text": digest}, "sms": digest}
    reminder = {"email": {"subject": "expiry_reminder", "text": _REMINDER}, "sms": _REMINDER}
    sources["expiry_reminder"] = reminder
    sources[FAN_OUT] = {"sms": "An order was paid.", "chat": "An order was paid."}
    for name, tags in languages:
        body = _BODY.format(name=name)
        email = {"subject": name, "text": body}
        sources[name] = {"email": dict.fromkeys(tags, email), "sms": dict.fromkeys(tags, body)}
    return Texts(sources, are_checked=True)


def said(content: Mapping[str, object]) -> dict[str, str]:
    """What a message says of itself: template, points, balance, tier; empty for other texts."""
    body = str(content.get("text") or content.get("body") or "")
    pairs = [line.partition(": ") for line in body.splitlines()]
    if not pairs or pairs[0][0] != "template":
        return {}
    return {name: value for name, _, value in pairs}
