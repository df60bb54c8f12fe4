"""Checks of texts before they are used: every name is there, and samples can be filled in.

Texts that rules send see what the rules see and the values that the rule gives; texts that the
hub sends by itself see their values of `loyalty.announced`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
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
from rules.templates import Template, named_texts
from rules.text_samples import sample_of

MEMBER = (
    "id", "joined_at", "first_name", "last_name", "email", "phone", "locale", "zone", "birthday",
    "tags", "segments", "tier", "points", "lifetime_points", "lifetime_spend", "orders_count",
    "last_order_at", "points_redeemed", "redemptions_count",
)  # fmt: skip
"""What a text may say of a member."""

NO_RULES = RuleSet.load([])
_EVERYWHERE: Mapping[str, Any] = {
    "recipient": Recipient,
    "links": MessageLinks,
    "programme": Programme,
}


def texts_of(templates: Mapping[str, Template]) -> Texts:
    """The templates made ready.

    Raises:
        TextError: One of them cannot be read; the message names it and its line.
    """
    return Texts({name: one.plain() for name, one in templates.items()})


def text_problems(rules: RuleSet, texts: Texts) -> tuple[RuleProblem, ...]:
    """What is wrong with the texts of these rules: names that are not there when they are sent,
    languages in which they cannot be filled in with what the rule's examples give."""
    found: dict[str, RuleProblem] = {}
    for rule in rules.rules:
        for place, action in rule.actions():
            sources = _sources(texts, action)
            unknown = [told for one in sources for told in _unknown(one, rule, action)]
            for told in unknown or _unfillable(texts, sources, rules):
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
                told += unknown or _unfillable(texts, (source,), NO_RULES)
    return tuple(told)


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
    found: list[Source] = []
    for channel, name in named_texts(action):
        with suppress(TextError):  # `missing_templates` tells it
            found += texts.in_all_languages(name, channel)
    return tuple(found)


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


def _unfillable(texts: Texts, sources: Sequence[Source], rules: RuleSet) -> list[str]:
    told = []
    for source in sources:
        sample = sample_of(source.name, source.channel, rules, programme=Programme())
        if sample is None:
            continue
        try:
            texts.render(source.name, source.channel, sample, locale=source.locale)
        except TextError as error:
            told.append(str(error))
    return told
