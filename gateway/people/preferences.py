"""The preference centre: what a person wants to hear about, by channel and topic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from gateway.people.door import Closed, house_of, sent, text_of
from gateway.people.pages import page, text_version, wording_for
from gateway.people.shown import shown_address
from gateway.people.whom import keep, recipient
from loyalty import consent_events
from loyalty.events import Channel, Consent, ConsentState, Event
from loyalty.gate.words import MARKETING, Words
from loyalty.links import LinkKind
from loyalty.programme import Programme
from loyalty.store import people, rulebook
from loyalty.store.recipients import Recipient, something_waits

router = APIRouter()

GRANTED, PENDING, WITHDRAWN = ConsentState.GRANTED, ConsentState.PENDING, ConsentState.WITHDRAWN
VIA = "preference_centre"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person wants on one channel.

    Attributes:
        is_stopped: They texted STOP, and only START from the handset lifts that.
        left: The topics they do not want.
    """

    channel: Channel
    address: str
    is_on: bool
    left: frozenset[str] = frozenset()
    is_pending: bool = False
    is_stopped: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """The person, what they can choose, and what holds now."""

    whom: Recipient
    programme: Programme
    choices: tuple[Choice, ...]
    has_waiting: bool


@router.get("/p/{token}")
async def show(request: Request, token: str) -> HTMLResponse:
    """What holds now, to be changed."""
    standing = await _standing(request, token)
    return _page(request, standing, standing.choices)


@router.post("/p/{token}")
async def save(request: Request, token: str) -> HTMLResponse:
    """Keeps what was ticked and not ticked, each as a word with its text's version."""
    standing = await _standing(request, token)
    form = await sent(request, token)
    is_all_over = text_of(form, "stop") == "yes"
    if not is_all_over and text_of(form, "preferences") != "yes":
        raise Closed("form")
    wanted = tuple(_wanted(one, form, standing.programme, stop=is_all_over)
                   for one in standing.choices)  # fmt: skip
    now = house_of(request).clock()
    version = text_version(
        request, standing.whom.locale, "preferences_about", "news_and_offers", "stop_everything"
    )
    events = [
        event
        for before, after in zip(standing.choices, wanted, strict=True)
        for event in _said(standing, before, after, version=version, now=now)
    ]
    if events:
        await keep(request, events, now=now)
    return _page(request, standing, wanted, said=_told(standing, wanted))


async def _standing(request: Request, token: str) -> Standing:
    house = house_of(request)
    whom = await recipient(request, LinkKind.PREFERENCES, token)
    async with house.database.begin() as connection:
        programme = await rulebook.programme(connection)
        asked = [(channel.value, address) for channel, address in whom.addresses.items()]
        words = await people.words_on(connection, asked)
        has_waiting = await something_waits(connection, list(whom.addresses.values()))
    only_start = programme.messaging.sms.handset_optout == "needs_keyword"
    choices = tuple(
        _choice(words, channel, whom.addresses[channel], programme, only_start=only_start)
        for channel in Channel
        if channel in whom.addresses
    )
    return Standing(whom, programme, choices, has_waiting)


def _choice(
    words: Words, channel: Channel, address: str, programme: Programme, *, only_start: bool
) -> Choice:
    state = words.state(channel, address)
    left = frozenset(
        topic.id
        for topic in programme.topics
        if words.state(channel, address, MARKETING, topic.id) is WITHDRAWN
    )
    stopped = words.is_stopped(channel, address, only_by_keyword=only_start)
    return Choice(
        channel,
        address,
        is_on=state in (GRANTED, PENDING) and not stopped,
        left=left,
        is_pending=state is PENDING,
        is_stopped=stopped and only_start,
    )


def _wanted(before: Choice, form: FormData, programme: Programme, *, stop: bool) -> Choice:
    if stop or before.is_stopped:
        return Choice(before.channel, before.address, False, before.left,
                      is_stopped=before.is_stopped)  # fmt: skip
    is_on = text_of(form, f"news:{before.channel}") == "yes"
    left = frozenset(
        topic.id
        for topic in programme.topics
        if text_of(form, f"topic:{before.channel}:{topic.id}") != "yes"
    )
    # Who leaves the whole channel has said nothing new about its topics.
    return Choice(before.channel, before.address, is_on, left if is_on else before.left,
                  is_pending=before.is_pending)  # fmt: skip


def _said(
    standing: Standing, before: Choice, after: Choice, *, version: str, now: datetime
) -> Iterator[Event]:
    """The words that a person said: what changed, or all where an earlier word is on its way."""
    if before.is_stopped:
        return
    everything = standing.has_waiting
    whom = standing.whom
    # The link came to this address, so that it is theirs; another of theirs has to be confirmed.
    is_proven = after.address == whom.address

    def word(is_given: bool, topic: str = "") -> Event:
        said = Consent(
            channel=after.channel,
            address=after.address,
            member_id=str(whom.member_id) if whom.member_id else None,
            topic=topic,
            via=VIA,
            text_version=version,
            is_proven=is_proven,
        )
        make = consent_events.given if is_given else consent_events.withdrawn
        return make(said, at=now)

    if everything or before.is_on != after.is_on or (after.is_on and before.is_pending):
        yield word(after.is_on)
    if after.is_on:
        for topic in standing.programme.topics:
            is_given = topic.id not in after.left
            if everything or is_given != (topic.id not in before.left):
                yield word(is_given, topic.id)


def _told(standing: Standing, wanted: tuple[Choice, ...]) -> str:
    double = standing.programme.messaging.double_opt_in
    has_new = any(
        after.is_on
        and not before.is_on
        and after.address != standing.whom.address
        and double.needed(after.channel)
        for before, after in zip(standing.choices, wanted, strict=True)
    )
    return "saved_to_confirm" if has_new else "saved"


def _page(
    request: Request, standing: Standing, choices: tuple[Choice, ...], *, said: str = ""
) -> HTMLResponse:
    language = wording_for(request, standing.whom.locale).language
    return page(
        request,
        "people/preferences.html",
        locale=standing.whom.locale,
        said=said,
        choices=[(one, shown_address(one.address)) for one in choices],
        topics=[(topic.id, topic.name(language)) for topic in standing.programme.topics],
    )
