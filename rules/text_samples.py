"""What a text is filled in with for a preview, a check or a test: examples, nobody's data.

Texts that the hub sends by itself come with samples of their values; for those that rules send,
the rule's own examples are played, so that they say what the rule would really give them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from loyalty.announced import ANNOUNCED
from loyalty.events import Frozen
from loyalty.facts import MemberFacts, Result
from loyalty.programme import Programme
from loyalty.texts import MessageLinks, Recipient
from rules.decide import decide, effects
from rules.document import RuleDocument
from rules.examples import case_of
from rules.ruleset import RuleSet
from rules.subjects import data_name
from rules.templates import named_texts

LINKS = MessageLinks(
    unsubscribe="https://hub.example/u/sample", preferences="https://hub.example/p/sample"
)
MEMBER = MemberFacts(
    id="sample",
    is_enrolled=True,
    first_name="Ada",
    last_name="Lovelace",
    email="ada@example.com",
    phone="+15005550123",
    points=490,
    lifetime_points=490,
)
RESULT = Result(points=150, balance=640, lifetime_points=640)


class Person(Frozen):
    """For whom a preview is: what of them a text may show."""

    first_name: str = "Ada"
    last_name: str = "Lovelace"
    locale: str = ""
    zone: str = ""


def sample_of(
    name: str, channel: str, rules: RuleSet, *, programme: Programme, person: Person | None = None
) -> dict[str, Any] | None:
    """The context that a text would be filled in with; None where nothing sends it.

    Args:
        rules: Those in force, or those to be: whichever sends the text is played.
    """
    whom = person or Person()
    found = _announced(name, channel) or next(_of_rules(name, channel, rules), None)
    if found is None:
        return None
    return found | {
        "programme": programme,
        "recipient": Recipient(
            name=f"{whom.first_name} {whom.last_name}".strip(),
            first_name=whom.first_name,
            locale=whom.locale,
            zone=whom.zone,
        ),
        "member": MEMBER.model_copy(update=whom.model_dump()),
    }


def _announced(name: str, channel: str) -> dict[str, Any] | None:
    one = ANNOUNCED.get(name)
    if one is None or channel not in one.channels:
        return None
    links = LINKS if one.purpose == "marketing" else MessageLinks()
    return {"links": links, "values": dict(one.values)}


def _of_rules(name: str, channel: str, rules: RuleSet) -> Iterator[dict[str, Any]]:
    for rule in rules.rules:
        if any((channel, name) in named_texts(action) for _, action in rule.actions()):
            yield from _played(rule, name, channel)


def _played(rule: RuleDocument, name: str, channel: str) -> Iterator[dict[str, Any]]:
    """The contexts of a text where the rule's examples send it."""
    alone = RuleSet.load([rule.model_copy(update={"enabled": True})])
    for example in rule.examples:
        try:
            case = case_of(rule, example)
        except ValidationError:
            continue  # `hub rules check` tells it
        decision = decide(case.event, case.member, case.programme, alone, explain=False)
        planned = effects(decision, case.event, MEMBER, RESULT, case.programme, alone)
        for effect in planned.effects:
            if effect.template == name and (effect.channel or "chat") in (channel, "auto"):
                yield {
                    "event": case.event,
                    data_name(case.event.type): case.event.data,
                    "result": RESULT,
                    "links": LINKS,
                    "values": effect.values,
                }
