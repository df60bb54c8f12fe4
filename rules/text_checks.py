"""Checks of texts before they are used: every name is there, and samples can be filled in.

Texts that rules send see what the rules see and the values that the rule gives; texts that the
hub sends by itself see their values of `loyalty.announced`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from loyalty.announced import ANNOUNCED
from loyalty.events import Event, EventType
from loyalty.facts import MemberFacts, Result
from loyalty.programme import Programme
from loyalty.sms import measure
from loyalty.text_names import ANYTHING, Names, names_of, unknown_names
from loyalty.texts import MessageLinks, Recipient, Source, TextError, Texts
from rules.actions import Action
from rules.document import RuleDocument
from rules.problems import RuleProblem
from rules.ruleset import RuleSet
from rules.subjects import data_model, data_name
from rules.templates import Template, named_text

MEMBER = (
    "id", "joined_at", "first_name", "last_name", "email", "phone", "locale", "zone", "birthday",
    "tags", "segments", "tier", "points", "lifetime_points", "lifetime_spend", "orders_count",
    "last_order_at", "points_redeemed", "redemptions_count",
)  # fmt: skip
"""What a text may say of a member."""

_EVERYWHERE: Mapping[str, Any] = {
    "recipient": Recipient,
    "links": MessageLinks,
    "programme": Programme,
}
SAMPLE_LINKS = MessageLinks(
    unsubscribe="https://hub.example/u/sample", preferences="https://hub.example/p/sample"
)
SAMPLE_RECIPIENT = Recipient(name="Ada Lovelace", first_name="Ada")


def texts_of(templates: Mapping[str, Template]) -> Texts:
    """The templates made ready.

    Raises:
        TextError: One of them cannot be read; the message names it and its line.
    """
    return Texts({name: one.plain() for name, one in templates.items()})


def text_problems(rules: RuleSet, texts: Texts) -> tuple[RuleProblem, ...]:
    """Names that the texts of these rules use and that are not there when they are sent."""
    found: dict[str, RuleProblem] = {}
    for rule in rules.rules:
        for place, action in rule.actions():
            for source in _sources(texts, action):
                for told in _unknown(source, rule, action):
                    found.setdefault(told, RuleProblem(rule.id, place, told))
    return tuple(found.values())


def announced_problems(texts: Texts) -> tuple[str, ...]:
    """What is wrong with the texts that the hub sends by itself, tried in every language."""
    told: list[str] = []
    for name, one in ANNOUNCED.items():
        scope = {**_EVERYWHERE, "values": Names(dict.fromkeys(one.values, ANYTHING))}
        for channel in one.channels:
            try:
                sources = texts.in_all_languages(name, channel)
            except TextError as error:
                told.append(str(error))
                continue
            for source in sources:
                unknown = [str(problem) for problem in unknown_names(source, scope)]
                told += unknown or _rendered(texts, source, announced_sample(name))
    return tuple(told)


def announced_sample(name: str) -> dict[str, Any]:
    """The context of a text that the hub sends by itself, filled with samples."""
    return {
        "recipient": SAMPLE_RECIPIENT,
        "links": SAMPLE_LINKS if ANNOUNCED[name].purpose == "marketing" else MessageLinks(),
        "values": dict(ANNOUNCED[name].values),
    }


def warnings_of(texts: Texts) -> tuple[str, ...]:
    """Characters in the text itself that make an SMS dearer: a curly quote, a dash."""
    found = []
    for source in texts.sources():
        if source.channel == "sms" and (size := measure(source.parts["text"])).culprits:
            first = size.culprits[0]
            instead = f"; write {first.instead!r} instead" if first.instead.strip() else ""
            found.append(f"{source}: {first.name} makes it a UCS-2 message{instead}")
    return tuple(found)


def _sources(texts: Texts, action: Action) -> tuple[Source, ...]:
    named = named_text(action)
    try:
        return texts.in_all_languages(named[1], named[0]) if named else ()
    except TextError:
        return ()  # `missing_templates` tells it


def _unknown(source: Source, rule: RuleDocument, action: Action) -> Iterator[str]:
    values = getattr(action.effect[1] if action.effect else None, "values", {})
    for event_type in rule.on:
        for problem in unknown_names(source, scope_for(event_type, tuple(values))):
            yield f"{problem} (when {event_type.value} happens)"


def scope_for(event_type: EventType, values: tuple[str, ...]) -> dict[str, Any]:
    """What a text of a rule may speak of when such an event happens."""
    return {
        **_EVERYWHERE,
        "event": names_of(Event, ("type", "store", "key", "time", "subject")),
        data_name(event_type): data_model(event_type),
        "member": names_of(MemberFacts, MEMBER),
        "result": Result,
        "values": Names(dict.fromkeys(values, ANYTHING)),
    }


def _rendered(texts: Texts, source: Source, context: Mapping[str, Any]) -> list[str]:
    try:
        texts.render(source.name, source.channel, context, locale=source.locale)
    except TextError as error:
        return [str(error)]
    return []
