"""`hub templates list | check | preview`: what is written, whether it holds, how it looks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

from deployments.cli.answers import (
    Failure,
    answering,
    counted,
    say,
    show_fields,
    show_rows,
    unusable,
    write_json,
)
from deployments.cli.desk import Desk, at_desk, read_settings
from deployments.cli.rules import read_files, read_templates
from flows.directory import Directory
from flows.planning import Planner
from flows.trial_messages import CannotTry, Trial, try_out
from loyalty.announced import ANNOUNCED
from loyalty.preview import Preview, preview
from loyalty.programme import Programme
from loyalty.store import connections, delivery_lists, rulebook
from loyalty.store.deliveries import Delivery
from loyalty.store.delivery_lists import Search
from loyalty.texts import TextError, Texts
from rules import RuleSet, RuleSetError
from rules.shipped import shipped_rules
from rules.templates import named_texts
from rules.text_checks import announced_problems, text_problems, texts_of, warnings_of
from rules.text_samples import Person, sample_of

CHANNELS = ("email", "sms", "chat")
_UNDER_WAY = ("pending", "sending")
LOOKS, LOOK_SECONDS = 40, 0.25
"""How long a test is waited for: a worker looks every second, and a mail server takes its time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a preview is asked for."""

    name: str
    channel: str
    locale: str
    person: str
    zone: str
    values: str


@answering
def run_list(*, as_json: bool) -> int:
    """Every text with its channels, languages and senders; needs no running hub."""
    texts, senders = read_texts(), _senders(_rules())
    rows: dict[str, dict[str, Any]] = {}
    for one in texts.sources():
        row = rows.setdefault(one.name, {"channels": {}, "sent_by": senders.get(one.name, [])})
        row["channels"].setdefault(one.channel, []).append(one.locale)
    if as_json:
        write_json({"templates": [{"name": name, **row} for name, row in rows.items()]})
        return 0
    show_rows(
        ("name", "channels", "sent by"),
        [(name, "; ".join(_languages(*one) for one in row["channels"].items()),
          ", ".join(row["sent_by"]) or "nothing") for name, row in rows.items()],
    )  # fmt: skip
    return 0


@answering
def run_check(*, as_json: bool) -> int:
    """Names, samples and missing texts; needs no running hub. Exit 1 where something is wrong."""
    texts = read_texts()
    problems = [*map(str, text_problems(_rules(), texts)), *announced_problems(texts)]
    warnings = warnings_of(texts)
    count = len(texts.sources())
    if as_json:
        write_json({"texts": count, "problems": problems, "warnings": list(warnings)})
        return 1 if problems else 0
    for one in problems:
        say(f"  {one}")
    say(f"{counted(count, 'text')}: " + (counted(len(problems), "problem") if problems
        else "every name is there, and every language can be filled in") + ".")  # fmt: skip
    for warning in warnings:
        say(f"Look at {warning}.")
    return 1 if problems else 0


@answering
def run_preview(asked: Asked, *, only_html: bool, as_json: bool) -> int:
    """A text as a person with this name, language and zone would get it."""
    texts = read_texts()
    channel = asked.channel or first_channel(texts, asked.name)
    context = context_of(asked, channel, _programme())
    found = rendered(texts, asked, channel, context)
    if only_html:
        if not found.html:
            raise Failure(f"the text {asked.name!r} has no HTML", "leave --html away")
        print(found.html)
    elif as_json:
        write_json({"name": asked.name, "channel": channel, **asdict(found)})
    else:
        _show(found)
    return 0


@answering
def run_send_test(asked: Asked, *, to: str, as_json: bool) -> int:
    """A text to somebody of the team; a worker sends it. Exit 1 where it did not go."""
    texts, rules, values = read_texts(), _rules(), _values(asked.values)
    trial = Trial(str(uuid4()), asked.name, to, asked.locale, asked.person, asked.zone, values)
    found = at_desk(lambda desk: _send_test(desk, trial, texts, rules))
    if as_json:
        write_json({"delivery": str(found.id), "state": found.state, "reason": found.reason})
    else:
        say(f"{found.id}: {found.state}{f', {found.reason}' if found.reason else ''}")
        if found.state in _UNDER_WAY:
            say("No worker has sent it yet: see `hub deliveries show` with this id.")
    return 0 if found.state == "sent" else 1


async def _send_test(desk: Desk, trial: Trial, texts: Texts, rules: RuleSet) -> Delivery:
    async with desk.database.begin() as connection:
        stored = {one.slug: one for one in await connections.load(connection)}
        programme = await rulebook.programme(connection)
        planner = Planner(programme, texts, Directory(stored), "", desk.now)
        try:
            planned = await try_out(connection, trial, planner, rules)
        except CannotTry as error:
            raise unusable(str(error)) from None
    assert planned is not None, "the key is new"
    for _ in range(LOOKS):
        if planned.state not in _UNDER_WAY:
            break
        await asyncio.sleep(LOOK_SECONDS)
        async with desk.database.begin() as connection:
            planned = (await delivery_lists.search(connection, Search(ids=(planned.id,))))[0]
    return planned


def read_texts() -> Texts:
    """The texts of this installation; a Failure (2) says which cannot be read."""
    try:
        return texts_of(read_templates())
    except TextError as error:
        raise unusable(str(error)) from None


def first_channel(texts: Texts, name: str) -> str:
    """The first channel that a text is there for; a Failure (2) where there is no such text."""
    known = {one.channel for one in texts.sources() if one.name == name}
    if not known:
        raise unusable(f"there is no text {name!r}", "see `hub templates list`")
    return next(one for one in CHANNELS if one in known)


def context_of(asked: Asked, channel: str, programme: Programme) -> dict[str, Any]:
    """The samples that a text is filled in with, with the values that were given on top."""
    first, _, last = asked.person.partition(" ")
    person = Person(first_name=first, last_name=last, locale=asked.locale, zone=asked.zone)
    rules = _rules()
    sample = sample_of(asked.name, channel, rules, programme=programme, person=person)
    if sample is None:
        # Nothing sends it yet: it can be looked at with the values that are given.
        sample = {"programme": programme, "recipient": person, "member": person, "values": {}}
    return sample | {"values": {**sample["values"], **_values(asked.values)}}


def rendered(texts: Texts, asked: Asked, channel: str, context: Mapping[str, Any]) -> Preview:
    """The preview; a Failure where the text cannot be filled in."""
    try:
        return preview(texts, asked.name, channel, locale=asked.locale, context=context)
    except TextError as error:
        raise Failure(str(error)) from None


def _values(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise unusable("--values is no JSON object", "write --values '{\"points\": 5}'")
    return found


def _rules() -> RuleSet:
    try:
        return read_files([])
    except RuleSetError:
        return shipped_rules()  # `hub rules check` tells what is wrong with the own ones


def _programme() -> Programme:
    """The programme of the running hub; the defaults where none runs here."""

    async def read(desk: Desk) -> Programme:
        async with desk.database.begin() as connection:
            return await rulebook.programme(connection)

    settings = read_settings()
    home = settings.home.expanduser().resolve()
    if not settings.database_url and not (home / "database.url").exists():
        return Programme()
    return at_desk(read)  # type: ignore[no-any-return, unused-ignore]


def _senders(rules: RuleSet) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: ["the hub"] for name in ANNOUNCED}
    for rule in rules.rules:
        for _, action in rule.actions():
            for _, name in named_texts(action):
                senders = found.setdefault(name, [])
                if rule.id not in senders:
                    senders.append(rule.id)
    return found


def _languages(channel: str, locales: list[str]) -> str:
    known = [one for one in locales if one]
    return f"{channel} ({', '.join(known)})" if known else channel


def _show(found: Preview) -> None:
    fields = [("language", found.locale), ("subject", found.subject)]
    if found.sms:
        cost = f"{found.sms.encoding}, {counted(found.segments, 'segment')}"
        fields.append(("sms", f"{cost}, {found.sms.left} characters free"))
    show_fields([one for one in fields if one[1]])
    say("")
    say(found.text)
    for warning in found.warnings:
        say(f"\nLook at this: {warning}.")
