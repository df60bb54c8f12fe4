"""Texts in the console: which there are, how somebody would get one, and a test to oneself."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway.console.rendering import PAGE_HEADERS, query
from gateway.console.visit import Turned, Visit, Visitor
from loyalty.preview import Preview, preview
from loyalty.programme import Programme
from loyalty.store import errands, rulebook
from loyalty.texts import TextError, Texts
from rules import RuleSet
from rules.shipped import all_templates, shipped_rules
from rules.templates import TemplateError
from rules.text_checks import texts_of
from rules.text_samples import Person, sample_of

ADDRESS = "/console/texts"
CHANNELS = ("email", "sms", "chat")

router = APIRouter(prefix=ADDRESS)

Channel = Annotated[str, Query(max_length=10)]
Locale = Annotated[str, Query(max_length=35)]
Name = Annotated[str, Query(max_length=100)]

MAIL_HEADERS = {
    **PAGE_HEADERS,
    # A mail brings its own styles and pictures; `sandbox` takes scripts, forms and the origin.
    "content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src https: data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
    "x-frame-options": "SAMEORIGIN",
}


@router.get("")
async def listed(visit: Visit) -> HTMLResponse:
    """Every text with its channels and languages."""
    rows: dict[str, dict[str, list[str]]] = {}
    for one in (await _texts(visit)).sources():
        rows.setdefault(one.name, {}).setdefault(one.channel, []).append(one.locale)
    return visit.page("console/texts.html", rows=rows, here=ADDRESS)


@router.get("/{template}")
async def shown(
    visit: Visit, template: str, channel: Channel = "", locale: Locale = "", name: Name = ""
) -> HTMLResponse:
    """A text as somebody with this name and language would get it."""
    texts = await _texts(visit)
    by_channel = _languages(texts, template)
    chosen = channel if channel in by_channel else next(iter(by_channel))
    asked = {"channel": chosen, "locale": locale.strip(), "name": name.strip()}
    found, problem = await _preview(visit, texts, template, **asked)
    return visit.page(
        "console/text.html",
        title=template,
        here=f"{ADDRESS}/{template}",
        channels=[(one, one) for one in by_channel],
        asked=asked,
        found=found,
        problem=problem,
        mail=f"{ADDRESS}/{template}/mail?{query(asked)}",
    )


@router.get("/{template}/mail")
async def mail(visit: Visit, template: str, locale: Locale = "", name: Name = "") -> HTMLResponse:
    """The HTML of an e-mail, for the frame of its preview."""
    texts = await _texts(visit)
    _languages(texts, template)
    found, problem = await _preview(
        visit, texts, template, channel="email", locale=locale, name=name
    )
    if found is None or not found.html:
        raise Turned(404, "There is no HTML to show", problem or "This text has none.")
    return HTMLResponse(found.html, headers=MAIL_HEADERS)


@router.post("/{template}/test")
async def send_test(visit: Visit, template: str) -> RedirectResponse:
    """Has the text sent to an address of the team, filled in with samples."""
    back = f"{ADDRESS}/{template}"
    _languages(await _texts(visit), template)
    to, locale = visit.text("to", longest=254), visit.text("locale", longest=35)
    name = visit.text("name", longest=100)
    if not to:
        return visit.go(back, said="Say where the test is to go.", tone="bad")
    key = f"test-message:{uuid4()}"
    async with visit.house.database.begin() as connection:
        await visit.note(connection, "text.tested", template, {"locale": locale})
        await errands.ask(
            connection,
            deployment="send-test-message",
            parameters={"template": template, "to": to, "locale": locale, "key": key}
            | ({"name": name} if name else {}),
            key=key,
            now=visit.now,
        )
    return visit.go(back, said="A worker sends it; Deliveries shows what became of it.")


async def _preview(
    visit: Visitor, texts: Texts, template: str, *, channel: str, locale: str, name: str
) -> tuple[Preview | None, str]:
    """The preview, or why there is none."""
    async with visit.house.database.begin() as connection:
        programme = await rulebook.programme(connection)
        active = await rulebook.active(connection)
    rules = await asyncio.to_thread(_rules, active)
    context = _context(template, channel, rules, programme, locale=locale, name=name)
    try:
        return preview(texts, template, channel, locale=locale, context=context), ""
    except TextError as error:
        return None, str(error)


def _context(
    template: str, channel: str, rules: RuleSet, programme: Programme, *, locale: str, name: str
) -> dict[str, Any]:
    first, _, last = (name or "Ada Lovelace").partition(" ")
    person = Person(first_name=first, last_name=last, locale=locale)
    sample = sample_of(template, channel, rules, programme=programme, person=person)
    return sample or {"programme": programme, "member": person, "values": {}}


def _rules(active: Any) -> RuleSet:
    return RuleSet.from_documents(active[1]) if active else shipped_rules()


def _languages(texts: Texts, template: str) -> dict[str, list[str]]:
    """The languages of a text by channel; a page of refusal where there is no such text."""
    found: dict[str, list[str]] = {}
    for one in texts.sources():
        if one.name == template:
            found.setdefault(one.channel, []).append(one.locale)
    if not found:
        raise Turned(404, "There is no such text", "The list of texts has all there are.")
    return {one: found[one] for one in CHANNELS if one in found}


async def _texts(visit: Visitor) -> Texts:
    """The installation's texts as the files have them now."""
    return await asyncio.to_thread(texts_in_force, visit.house.settings.rules)


def texts_in_force(folder: Path | None) -> Texts:
    """The texts that come with the hub and those of a folder; it takes a moment to read them.

    Raises:
        Turned: A file cannot be read.
    """
    try:
        return texts_of(all_templates(folder))
    except (TemplateError, TextError) as error:
        advice = f"Correct the file; `hub templates check` says the same. {error}"
        raise Turned(500, "A file of texts cannot be read", advice) from None
